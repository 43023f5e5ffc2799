import { join } from 'node:path';
import type { Command } from 'commander';
import { backUpDevice, folderOfBackups, type BackupResult } from '../../entry/backup.js';
import type { CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { exitCodes } from '../exit-codes.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../options.js';
import { formatBytes, formatDuration } from '../output/format.js';
import { plainRow, type Column } from '../output/table.js';
import { escapeText } from '../output/text.js';
import { TransferDisplay } from '../transfer-display.js';

/** Options of `backup`. */
interface BackupCommandOptions extends DeviceCommandOptions {
  readonly full?: true | undefined;
}

/** What came of a backup. */
interface BackupRecord extends BackupResult {
  /** Folder of the backup. */
  readonly path: string;
  /** How long it took. */
  readonly seconds: number;
  /** Issues that are none of the usual ones. */
  readonly problems: number;
}

const columns: readonly Column<BackupRecord>[] = [
  { title: 'UDID', value: ({ udid }) => udid },
  { title: 'Kind', value: kindOf },
  { title: 'Files', value: ({ filesReceived }) => filesReceived },
  { title: 'Bytes', value: ({ bytesReceived }) => bytesReceived },
  { title: 'Seconds', value: ({ seconds }) => seconds },
  { title: 'Issues', value: ({ problems }) => problems },
  { title: 'Path', value: ({ path }) => path },
];

/** Adds `backup`: a device into a folder. */
export function addBackupCommand(program: Command, context: CliContext): void {
  const command = program
    .command('backup')
    .summary('back a device up')
    .description(
      'Backs a device up into <folder>/<UDID>, and adds to the backup that is there where the device can. What is there is replaced only when the new backup is complete.',
    )
    .argument('<folder>', 'folder in which backups lie, or that of this device')
    .option('--full', 'ask the device for a full backup');
  withDeviceOptions(command, [
    'ios-backup backup ~/backups',
    'ios-backup backup /mnt/nas/backups --full --json',
  ]).action(async (folder: string, options: BackupCommandOptions) => {
    const started = performance.now();
    await using device = await connectDevice(options, context);
    await using display = new TransferDisplay(context, options);
    const result = await backUpDevice(device, {
      to: folder,
      full: options.full,
      ...display.callbacks,
      signal: context.signal,
    });
    display.clear();
    const record: BackupRecord = {
      ...result,
      path: join(folderOfBackups(folder, result.udid), result.udid),
      seconds: Math.round(performance.now() - started) / 1000,
      problems: display.problems,
    };
    display.result(record);
    if (options.json !== true) {
      const { isTerminal } = context.output;
      await context.output.write(isTerminal ? `${escapeText(sentence(record))}\n` : plainRow(columns, record));
    }
    if (record.problems > 0) context.exitCode = exitCodes.partial;
  });
}

function kindOf({ isFull }: BackupResult): string {
  if (isFull === undefined) return 'backup';
  return isFull ? 'full' : 'incremental';
}

function sentence(record: BackupRecord): string {
  const { filesReceived, bytesReceived, seconds, problems, isEncrypted, path } = record;
  const kind = record.isFull === undefined ? 'Backup' : `${record.isFull ? 'Full' : 'Incremental'} backup`;
  const parts = [
    `${kind}, ${isEncrypted ? 'encrypted' : 'not encrypted'}: ${filesReceived} files, ${formatBytes(bytesReceived)} in ${formatDuration(seconds)}`,
    ...(problems > 0 ? [`${problems} issues`] : []),
    path,
  ];
  return parts.join('; ');
}

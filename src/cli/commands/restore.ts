import type { Command } from 'commander';
import { folderOfBackups, restoreDevice, type RestoreResult } from '../../entry/backup.js';
import type { Device } from '../../entry/device.js';
import type { CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { exitCodes } from '../exit-codes.js';
import { askWhereNeeded, givenPassword } from '../input/ask-password.js';
import { confirm } from '../input/confirm.js';
import { openVersion, passwordSource, type OpenedVersion, type PasswordOptions } from '../open-backup.js';
import { OpenLocation } from '../open-store.js';
import { withDeviceOptions, withPasswordOptions, type DeviceCommandOptions } from '../options.js';
import { formatBytes, formatDuration } from '../output/format.js';
import { plainRow, type Column } from '../output/table.js';
import { TransferDisplay } from '../transfer-display.js';
import { versionInWords } from './versions/results.js';

/** Options of `restore`. */
interface RestoreCommandOptions extends DeviceCommandOptions, PasswordOptions {
  readonly at?: string | undefined;
  readonly source?: string | undefined;
  readonly system?: true | undefined;
  readonly reboot: boolean;
  readonly copy?: true | undefined;
  readonly settings?: true | undefined;
  readonly remove?: true | undefined;
  readonly skipApps?: true | undefined;
  readonly yes?: true | undefined;
}

/** What came of a restore. */
interface RestoreRecord extends RestoreResult {
  readonly udid: string;
  /** How long it took. */
  readonly seconds: number;
  /** Issues that are none of the usual ones. */
  readonly problems: number;
}

const columns: readonly Column<RestoreRecord>[] = [
  { title: 'UDID', value: ({ udid }) => udid },
  { title: 'Files', value: ({ filesSent }) => filesSent },
  { title: 'Bytes', value: ({ bytesSent }) => bytesSent },
  { title: 'Seconds', value: ({ seconds }) => seconds },
  { title: 'Issues', value: ({ problems }) => problems },
];

/** Adds `restore`: a backup onto a device. */
export function addRestoreCommand(program: Command, context: CliContext): void {
  const command = program
    .command('restore')
    .summary('restore a device from a backup')
    .description(
      'Restores a device from its backup, or from that of another one. What is on the device is replaced, and it restarts. Find My must be off. The backup is not changed.',
    )
    .argument('<folder>', 'folder in which backups lie, or that of one backup')
    .option(
      '--at <version>',
      'an older version, where versions are kept: newest~1, a date such as 2026-11-01, or an id',
    )
    .option('--source <udid>', 'the device whose backup it is (default: the device that is restored)')
    .option('--system', 'restore the domains of the system too')
    .option('--settings', 'restore the settings of the backup in place of those of the device')
    .option('--remove', 'delete what is on the device and not in the backup')
    .option('--copy', 'let the device copy the backup on this computer first')
    .option('--skip-apps', 'do not let the device install the apps of the backup again')
    .option('--no-reboot', 'do not restart the device at the end')
    .option('--yes', 'do not ask before it begins');
  withPasswordOptions(
    withDeviceOptions(command, [
      'ios-backup restore ~/backups',
      'ios-backup restore ~/backups --at 2026-11-01',
      'ios-backup restore ~/backups --source 00008120-000000000000001E --system --settings --remove',
    ]),
  ).action(async (folder: string, options: RestoreCommandOptions) => {
    const started = performance.now();
    await using device = await connectDevice(options, context);
    const name = device.info.name ?? 'the device';
    await confirm(
      {
        yes: options.yes === true,
        question: `Replace what is on ${name} (${device.udid}) by ${await sourceInWords(folder, { device, options, context })}?`,
        need: 'A restore replaces what is on the device',
        refused: 'Nothing was restored',
      },
      context,
    );
    await using display = new TransferDisplay(context, options);
    const restore = async (password: string | undefined): Promise<RestoreResult> => {
      const version = await openSource(folder, { device, password, options, context });
      try {
        return await restoreDevice(device, {
          from: version?.tree ?? folder,
          password,
          source: options.source,
          systemFiles: options.system,
          reboot: options.reboot,
          copyBackup: options.copy,
          preserveSettings: options.settings !== true,
          removeItemsNotRestored: options.remove,
          skipApps: options.skipApps,
          ...display.callbacks,
          signal: context.signal,
        });
      } finally {
        display.clear();
        await version?.[Symbol.asyncDispose]();
      }
    };
    const password = await givenPassword(passwordSource(options), context);
    const need = {
      question: 'Password of the backup: ',
      missing: ['BACKUP_PASSWORD_REQUIRED', 'SNAPSHOT_SECRET_REQUIRED'],
      wrong: ['BACKUP_PASSWORD_INCORRECT', 'SNAPSHOT_SECRET_REQUIRED'],
    } as const;
    const result = password === undefined ? await askWhereNeeded(restore, need, context) : await restore(password);
    const record: RestoreRecord = {
      ...result,
      udid: device.udid,
      seconds: Math.round(performance.now() - started) / 1000,
      problems: display.problems,
    };
    display.result(record);
    if (options.json !== true) {
      const { isTerminal } = context.output;
      await context.output.write(isTerminal ? `${sentence(record, options)}\n` : plainRow(columns, record));
    }
    if (record.problems > 0) context.exitCode = exitCodes.partial;
  });
}

/** What a restore works with. */
interface Source {
  readonly device: Device;
  readonly options: RestoreCommandOptions;
  readonly context: CliContext;
}

/** The version that is to be restored; `undefined` for the newest backup. */
async function openSource(
  folder: string,
  { device, password, options, context }: Source & { password: string | undefined },
): Promise<OpenedVersion | undefined> {
  const { at, source = device.udid } = options;
  if (at === undefined) return undefined;
  const credentials = password === undefined ? undefined : { password };
  const place = folderOfBackups(folder, source);
  return await openVersion(place, at, { udid: source, credentials, context });
}

async function sourceInWords(folder: string, { device, options, context }: Source): Promise<string> {
  const { at, source = device.udid } = options;
  if (at === undefined) return `the backup in ${folder}`;
  const place = folderOfBackups(folder, source);
  await using location = await OpenLocation.open(place, { access: 'look', udid: source }, context);
  const { version } = await location.find(at);
  return `its version ${versionInWords(version)}`;
}

function sentence(record: RestoreRecord, { reboot }: RestoreCommandOptions): string {
  const { filesSent, bytesSent, seconds, problems } = record;
  return [
    `Restored: ${filesSent} files, ${formatBytes(bytesSent)} in ${formatDuration(seconds)}`,
    ...(problems > 0 ? [`${problems} issues`] : []),
    reboot ? 'the device restarts and goes on by itself' : 'restart the device to complete it',
  ].join('; ');
}

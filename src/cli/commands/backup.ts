import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { backUpDevice, folderOfBackups, type BackupResult } from '../../entry/backup.js';
import type { Device } from '../../entry/device.js';
import { isBackupKitError } from '../../entry/index.js';
import { locateStore, type SnapshotStore, type VersionInfo } from '../../entry/snapshot.js';
import { note, type CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { exitCodes } from '../exit-codes.js';
import { messageOf, UsageError } from '../failures.js';
import { shortId } from '../input/version-name.js';
import { OpenLocation } from '../open-store.js';
import { givenCredentials, type CredentialOptions, type Credentials } from '../open-backup.js';
import { withCredentialOptions, withDeviceOptions, type DeviceCommandOptions } from '../options.js';
import { formatBytes, formatDuration } from '../output/format.js';
import { plainRow, type Column } from '../output/table.js';
import { escapeText } from '../output/text.js';
import { StoreDisplay } from '../store-display.js';
import { TransferDisplay } from '../transfer-display.js';
import { versionInWords } from './versions/results.js';

/** Options of `backup`. */
interface BackupCommandOptions extends DeviceCommandOptions, CredentialOptions {
  readonly to?: string | undefined;
  readonly create?: true | undefined;
  readonly note?: string | undefined;
  readonly full?: true | undefined;
  readonly compact: boolean;
}

/** What came of a backup. */
interface BackupRecord extends BackupResult {
  /** Folder of the backup. */
  readonly path: string;
  /** How long it took. */
  readonly seconds: number;
  /** Issues that are none of the usual ones. */
  readonly problems: number;
  /** The version that it has made, where versions are kept. */
  readonly version?: VersionInfo | undefined;
  /** Space by which the location has grown, in bytes, where versions are kept and it could be measured. */
  readonly addedBytes?: number | undefined;
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

/** More columns where versions are kept. */
const versionColumns: readonly Column<BackupRecord>[] = [
  { title: 'Version', value: ({ version }) => version?.id },
  { title: 'Added', value: ({ addedBytes }) => addedBytes },
];

/** How long history is made smaller after a backup. */
const compactSeconds = 60;

/** Adds `backup`: a device into a folder. */
export function addBackupCommand(program: Command, context: CliContext): void {
  const command = program
    .command('backup')
    .summary('back a device up')
    .description(
      'Backs a device up into <folder>/<UDID>, and adds to the backup that is there where the device can. What is there is replaced only when the new backup is complete. With --to, and wherever a folder keeps versions, the last backup stays as a version of its own.',
    )
    .argument('[folder]', 'folder in which backups lie, or that of this device')
    .option(
      '--to <location>',
      'such a folder, and keep every backup in it as a version; begins where it is empty or new',
    )
    .option('--create', 'with --to: begin to keep versions in a folder that has other things in it, e.g. backups')
    .option('--note <text>', 'something about the version, for later')
    .option('--full', 'ask the device for a full backup')
    .option('--no-compact', 'do not make history smaller afterwards, which takes a minute at most');
  withCredentialOptions(
    withDeviceOptions(command, [
      'ios-backup backup ~/backups',
      'ios-backup backup --to ~/iphone-history',
      'ios-backup backup /mnt/nas/backups --full --json',
    ]),
  ).action(async (folder: string | undefined, options: BackupCommandOptions) => {
    const started = performance.now();
    const target = await targetOf(folder, options);
    const credentials = await givenCredentials(options, context);
    await using device = await connectDevice(options, context);
    const record = await backUp(device, { target, credentials, options, context, started });
    if (options.json !== true) {
      const { isTerminal } = context.output;
      const shown = record.version === undefined ? columns : [...columns, ...versionColumns];
      await context.output.write(isTerminal ? `${escapeText(sentence(record))}\n` : plainRow(shown, record));
    }
    if (record.problems > 0) context.exitCode = exitCodes.partial;
  });
}

/** Where a backup goes. */
interface Target {
  /** As it was given. */
  readonly path: string;
  /** Whether versions are kept there. */
  readonly keepsVersions: boolean;
  /** Whether the store has to be made. */
  readonly create: boolean;
}

async function targetOf(folder: string | undefined, { to, create, note: text }: BackupCommandOptions): Promise<Target> {
  const path = to ?? folder;
  if (path === undefined || (to !== undefined && folder !== undefined))
    throw new UsageError('Name the folder: ios-backup backup <folder>, or --to <location> to keep versions');
  if (create === true && to === undefined) throw new UsageError('--create needs --to');
  const hasStore = (await locateStore(path)) !== undefined;
  if (text !== undefined && to === undefined && !hasStore) throw new UsageError('--note needs --to');
  if (hasStore) return { path, keepsVersions: true, create: false };
  if (to !== undefined && create !== true && !(await isNew(path)))
    throw new UsageError(
      `${path} is no empty folder, and no versions are kept there yet; give --create to begin, which leaves what is there as it is`,
    );
  return { path, keepsVersions: to !== undefined, create: true };
}

async function isNew(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
    throw error;
  }
}

async function backUp(
  device: Device,
  {
    target,
    credentials,
    options,
    context,
    started,
  }: {
    target: Target;
    credentials: Credentials | undefined;
    options: BackupCommandOptions;
    context: CliContext;
    started: number;
  },
): Promise<BackupRecord> {
  const { signal } = context;
  await using display = new TransferDisplay(context, options);
  const folder = folderOfBackups(target.path, device.udid);
  const common = { full: options.full, ...display.callbacks, signal };
  const recordOf = (result: BackupResult, more: Pick<BackupRecord, 'version' | 'addedBytes'> = {}): BackupRecord => {
    display.clear();
    const record: BackupRecord = {
      ...result,
      ...more,
      path: join(folder, result.udid),
      seconds: Math.round(performance.now() - started) / 1000,
      problems: display.problems,
    };
    display.result(record);
    return record;
  };
  if (!target.keepsVersions) return recordOf(await backUpDevice(device, { to: folder, ...common }));
  await using location = await OpenLocation.open(
    folder,
    { access: 'write', create: target.create, ...credentials },
    context,
  );
  const { store } = location;
  const versions = store.device(device.udid);
  const known = new Set((await location.list(versions)).map(({ id }) => id));
  const before = await store.usage({ signal });
  const { version, ...result } = await backUpDevice(device, { to: store, ...common });
  if (options.note !== undefined) await versions.note(version.id, options.note);
  for (const other of await location.list(versions)) {
    if (other.id === version.id || known.has(other.id)) continue;
    display.clear();
    note(context, `What another tool had made of the backup was kept as version ${versionInWords(other)}`);
  }
  if (options.compact) await compact(store, { display, context });
  if (signal.aborted) return recordOf(result, { version });
  const after = await store.usage({ signal });
  if (result.isEncrypted && credentials === undefined && version.parent !== undefined && context.output.isTerminal)
    note(
      context,
      'With the backup password, in IOS_BACKUP_PASSWORD, the history of encrypted backups takes far less space',
    );
  return recordOf(result, { version, addedBytes: after.totalBytes - before.totalBytes });
}

/** Makes history smaller, for a while. The backup is complete by then, and stays so whatever comes of this. */
async function compact(
  store: SnapshotStore,
  { display, context }: { display: TransferDisplay; context: CliContext },
): Promise<void> {
  using bar = new StoreDisplay(context);
  display.clear();
  try {
    await store.compact({ maxSeconds: compactSeconds, onProgress: bar.show, signal: context.signal });
  } catch (error) {
    if (!context.signal.aborted && !isBackupKitError(error)) throw error;
    bar.clear();
    const why = context.signal.aborted ? 'interrupted' : messageOf(error);
    note(context, `The backup is complete; its history was not made smaller: ${why}`);
  }
}

function kindOf({ isFull }: BackupResult): string {
  if (isFull === undefined) return 'backup';
  return isFull ? 'full' : 'incremental';
}

function sentence(record: BackupRecord): string {
  const { filesReceived, bytesReceived, seconds, problems, isEncrypted, path, version, addedBytes } = record;
  const grown = formatBytes(Math.max(0, addedBytes ?? 0));
  const kind = record.isFull === undefined ? 'Backup' : `${record.isFull ? 'Full' : 'Incremental'} backup`;
  const parts = [
    `${kind}, ${isEncrypted ? 'encrypted' : 'not encrypted'}: ${filesReceived} files, ${formatBytes(bytesReceived)} in ${formatDuration(seconds)}`,
    ...(problems > 0 ? [`${problems} issues`] : []),
    path,
    ...(version === undefined ? [] : [`version ${shortId(version.id)}, for which the folder has grown by ${grown}`]),
  ];
  return parts.join('; ');
}

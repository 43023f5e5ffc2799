import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { listBackups, SnapshotError, type ListedBackup } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { exitCodes } from '../../exit-codes.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { StoreDisplay } from '../../store-display.js';
import { writeVersion } from './results.js';

/** Options of `versions import`. */
interface ImportCommandOptions extends StoreOptions {
  readonly create?: true | undefined;
  readonly note?: string | undefined;
}

/** Adds `versions import`: backups that lie elsewhere become versions. */
export function addVersionsImportCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('import')
    .summary('make versions of backups that lie elsewhere: folders, tar and zip archives')
    .description(
      'Makes a version of each backup, oldest first, dated by when it was made. A folder of backups gives all that are in it, also archived ones as <UDID>-20260101-120000; - reads an archive from the input. Nothing there is changed, and the newest backup of the location stays what it is. What versions have already takes no space again.',
    )
    .argument('<location>', 'folder in which backups and their versions lie')
    .argument('<backups...>', 'folders of backups, folders that hold some, or archives')
    .option('--create', 'begin to keep versions in the location, if that was not done yet')
    .option('--note <text>', 'something about the versions, for later');
  withStoreOptions(command, [
    'ios-backup versions import ~/backups /mnt/old-disk/backups --create',
    "ios-backup versions import ~/backups ~/'Library/Application Support/MobileSync/Backup'",
  ]).action(async (path: string, sources: readonly string[], options: ImportCommandOptions) => {
    const { create, udid } = options;
    const { signal } = context;
    const [folders, archives] = await sortSources(sources);
    const backups = folders.length === 0 ? [] : await backupsIn(folders, context);
    await using location = await OpenLocation.open(path, { access: 'write', create, udid }, context);
    using display = new StoreDisplay(context);
    const all = [
      ...backups.map((backup) => ({ from: backup.path, owner: backup.udid })),
      ...archives.map((from) => ({ from, owner: undefined })),
    ];
    for (const { from, owner } of all) {
      display.say(`Importing ${from}`);
      const version = await location.store.importBackup(from === '-' ? context.input : from, {
        udid: location.udid ?? owner,
        note: options.note,
        onProgress: display.show,
        signal,
      });
      display.clear();
      await writeVersion(version, 'Imported', { options, context });
    }
  });
}

/** Folders, and archives: files and the input. */
async function sortSources(sources: readonly string[]): Promise<[folders: string[], archives: string[]]> {
  const [folders, archives]: [string[], string[]] = [[], []];
  for (const source of sources) {
    const isFile = source === '-' || ((await stat(source).catch(() => undefined))?.isFile() ?? false);
    (isFile ? archives : folders).push(source);
  }
  return [folders, archives];
}

/** The backups behind paths, oldest first; those that are no use are told. */
async function backupsIn(
  sources: readonly string[],
  context: CliContext,
): Promise<readonly (ListedBackup & { readonly udid: string })[]> {
  const found: (ListedBackup & { readonly udid: string })[] = [];
  for (const source of sources) {
    let count = 0;
    for await (const backup of listBackups(source, { signal: context.signal })) {
      count += 1;
      const { udid, error, isFinished, path } = backup;
      if (udid !== undefined && error === undefined && isFinished !== false) found.push({ ...backup, udid });
      else {
        note(
          context,
          `Passed over ${path}: ${error?.message ?? (udid === undefined ? 'it names no device' : 'it is not finished')}`,
        );
        context.exitCode = exitCodes.partial;
      }
    }
    if (count === 0) throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no backup in ${source}`);
  }
  if (found.length === 0) throw new SnapshotError('SNAPSHOT_NOT_FOUND', 'No backup was imported');
  return found.sort((a, b) => (a.lastBackupDate?.getTime() ?? 0) - (b.lastBackupDate?.getTime() ?? 0));
}

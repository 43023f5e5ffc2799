import type { Command } from 'commander';
import { basename } from 'node:path';
import { listBackups, SnapshotError } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { shortId } from '../../input/version-name.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { StoreDisplay } from '../../store-display.js';
import { writeVersion } from './results.js';

/** Options of `versions capture`. */
interface CaptureCommandOptions extends StoreOptions {
  readonly create?: true | undefined;
  readonly note?: string | undefined;
}

/** Adds `versions capture`: keeps what another tool has written. */
export function addVersionsCaptureCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('capture')
    .summary('keep the newest backups as versions, whichever tool wrote them')
    .description(
      'Makes a version of the backup of each device of the location as it lies there: what Finder, iTunes, idevicebackup2 or another tool has written. Where nothing has changed since the last version, none is made. Do not run it while a tool writes.',
    )
    .argument('<location>', 'folder in which backups lie, or that of one device')
    .option('--create', 'begin to keep versions there, if that was not done yet')
    .option('--note <text>', 'something about the version, for later');
  withStoreOptions(command, [
    'ios-backup versions capture ~/backups --create',
    'ios-backup versions capture ~/backups/00008120-0001 --note "before the update"',
  ]).action(async (path: string, options: CaptureCommandOptions) => {
    const { signal } = context;
    const { create, udid } = options;
    await using location = await OpenLocation.open(path, { access: 'write', create, udid }, context);
    using display = new StoreDisplay(context);
    for (const each of await devicesOf(location, signal)) {
      const device = location.store.device(each);
      const before = new Set((await location.list(device)).map(({ id }) => id));
      const version = await device.capture({ note: options.note, onProgress: display.show, signal });
      display.clear();
      if (before.has(version.id)) note(context, `Nothing has changed since ${shortId(version.id)}`);
      await writeVersion(version, before.has(version.id) ? 'Still' : 'Kept', { options, context });
    }
  });
}

/** The device that is meant, or all that have a backup in the location. */
async function devicesOf({ location, udid }: OpenLocation, signal: AbortSignal): Promise<readonly string[]> {
  if (udid !== undefined) return [udid];
  const found: string[] = [];
  for await (const backup of listBackups(location, { signal })) {
    const name = basename(backup.path);
    if (/^[A-Za-z0-9-]+$/.test(name)) found.push(name);
  }
  if (found.length > 0) return found;
  throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no backup in ${location}; give the folder that has <UDID>/`);
}

import type { Command } from 'commander';
import type { CliContext } from '../../context.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { writeVersions } from './results.js';

/** Options of `versions pin`. */
interface PinOptions extends StoreOptions {
  readonly note?: string | undefined;
}

/** Adds `versions pin`: keeps versions from being removed. */
export function addVersionsPinCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('pin')
    .summary('keep versions from being removed')
    .description('Keeps versions from prune and delete, until they are unpinned.')
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<versions...>', 'which versions')
    .option('--note <text>', 'why, for later');
  withStoreOptions(command, ['ios-backup versions pin ~/backups 2026-11-01 --note "before the update"']).action(
    async (path: string, texts: readonly string[], options: PinOptions) => {
      await using location = await OpenLocation.open(path, { access: 'write', udid: options.udid }, context);
      const { device, versions } = await location.findAll(texts);
      for (const { id } of versions) await device.pin(id, options.note);
      await writeVersions(location, { device, versions, did: 'Pinned' }, { options, context });
    },
  );
}

/** Adds `versions unpin`: lets versions be removed again. */
export function addVersionsUnpinCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('unpin')
    .summary('let pinned versions be removed again')
    .description('Lets prune and delete have pinned versions again.')
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<versions...>', 'which versions');
  withStoreOptions(command, ['ios-backup versions unpin ~/backups 2026-11-01']).action(
    async (path: string, texts: readonly string[], options: StoreOptions) => {
      await using location = await OpenLocation.open(path, { access: 'write', udid: options.udid }, context);
      const { device, versions } = await location.findAll(texts);
      for (const { id } of versions) await device.unpin(id);
      await writeVersions(location, { device, versions, did: 'Unpinned' }, { options, context });
    },
  );
}

/** Adds `versions note`: writes something about a version. */
export function addVersionsNoteCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('note')
    .summary('write something about a version')
    .description('Writes something about a version, in place of what was there. An empty text removes it.')
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<version>', 'which version')
    .argument('<text>', 'what to write');
  withStoreOptions(command, ['ios-backup versions note ~/backups newest "the last one with the old phone"']).action(
    async (path: string, name: string, text: string, options: StoreOptions) => {
      await using location = await OpenLocation.open(path, { access: 'write', udid: options.udid }, context);
      const { device, version } = await location.find(name);
      await device.note(version.id, text);
      await writeVersions(location, { device, versions: [version], did: 'Noted' }, { options, context });
    },
  );
}

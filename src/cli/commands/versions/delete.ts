import type { Command } from 'commander';
import { SnapshotError } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { confirm } from '../../input/confirm.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { deviceOf } from '../../output/version-columns.js';
import { ownSizes } from './list.js';
import { versionInWords, writeVersions } from './results.js';

/** Options of `versions delete`. */
interface DeleteCommandOptions extends StoreOptions {
  readonly all?: true | undefined;
  readonly evenPinned?: true | undefined;
  readonly permanently?: true | undefined;
  readonly yes?: true | undefined;
}

/** Adds `versions delete`: puts versions into the trash. */
export function addVersionsDeleteCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('delete')
    .summary('put versions into the trash')
    .description(
      'Puts versions into the trash, from where undelete takes them back. After 7 days the next prune --yes removes them for good; --permanently does that at once. Other versions and the newest backup stay what they are. Pinned and open versions, and the last one of a device, are not deleted.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('[versions...]', 'which versions')
    .option('--all', 'all versions of the device; its newest backup stays as a folder')
    .option('--even-pinned', 'with --all: pinned ones too')
    .option('--permanently', 'remove them at once, without days of grace')
    .option('--yes', 'do not ask before it begins');
  withStoreOptions(command, [
    'ios-backup versions delete ~/backups 2026-11-01 k3f9',
    'ios-backup versions delete ~/backups --udid 00008120-0001 --all',
  ]).action(async (path: string, texts: readonly string[], options: DeleteCommandOptions) => {
    const { all, permanently, evenPinned, udid } = options;
    if ((all === true) === texts.length > 0) throw new UsageError('Name versions, or give --all');
    if (evenPinned === true && all !== true) throw new UsageError('--even-pinned needs --all; unpin single ones');
    await using location = await OpenLocation.open(path, { access: 'write', udid }, context);
    const { device, versions } = all === true ? await allOf(location) : await location.findAll(texts);
    const { signal } = context;
    // Before anybody is asked.
    const pinned = evenPinned === true ? undefined : versions.find((version) => version.pinned);
    if (pinned !== undefined)
      throw new SnapshotError('SNAPSHOT_GUARD', `Version ${versionInWords(pinned)}: unpin it first`, {
        version: pinned.id,
      });
    await confirmDeletion(location, versions, { options, context });
    if (all === true) await location.store.deleteDevice(device.udid, { permanently, evenPinned, signal });
    else
      await device.delete(
        versions.map(({ id }) => id),
        { permanently, signal },
      );
    if (permanently === true) {
      const { freedBytes } = await location.store.purge({ signal });
      await writeVersions(location, { device, versions, did: 'Removed' }, { options, context });
      note(context, `${formatBytes(freedBytes)} are free again`);
      return;
    }
    await writeVersions(location, { device, versions, did: 'Deleted' }, { options, context });
    note(context, 'They stay in the trash for 7 days; versions undelete takes them back');
  });
}

async function allOf(location: OpenLocation): ReturnType<OpenLocation['findAll']> {
  const device = await location.device();
  const versions = await location.list(device);
  if (versions.length > 0) return { device, versions };
  throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There are no versions of ${device.udid}`);
}

async function confirmDeletion(
  location: OpenLocation,
  versions: ReadonlyArray<Awaited<ReturnType<OpenLocation['find']>>['version']>,
  { options, context }: { options: DeleteCommandOptions; context: CliContext },
): Promise<void> {
  const [first] = versions;
  if (options.yes === true || first === undefined) return;
  const sizes = await ownSizes(location.store, context.signal);
  const own = versions.reduce((sum, { id }) => sum + (sizes.get(id) ?? 0), 0);
  const what = versions.length === 1 ? `version ${versionInWords(first)}` : `${versions.length} versions`;
  const end = options.permanently === true ? ' for good' : '';
  await confirm(
    {
      yes: false,
      question: `Delete ${what} of ${deviceOf(first)}${end}? At least ${formatBytes(own)} become free.`,
      need: `This deletes ${what}${end}`,
      refused: 'Nothing was deleted',
    },
    context,
  );
}

/** Adds `versions undelete`: takes versions back from the trash. */
export function addVersionsUndeleteCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('undelete')
    .summary('take versions back from the trash')
    .description('Takes versions back from the trash. versions list --deleted shows what is in it.')
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<versions...>', 'ids of versions, or their beginnings');
  withStoreOptions(command, ['ios-backup versions undelete ~/backups k3f9']).action(
    async (path: string, texts: readonly string[], options: StoreOptions) => {
      await using location = await OpenLocation.open(path, { access: 'write', udid: options.udid }, context);
      const { device, versions } = await location.findAll(texts, { deleted: true });
      const deleted = versions.filter((version) => version.deleted);
      for (const version of versions)
        if (!version.deleted) note(context, `${versionInWords(version)} is not in the trash`);
      await device.undelete(
        deleted.map(({ id }) => id),
        { signal: context.signal },
      );
      await writeVersions(location, { device, versions: deleted, did: 'Taken back' }, { options, context });
    },
  );
}

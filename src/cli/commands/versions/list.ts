import type { Command } from 'commander';
import { findStores, type SnapshotStore, type StoreUsage } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { writeRecords } from '../../output/records.js';
import { versionColumns, type ListedVersion } from '../../output/version-columns.js';
import { SnapshotError } from '../../../entry/index.js';

/** Options of `versions list`. */
interface ListOptions extends StoreOptions {
  readonly deleted?: true | undefined;
  readonly sizes?: true | undefined;
}

/** Adds `versions list`: which versions there are. */
export function addVersionsListCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('list')
    .summary('list the versions of a location')
    .description(
      'Lists versions, newest first. Without a location those of the only store that is found, as by versions locations. Changes are files that were added (+), changed (~) and removed (-) since the version before.',
    )
    .argument('[location]', 'folder in which backups and their versions lie, or that of one device')
    .option('--deleted', 'list those in the trash too')
    .option('--sizes', 'measure the space that only this version needs, which takes longer');
  withStoreOptions(command, [
    'ios-backup versions list ~/backups',
    'ios-backup versions list ~/backups --sizes',
    'ios-backup versions list ~/backups --json | jq -r .id',
  ]).action(async (path: string | undefined, options: ListOptions) => {
    const place = path ?? (await onlyStore(context));
    await using location = await OpenLocation.open(place, { access: 'look', udid: options.udid }, context);
    const usage =
      options.sizes === true ? await location.store.usage({ perVersion: true, signal: context.signal }) : undefined;
    const own = usage && ownBytesIn(usage);
    const devices = await location.devices();
    const versions: ListedVersion[] = [];
    for (const device of devices) {
      for (const version of await location.list(device, { deleted: options.deleted }))
        versions.push(own === undefined ? version : { ...version, ownBytes: own.get(version.id) });
    }
    const { output } = context;
    const columns = versionColumns({
      devices: devices.length > 1,
      sizes: own !== undefined,
      asTable: output.isTerminal && options.json !== true,
    });
    await writeRecords(inOrder(versions), { columns }, { output, asJson: options.json === true });
    if (options.json !== true && output.isTerminal) note(context, summaryOf(versions, location, usage));
  });
}

/** Space in bytes that each version alone needs. */
export async function ownSizes(store: SnapshotStore, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  return ownBytesIn(await store.usage({ perVersion: true, signal }));
}

function ownBytesIn({ devices }: StoreUsage): ReadonlyMap<string, number> {
  return new Map(devices.flatMap(({ versions }) => versions.map(({ id, ownBytes }) => [id, ownBytes] as const)));
}

async function onlyStore({ signal }: CliContext): Promise<string> {
  const found: string[] = [];
  for await (const { location } of findStores({ folders: ['.'], signal })) found.push(location);
  const [only, ...others] = found;
  if (only === undefined)
    throw new SnapshotError(
      'SNAPSHOT_NOT_A_STORE',
      'No version store was found in the usual places; name the location',
    );
  if (others.length > 0)
    throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There are several stores, so name one of them: ${found.join(', ')}`);
  return only;
}

async function* inOrder<T>(records: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* records;
}

function summaryOf(
  versions: readonly ListedVersion[],
  { location }: OpenLocation,
  usage: StoreUsage | undefined,
): string {
  if (versions.length === 0) return `${location} has no versions yet`;
  const count = versions.length === 1 ? '1 version' : `${versions.length} versions`;
  const asFolders = formatBytes(versions.reduce((sum, version) => sum + version.bytes, 0));
  if (usage === undefined) return `${count}; as separate folders they would take ${asFolders}`;
  const history = formatBytes(usage.storeBytes - usage.reservedBytes);
  return `${count}: ${history} of history beside ${formatBytes(usage.liveBytes)} of newest backups; as separate folders they would take ${asFolders}`;
}

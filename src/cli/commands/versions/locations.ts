import type { Command } from 'commander';
import { isBackupKitError } from '../../../entry/index.js';
import { findStores, SnapshotStore } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { withCommonOptions, type CommonOptions } from '../../options.js';
import { formatAgo, formatLocalMinute } from '../../output/format.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';

/** A store that was found. */
interface ListedStore {
  readonly location: string;
  readonly id: string;
  /** UDIDs. */
  readonly devices: readonly string[];
  /** Number of versions. */
  readonly versions: number;
  /** When the newest of them was made. */
  readonly newest: Date | undefined;
}

const columns: readonly Column<ListedStore>[] = [
  { title: 'Devices', value: ({ devices }) => devices.length, align: 'right' },
  { title: 'Versions', value: ({ versions }) => versions, align: 'right' },
  {
    title: 'Newest',
    value: ({ newest }) => newest,
    show: ({ newest }) => (newest === undefined ? '' : `${formatLocalMinute(newest)} (${formatAgo(newest)})`),
  },
  { title: 'Location', value: ({ location }) => location, cut: 'start', flexible: true },
];

/** Adds `versions locations`: where there are stores. */
export function addVersionsLocationsCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('locations')
    .summary('find the version stores of this computer')
    .description(
      'Finds version stores in the given folders, the current one, the default backup folders, the home, and on mounted volumes: in each of them, and in the folders directly in them. No list is kept anywhere.',
    )
    .argument('[folders...]', 'folders to look at; then only these');
  withCommonOptions(command, ['ios-backup versions locations', 'ios-backup versions locations /mnt/nas --json']).action(
    async (folders: readonly string[], { json }: CommonOptions) => {
      const { output, signal } = context;
      const places = { folders: folders.length > 0 ? folders : ['.'], usual: folders.length === 0 };
      await writeRecords(stores(places, context), { columns }, { output, asJson: json === true });
      signal.throwIfAborted();
    },
  );
}

async function* stores(
  places: { folders: readonly string[]; usual: boolean },
  context: CliContext,
): AsyncGenerator<ListedStore, void, undefined> {
  const { signal } = context;
  for await (const { location } of findStores({ ...places, signal })) {
    try {
      yield await describe(location, signal);
    } catch (error) {
      if (!isBackupKitError(error)) throw error;
      note(context, `${location}: ${error.message}`);
    }
  }
}

async function describe(location: string, signal: AbortSignal): Promise<ListedStore> {
  await using store = await SnapshotStore.open(location, { readOnly: true, signal });
  const devices = await store.devices({ signal });
  const lists = await Promise.all(
    devices.map(async (udid) => await store.device(udid).list({ onDamage: () => undefined, signal })),
  );
  const times = lists.flat().map(({ created }) => created.getTime());
  return {
    location,
    id: store.info.id,
    devices,
    versions: times.length,
    newest: times.length === 0 ? undefined : new Date(Math.max(...times)),
  };
}

import type { AbortOptions } from '../../core/abort.js';
import { prefixedTree } from '../../core/prefixed-tree.js';
import { progressReporter, type ProgressOptions } from '../../core/progress.js';
import { SnapshotError } from '../../core/errors.js';
import { LayeredSink } from '../../folder/layered-sink.js';
import { typed } from '../fs/typed.js';
import { directoryTreeOf } from '../fs/folder-tree.js';
import type { Table } from '../format/table.js';
import type { RecordHeader } from '../format/record.js';
import type { WorkLeases } from '../store/work-leases.js';
import { livePath, storePath, type Place } from '../store/place.js';
import type { LocalSite, Site } from '../store/site.js';
import type { ResolvedRecord } from '../store/records.js';
import type { StoreProgress, VersionKind } from '../types.js';
import { newRun } from '../store/run-files.js';
import { commitLive, finishRun, isCommitting } from './commit-live.js';
import { removeIfEmpty } from './remove-folder.js';
import { keys } from '../store/keys.js';
import { commitAsIs, ingestChanges, lookAtLive } from './live-state.js';
import { tableOfRun } from './new-table.js';
import { ReceivedHashes } from './received-hashes.js';

/** What a run of a device starts from. */
interface RunStart {
  readonly before: Table;
  readonly parent: ResolvedRecord | undefined;
  /** Paths whose time says nothing of their content. */
  readonly doubtful: readonly string[];
}

/** Options of a run. */
export interface RunOptions extends AbortOptions, ProgressOptions<StoreProgress> {
  /** What to write about the version. */
  readonly note?: string | undefined;
}

/**
 * Steps R0 to R2: leases must be held. Completes what a killed process has left, and keeps what another tool has made of the
 * newest backup.
 */
export async function startRun(
  site: Site,
  local: LocalSite,
  options: RunOptions & { udid: string; lease: Pick<WorkLeases, 'check'> },
): Promise<RunStart> {
  const { udid, lease, signal } = options;
  const progress = progressReporter(options.onProgress);
  await finishRun(site, local, { udid, lease });
  const state = await lookAtLive(local, udid, { progress, signal });
  const { doubtful } = state.scan;
  if (state.isAsLast || state.table.length === 0) return { before: state.table, parent: state.last, doubtful };
  if (!(await isWhole(site, local, udid, signal))) {
    // No version of its own, but the next one takes over what the run does not touch.
    await ingestChanges(local, { udid, state, progress, signal });
    return { before: state.table, parent: state.last, doubtful };
  }
  const header = await commitAsIs(site, local, { udid, state, kind: 'found', progress, signal, lease });
  return { before: state.table, parent: { header, table: state.table, deleted: false }, doubtful };
}

/** Whether the newest backup is finished, as far as it says so. */
async function isWhole(site: Site, local: LocalSite, udid: string, signal?: AbortSignal): Promise<boolean> {
  const { state } = await site.knowledge.describe(directoryTreeOf(local.place.fs, livePath(local.place, udid)), {
    signal,
  });
  return state === undefined || state === 'finished';
}

/** The sink of a run, with `<UDID>/` before every path, and the version that comes of it. */
export class RunSink extends LayeredSink {
  readonly udid: string;
  #version: RecordHeader | undefined;
  #isApplied = false;
  /** Whether a version exists that the newest backup has not become: files are on their way. */
  #isUnderWay = false;
  readonly #leases: WorkLeases;
  readonly #place: Place;

  private constructor(
    parts: ConstructorParameters<typeof LayeredSink>[0],
    { udid, leases, place }: { udid: string; leases: WorkLeases; place: Place },
  ) {
    super(parts);
    this.#place = place;
    this.udid = udid;
    this.#leases = leases;
  }

  /** Begins a run for which the leases are held; they are released when the sink is closed. */
  static async begin(
    site: Site,
    local: LocalSite,
    options: RunOptions & { udid: string; leases: WorkLeases; kind?: VersionKind },
  ): Promise<RunSink> {
    const { udid, leases, signal } = options;
    const { place } = local;
    let start = await typed(livePath(place, udid), 'beginning a run of', async () => {
      return await startRun(site, local, { ...options, lease: leases });
    });
    const hashes = new ReceivedHashes(place.fs);
    const folders = newRun(place, udid);
    const { run, newFolder, goneFolder } = folders;
    const sink: RunSink = new RunSink(
      {
        path: place.location,
        scope: udid,
        workPath: run,
        durable: true,
        watch: () => hashes.watch(),
        commit: async () => {
          leases.check();
          if (sink.#isUnderWay)
            throw new SnapshotError(
              'SNAPSHOT_CLOSED',
              'The version of this run exists, but its files are not all in place; begin another run, which completes it',
            );
          sink.#isApplied = false;
          const backup = await site.knowledge.describe(prefixedTree(sink, udid), { signal });
          if (backup.state !== undefined && backup.state !== 'finished')
            throw new SnapshotError(
              'SNAPSHOT_INCOMPLETE',
              `The backup of ${udid} is not finished: its state is "${backup.state.slice(0, 40)}"; back up again`,
            );
          const made = await tableOfRun(place.fs, start.before, { newFolder, goneFolder, hashes, signal });
          const progress = progressReporter(options.onProgress);
          const parent = await commitLive(site, local, {
            udid,
            folders,
            kind: options.kind ?? 'run',
            ...made,
            ...start,
            backup,
            note: options.note,
            adopt: true,
            progress,
            signal,
            lease: leases,
            onCommitted: ({ header }) => {
              sink.#version = header;
              sink.#isUnderWay = true;
            },
          });
          sink.#isUnderWay = false;
          sink.#isApplied = true;
          // What is written from now on makes the next version.
          const doubtful = [...start.doubtful, ...made.placed.map(({ path }) => path)];
          start = { before: parent.table, parent, doubtful };
        },
        // The version may exist where its name was given and the call failed after that.
        keepsWork: () => !sink.#isApplied && isCommitting(place, folders),
      },
      { udid, leases, place },
    );
    return sink;
  }

  /** The version that the last `commit` has made; `undefined` before. */
  get header(): RecordHeader | undefined {
    return this.#version;
  }

  override async close(): Promise<void> {
    try {
      await super.close();
      removeIfEmpty(this.#place.fs, storePath(this.#place, keys.run(this.udid)));
    } finally {
      await this.#leases.release();
    }
  }
}

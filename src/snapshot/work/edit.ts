import { randomUUID } from 'node:crypto';
import { progressReporter } from '../../core/progress.js';
import { SnapshotError } from '../../core/errors.js';
import { prefixedTree } from '../../core/prefixed-tree.js';
import { LayeredSink } from '../../folder/layered-sink.js';
import type { RecordHeader } from '../format/record.js';
import { makeTable, Table } from '../format/table.js';
import { ingest } from '../run/ingest.js';
import { newRecord } from '../run/new-record.js';
import { tableOfRun } from '../run/new-table.js';
import { ReceivedHashes } from '../run/received-hashes.js';
import type { RunOptions } from '../run/run-sink.js';
import { storePath } from '../store/place.js';
import type { Site } from '../store/site.js';
import type { StoredVersion } from '../store/version.js';
import { leaseDevice, requireLocal } from '../store/work-leases.js';
import type { OpenedFolder } from './open-folder.js';

/**
 * Changes laid over a version that was opened as a folder. `commit` makes a version of kind `edit` of them; neither the version
 * nor the newest backup changes.
 */
export class EditSink extends LayeredSink {
  readonly #folder: OpenedFolder;
  #header: RecordHeader | undefined;

  private constructor(parts: ConstructorParameters<typeof LayeredSink>[0], folder: OpenedFolder) {
    super(parts);
    this.#folder = folder;
  }

  /** Begins; takes the folder over. */
  static begin(
    site: Site,
    { version, folder }: { version: StoredVersion; folder: OpenedFolder },
    options: RunOptions,
  ): EditSink {
    const { place } = requireLocal(site, 'editing');
    const { udid } = version.info;
    const workPath = storePath(place, `edit/${randomUUID()}`);
    const hashes = new ReceivedHashes(place.fs);
    const sink: EditSink = new EditSink(
      {
        path: folder.path.slice(0, -udid.length - 1),
        scope: udid,
        workPath,
        durable: true,
        watch: () => hashes.watch(),
        commit: async () => {
          if (sink.#header !== undefined)
            throw new SnapshotError('SNAPSHOT_CLOSED', 'The edit has made its version already; begin another one');
          const folders = { newFolder: `${workPath}/new/${udid}`, goneFolder: `${workPath}/gone/${udid}` };
          const made = await tableOfRun(place.fs, version.table, { ...folders, hashes, signal: options.signal });
          const backup = await site.knowledge.describe(prefixedTree(sink, udid), { signal: options.signal });
          sink.#header = await commitEdit(site, { version, ...made, backup, folder: folders.newFolder }, options);
        },
      },
      folder,
    );
    return sink;
  }

  /** The version that `commit` has made; `undefined` before. */
  get header(): RecordHeader | undefined {
    return this.#header;
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      await this.#folder.close();
    }
  }
}

interface Edit {
  readonly version: StoredVersion;
  readonly table: Table;
  readonly placed: Parameters<typeof ingest>[1]['files'];
  readonly backup: RecordHeader['backup'];
  readonly folder: string;
}

async function commitEdit(site: Site, edit: Edit, { signal, note, onProgress }: RunOptions): Promise<RecordHeader> {
  const { version, placed, backup, folder } = edit;
  const { place } = requireLocal(site, 'editing');
  const { udid, id } = version.info;
  await using lease = await leaseDevice(site, udid, 'edit', { signal });
  const progress = progressReporter(onProgress);
  // What lies in no newest backup has to be an object, in `move` placement too.
  const retimed = await ingest(place, { folder, files: placed, adopt: true, apart: true, progress, signal });
  const table = Table.changed(edit.table, makeTable(retimed));
  const parent = await site.records.read(udid, id, { signal });
  const record = await newRecord(site, { udid, kind: 'edit', table, backup, parent, note });
  signal?.throwIfAborted();
  lease.check();
  await site.records.commit(record);
  return record.header;
}

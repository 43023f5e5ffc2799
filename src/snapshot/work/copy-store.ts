import { equalBytes, hexEncode } from '../../core/bytes.js';
import { isBackupKitError, SnapshotError } from '../../core/errors.js';
import { progressReporter, type ProgressOptions, type ProgressReporter } from '../../core/progress.js';
import { HashIndex } from '../contents/hash-index.js';
import { barrier } from '../fs/durable.js';
import type { RecordHeader } from '../format/record.js';
import { rowKind, type Table, type TableRow } from '../format/table.js';
import { measureTable } from '../format/table-changes.js';
import { readSettings, writeSettings } from '../store/device-settings.js';
import { holdVersion } from '../store/hold-version.js';
import { emptyHash, keys } from '../store/keys.js';
import type { Site } from '../store/site.js';
import { leaseDevice, type WaitOptions } from '../store/work-leases.js';
import type { StoreProgress } from '../types.js';
import { compactStore } from './compact.js';
import { putContent } from './put-content.js';

/** Options of copying versions into another store. */
export interface CopyOptions extends WaitOptions, ProgressOptions<StoreProgress> {
  /** The device whose versions are copied; all by default. */
  udid?: string | undefined;
  /** The versions that are copied; all by default, but not those in the trash. */
  versions?: readonly string[] | undefined;
  /** Bytes of contents after which the copy is made small; fewer for tests. @internal */
  bytesPerCompaction?: number | undefined;
}

/** What was copied. */
export interface CopyReport {
  /** Versions that the other store has now. */
  readonly copied: readonly string[];
  /** Versions that it had before. */
  readonly present: readonly string[];
  /** Versions that cannot be read whole; nothing of them is in the other store but contents. */
  readonly failed: readonly {
    /** Identity of the version. */
    readonly id: string;
    /** What was wrong with it. */
    readonly error: SnapshotError;
  }[];
  /** Contents that were copied. */
  readonly contents: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** Bytes of contents after which the copy is made small: a history of large databases might not fit on its disk before. */
const bytesPerCompaction = 256 * 1024 * 1024;

/** Copies versions. What the other store has already is left out, so that calling again goes on where it ended. */
export async function copyVersions(from: Site, to: Site, options: CopyOptions): Promise<CopyReport> {
  const { signal, wait } = options;
  const progress = progressReporter(options.onProgress);
  // Nothing may be purged meanwhile; who has opened a store for reading cannot say so, and others cannot purge there.
  const lease = from.readOnly
    ? undefined
    : await from.leases.acquire({ scope: 'store', mode: 'shared', purpose: 'copy', signal, wait });
  try {
    const copy = new Copy(from, to, { ...options, progress });
    const wanted = options.versions && new Set(options.versions);
    for (const udid of options.udid === undefined ? await from.records.devices({ signal }) : [options.udid])
      await copy.device(udid, wanted);
    for (const id of wanted ?? [])
      if (!copy.knows(id)) throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no version "${id.slice(0, 60)}"`);
    return copy.report;
  } finally {
    await lease?.release();
  }
}

class Copy {
  readonly #from: Site;
  readonly #to: Site;
  readonly #options: CopyOptions;
  readonly #progress: ProgressReporter<StoreProgress>;
  readonly #signal: AbortSignal | undefined;
  /** Contents that the other store has. */
  #there = new HashIndex();
  readonly #copied: string[] = [];
  readonly #present: string[] = [];
  readonly #failed: { id: string; error: SnapshotError }[] = [];
  #contents = 0;
  #bytes = 0;
  #compactedBytes = 0;

  constructor(from: Site, to: Site, options: CopyOptions & { progress: ProgressReporter<StoreProgress> }) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#progress = options.progress;
    this.#signal = options.signal;
  }

  get report(): CopyReport {
    const [copied, present, failed] = [this.#copied, this.#present, this.#failed];
    return { copied, present, failed, contents: this.#contents, bytes: this.#bytes };
  }

  knows(id: string): boolean {
    return [...this.#copied, ...this.#present, ...this.#failed.map((failed) => failed.id)].includes(id);
  }

  /** Copies the versions of a device, oldest first, so that each can share the table of the one before. */
  async device(udid: string, wanted: ReadonlySet<string> | undefined): Promise<void> {
    const signal = this.#signal;
    const onDamage = (error: SnapshotError): void => {
      const id = error.part?.slice(error.part.lastIndexOf('/') + 1).replace(/\.ver$/, '') ?? udid;
      if (wanted?.has(id) !== false) this.#failed.push({ id, error });
    };
    const listed = (await this.#from.records.list(udid, { signal, onDamage }))
      .filter(({ header, deleted }) => !deleted && wanted?.has(header.id) !== false)
      .toReversed();
    const headers = listed.map(({ header }) => header);
    let before: RecordHeader | undefined;
    while (headers.length > 0) {
      before = await this.#copySome(udid, headers, before);
      await this.#compact();
    }
  }

  /** Copies versions and takes them from the list, until the copy is to be made small, for which nobody may have a lease. */
  async #copySome(
    udid: string,
    headers: RecordHeader[],
    last: RecordHeader | undefined,
  ): Promise<RecordHeader | undefined> {
    const signal = this.#signal;
    await using lease = await leaseDevice(this.#to, udid, 'copy', this.#options);
    // Somebody may have removed something before the lease.
    this.#there = new HashIndex();
    const there = new Map((await this.#to.records.list(udid, { signal })).map(({ header }) => [header.id, header]));
    await this.#copySettings(
      udid,
      headers.map(({ id }) => id),
    );
    let before = last;
    while (!this.#isLarge) {
      const header = headers.shift();
      if (header === undefined) break;
      const { id } = header;
      const known = there.get(id);
      if (known !== undefined) this.#present.push(id);
      else {
        try {
          before = await this.#copyVersion(udid, id, { before, check: () => lease.check() });
          this.#copied.push(id);
        } catch (error) {
          if (!(error instanceof SnapshotError) || !isDamage(error)) throw error;
          this.#failed.push({ id, error });
        }
      }
      before = known ?? before;
    }
    return before;
  }

  /** Whether so much was copied that the copy is to be made small. */
  get #isLarge(): boolean {
    const limit = this.#options.bytesPerCompaction ?? bytesPerCompaction;
    return this.#to.local !== undefined && this.#bytes - this.#compactedBytes >= limit;
  }

  async #compact(): Promise<void> {
    if (!this.#isLarge) return;
    this.#compactedBytes = this.#bytes;
    const { signal, onProgress } = this.#options;
    try {
      await compactStore(this.#to, { signal, onProgress });
    } catch (error) {
      // Somebody else is at it.
      if (!isBackupKitError(error, 'SNAPSHOT_LOCKED')) throw error;
    }
  }

  async #copyVersion(
    udid: string,
    id: string,
    { before, check }: { before: RecordHeader | undefined; check: () => void },
  ): Promise<RecordHeader> {
    const held = await holdVersion(this.#from, { udid, id }, 'copying');
    try {
      const record = await this.#from.records.read(udid, id, { signal: this.#signal });
      if (record === undefined) throw new SnapshotError('SNAPSHOT_NOT_FOUND', `There is no version ${id}`);
      await this.#copyContents(record.table);
      const made = await this.#to.records.prepare(record.header, record.table, before);
      check();
      await this.#to.records.restore(made);
      return made.header;
    } finally {
      await held?.release();
    }
  }

  async #copyContents(table: Table): Promise<void> {
    const totals = measureTable(table);
    const made: string[] = [];
    let files = 0;
    for (const row of table.rows()) {
      this.#signal?.throwIfAborted();
      if (row.kind !== rowKind.file) continue;
      files += 1;
      this.#progress.report('store', () => ({ type: 'store', files, totalFiles: totals.files }));
      if (this.#there.has(row.hash)) continue;
      await this.#copyContent(row, made);
      this.#there.add(row.hash, 0);
    }
    this.#progress.flush();
    const place = this.#to.local?.place;
    if (place !== undefined) await barrier(place.fs, place.location, made);
  }

  async #copyContent(row: TableRow, made: string[]): Promise<void> {
    const name = hexEncode(row.hash);
    const signal = this.#signal;
    if (name === emptyHash) return;
    if (await this.#has(row)) return;
    const source = await this.#from.contents.open(row, { signal });
    try {
      const { hash, path } = await putContent(this.#to, source, { modifiedUs: row.modifiedUs, signal });
      if (path !== undefined) made.push(path);
      if (!equalBytes(hash, row.hash))
        throw new SnapshotError('SNAPSHOT_CORRUPT', `The content of ${row.path} is damaged`, {
          part: keys.object(name),
        });
    } finally {
      await source.close();
    }
    this.#contents += 1;
    this.#bytes += row.size;
  }

  /** What lies there sealed, so that it cannot be read, is copied again. */
  async #has(row: TableRow): Promise<boolean> {
    try {
      const there = await this.#to.contents.find(row, { signal: this.#signal });
      await there?.close();
      return there !== undefined;
    } catch (error) {
      if (isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED') || isBackupKitError(error, 'SNAPSHOT_CORRUPT'))
        return false;
      throw error;
    }
  }

  /** Pins and notes go with their versions; the policy where the other store has none. */
  async #copySettings(udid: string, ids: readonly string[]): Promise<void> {
    const options = { signal: this.#signal };
    const [own, other] = [
      await readSettings(this.#from.blobs, udid, options),
      await readSettings(this.#to.blobs, udid, options),
    ];
    const pins = new Set([...other.pins, ...ids.filter((id) => own.pins.has(id))]);
    const notes = new Map(other.notes);
    for (const id of ids) {
      const note = own.notes.get(id);
      if (note !== undefined && !notes.has(id)) notes.set(id, note);
    }
    const isSame = pins.size === other.pins.size && notes.size === other.notes.size;
    if (isSame && (other.retention !== undefined || own.retention === undefined)) return;
    await writeSettings(this.#to.blobs, udid, {
      ...other,
      pins,
      notes,
      retention: other.retention ?? own.retention,
    });
  }
}

/** Whether an error is about one version, so that the others can be copied. */
function isDamage(error: SnapshotError): boolean {
  return (
    isBackupKitError(error, 'SNAPSHOT_CORRUPT') ||
    isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED') ||
    isBackupKitError(error, 'SNAPSHOT_NOT_FOUND')
  );
}

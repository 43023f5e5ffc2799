import type { AbortOptions } from '../../core/abort.js';
import { concatBytes, hexEncode } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import { checkLimit } from '../../core/limits.js';
import { releaseBytes } from '../../core/release-bytes.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { openBlob } from '../blobs/open-blob.js';
import { recordLimit } from '../format/framed.js';
import {
  decodeRecord,
  decodeTable,
  encodeRecord,
  encodeTable,
  peekHeader,
  type RecordHeader,
  type VersionRecord,
} from '../format/record.js';
import { Table } from '../format/table.js';
import { changesBetween } from '../format/table-changes.js';
import { isVersionId } from '../format/version-id.js';
import { lossBetween } from '../retention/guards.js';
import { readSettings, writeSettings } from './device-settings.js';
import { keys } from './keys.js';

/** A record's header and whether it lies in the trash. */
export interface ListedRecord {
  readonly header: RecordHeader;
  readonly deleted: boolean;
}

/** A version with its whole table. */
export interface ResolvedRecord extends ListedRecord {
  readonly table: Table;
}

/** Options of reading a record. */
export interface ReadRecordOptions extends AbortOptions {
  /** Told of the header before the table is read, which takes longer. */
  onHeader?: ((header: RecordHeader) => void) | undefined;
}

/** Tables of at most so many rows stand in the record itself. */
const inlineRows = 256;
/** Part of a base table that may have changed before a new one is written. */
const changeShare = 0.25;
/** Versions that may refer to one table: damage to it concerns no more than these. */
const baseVersions = 16;
/** Bytes of a record that are read for its header; most are smaller as a whole. */
const peekBytes = 16 * 1024;

/** What is written about a version that was pinned because of the next one. */
const pinNotes = {
  'mass-delete': 'kept: the next version has lost more than half of its files or bytes',
  'encryption-off': 'kept: the next version is not encrypted any more',
} as const;

/** What a header says beyond its table. */
export type HeaderFacts = Omit<RecordHeader, 'base' | 'baseAge' | 'root'>;

/** Records and tables of a store. */
export class Records {
  readonly #blobs: BlobStore;
  /** The table that was read last: versions of one device mostly share theirs. */
  #lastBase: { readonly hash: string; readonly table: Table } | undefined;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** UDIDs of the devices that have a folder in the store. */
  async devices(options?: AbortOptions): Promise<string[]> {
    const udids = new Set<string>();
    for await (const { key } of this.#blobs.list('devices/', options)) {
      const [, udid = '', ...rest] = key.split('/');
      if (rest.length > 0) udids.add(udid);
    }
    return [...udids].sort();
  }

  /**
   * Headers of the versions of a device, newest first. Records that cannot be read are given to `onDamage` and left out.
   */
  async list(
    udid: string,
    options: AbortOptions & { onDamage?: ((error: SnapshotError) => void) | undefined } = {},
  ): Promise<ListedRecord[]> {
    const found: ListedRecord[] = [];
    for (const [prefix, deleted] of [
      [`${keys.device(udid)}/versions/`, false],
      [`${keys.device(udid)}/trash/`, true],
    ] as const) {
      for await (const { key } of this.#blobs.list(prefix, options)) {
        const id = key.slice(prefix.length, -'.ver'.length);
        if (!key.endsWith('.ver') || !isVersionId(id)) continue;
        try {
          const header = await this.header(key, options);
          if (header === undefined) continue;
          if (header.id !== id || header.udid !== udid)
            throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is the record of another version`, { part: key });
          found.push({ header, deleted });
        } catch (error) {
          if (!(error instanceof SnapshotError) || options.onDamage === undefined) throw error;
          options.onDamage(error);
        }
      }
    }
    return found.sort((a, b) => (a.header.id < b.header.id ? 1 : -1));
  }

  /** A version with its table; `undefined` where there is none of that name. */
  async read(udid: string, id: string, options?: ReadRecordOptions): Promise<ResolvedRecord | undefined> {
    if (!isVersionId(id)) return undefined;
    for (const deleted of [false, true]) {
      const key = deleted ? keys.trash(udid, id) : keys.version(udid, id);
      const record = await this.readKey(key, options);
      if (record !== undefined) return { ...record, deleted };
    }
    return undefined;
  }

  /** Whether there is a version of a name, in the trash or not. */
  async has(udid: string, id: string): Promise<boolean> {
    const found = (await this.#blobs.head(keys.version(udid, id))) ?? (await this.#blobs.head(keys.trash(udid, id)));
    return found !== undefined;
  }

  /** Whether there are records under two names, of the same bytes. */
  async areSame(a: string, b: string, options?: AbortOptions): Promise<boolean> {
    const [first, second] = [await this.#read(a, options), await this.#read(b, options)];
    return first !== undefined && second !== undefined && Buffer.compare(first, second) === 0;
  }

  /** The record under a name, with its table; `undefined` where there is none. */
  async readKey(key: string, options?: ReadRecordOptions): Promise<ResolvedRecord | undefined> {
    const bytes = await this.#read(key, options);
    if (bytes === undefined) return undefined;
    const record = decodeRecord(bytes, key);
    options?.onHeader?.(record.header);
    return { header: record.header, table: await this.resolve(record, key, options), deleted: false };
  }

  /** The whole table of a record. */
  async resolve(record: VersionRecord, part: string, options?: AbortOptions): Promise<Table> {
    const { base, root, id } = record.header;
    const table = base === null ? record.rows : Table.changed(await this.#table(base, id, options), record.rows);
    if (hexEncode(table.digest()) !== root)
      throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: its table has another root`, {
        part,
        version: id,
      });
    return table;
  }

  /**
   * Prepares a record and makes its table durable: what is left to do is to give the record its name.
   * `parent` is the record whose table it may share.
   */
  async prepare(facts: HeaderFacts, table: Table, parent: RecordHeader | undefined): Promise<VersionRecord> {
    const root = hexEncode(table.digest());
    if (table.length <= inlineRows) return { header: { ...facts, base: null, baseAge: 0, root }, rows: table };
    const base = parent === undefined ? null : parent.base;
    if (base !== null && parent !== undefined && parent.baseAge + 1 < baseVersions) {
      const before = await this.#table(base, parent.id).catch(() => undefined);
      const rows = before && changesBetween(before, table);
      if (before !== undefined && rows !== undefined && rows.length <= before.length * changeShare)
        return { header: { ...facts, base, baseAge: parent.baseAge + 1, root }, rows };
    }
    return { header: { ...facts, base: await this.#putTable(table), baseAge: 0, root }, rows: Table.empty };
  }

  /** A record as it lies in its file, of one that was resolved. */
  async asRecord({ header, table }: ResolvedRecord): Promise<VersionRecord> {
    const { base } = header;
    return { header, rows: base === null ? table : changesBetween(await this.#table(base, header.id), table) };
  }

  /** Gives a record its name: from now on the version exists. Where much was lost since the one before, that one is pinned. */
  async commit(record: VersionRecord): Promise<void> {
    await this.#pinBefore(record.header);
    await this.restore(record);
  }

  /** Gives a record its name that comes from a copy of the version. */
  async restore(record: VersionRecord, options: { deleted?: boolean } = {}): Promise<void> {
    const bytes = encodeRecord(record);
    const { udid, id } = record.header;
    const key = options.deleted === true ? keys.trash(udid, id) : keys.version(udid, id);
    await this.#blobs.put(key, bytes, { size: bytes.length });
  }

  /** Before the version exists: a crash in between leaves a pin too many rather than one too few. */
  async #pinBefore({ udid, kind, parent, ...later }: RecordHeader): Promise<void> {
    // What comes from elsewhere or is an edit says nothing of the device.
    if (parent === null || kind === 'import' || kind === 'edit') return;
    const earlier = await this.header(keys.version(udid, parent)).catch(() => undefined);
    const loss = earlier && lossBetween(earlier, later);
    if (loss === undefined) return;
    const settings = await readSettings(this.#blobs, udid).catch(() => undefined);
    // Settings that cannot be read keep nobody from backing up; retention keeps both sides of a loss anyway.
    if (settings === undefined || settings.pins.has(parent)) return;
    await writeSettings(this.#blobs, udid, {
      ...settings,
      pins: new Set([...settings.pins, parent]),
      notes:
        settings.notes.has(parent) || earlier?.note !== undefined
          ? settings.notes
          : new Map([...settings.notes, [parent, pinNotes[loss]]]),
    });
  }

  /** Lets go of the table that was read last, for who works on without tables. */
  forget(): void {
    this.#lastBase = undefined;
  }

  /** Writes a table of which some records know the name already. */
  async putTable(table: Table): Promise<string> {
    return await this.#putTable(table);
  }

  async #putTable(table: Table): Promise<string> {
    const bytes = encodeTable(table);
    // The hash at the end is that of all before; the name is the same hash.
    const hash = hexEncode(bytes.subarray(bytes.length - 32));
    await this.#blobs.put(keys.table(hash), bytes, { size: bytes.length });
    releaseBytes(bytes);
    this.#lastBase = { hash, table };
    return hash;
  }

  async #table(hash: string, version: string, options?: AbortOptions): Promise<Table> {
    if (this.#lastBase?.hash === hash) return this.#lastBase.table;
    const key = keys.table(hash);
    const bytes = await this.#read(key, options);
    if (bytes === undefined) throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is missing`, { part: key, version });
    const table = decodeTable(bytes, key);
    if (hexEncode(bytes.subarray(bytes.length - 32)) !== hash)
      throw new SnapshotError('SNAPSHOT_CORRUPT', `${key} is another table`, { part: key, version });
    this.#lastBase = { hash, table };
    return table;
  }

  /** The header of the record under a name, without its table; `undefined` where there is none. */
  async header(key: string, options?: AbortOptions): Promise<RecordHeader | undefined> {
    // One request where the store is on a network.
    const content = await this.#blobs.get(key, { length: peekBytes }, options);
    if (content === undefined) return undefined;
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    const header = peekHeader(concatBytes(parts), key);
    if (header !== undefined) return header;
    const bytes = await this.#read(key, options);
    return bytes === undefined ? undefined : decodeRecord(bytes, key).header;
  }

  async #read(key: string, { signal }: AbortOptions = {}): Promise<Uint8Array | undefined> {
    const source = await openBlob(this.#blobs, key, { signal });
    if (source === undefined) return undefined;
    try {
      checkLimit(source.size, recordLimit, { what: key, format: 'store' });
      return await source.read(0, source.size, { signal });
    } finally {
      await source.close();
    }
  }
}

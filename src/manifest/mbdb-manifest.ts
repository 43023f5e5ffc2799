import { createHash } from 'node:crypto';
import { yieldToEventLoop, type AbortOptions } from '../core/abort.js';
import { concatBytes, equalBytes, hexDecode, hexEncode, utf8Decode, utf8Encode } from '../core/bytes.js';
import type { FileRecord } from './file-record.js';
import { kindOfRow, type Manifest, type ManifestRow, type RowFilter, type StoredId } from './manifest.js';
import { MbdbRecord, type MbdbFile } from './mbdb.js';
import { domainMatches, pathMatches } from './row-filter.js';

/** Rows in one batch. */
const batchRows = 512;
/** `/`; the byte behind it is `0`. */
const slash = 0x2f;
/** Length in bytes of an id. */
const idBytes = 20;

/** A Manifest.mbdb, held in memory as its bytes and 8 bytes a record. */
export class MbdbManifest implements Manifest {
  readonly kind = 'mbdb';
  readonly #bytes: Uint8Array;
  /** Offsets of usable records in order of domain, path and position. */
  readonly #sorted: Uint32Array;
  readonly #unusable: Uint32Array;
  /** Ids of `#sorted`, 20 bytes each, once one was asked for. */
  #ids: Uint8Array | undefined;

  constructor({ bytes, offsets }: MbdbFile) {
    this.#bytes = bytes;
    const isUsable = (offset: number): boolean => new MbdbRecord(bytes, offset).isUsable;
    this.#unusable = offsets.filter((offset) => !isUsable(offset));
    this.#sorted = offsets.filter(isUsable).sort((a, b) => this.#compare(a, b) || a - b);
  }

  async *rows(filter: RowFilter, options: AbortOptions): AsyncGenerator<readonly ManifestRow[], void, undefined> {
    let batch: ManifestRow[] = [];
    for (const row of this.#matching(filter)) {
      batch.push(row);
      if (batch.length < batchRows) continue;
      yield batch;
      batch = [];
      await yieldToEventLoop(options.signal);
    }
    if (batch.length > 0) yield batch;
  }

  async find(domain: string, paths: readonly string[]): Promise<ManifestRow | undefined> {
    for (const path of paths) {
      const after = this.#lowerBound(utf8Encode(domain), utf8Encode(`${path}\0`));
      const offset = this.#sorted[after - 1];
      if (offset === undefined) continue;
      const row = new MbdbRow(this.#bytes, offset);
      if (row.domain === domain && row.relativePath === path) return row;
    }
    return undefined;
  }

  async findById(fileId: string): Promise<ManifestRow | undefined> {
    const wanted = hexDecode(fileId);
    if (wanted?.length !== idBytes) return undefined;
    this.#ids ??= this.#computeIds();
    for (let i = this.#sorted.length - 1; i >= 0; i--) {
      const at = i * idBytes;
      if (wanted.every((byte, index) => this.#ids?.[at + index] === byte)) {
        return new MbdbRow(this.#bytes, this.#sorted[i] ?? 0);
      }
    }
    return undefined;
  }

  async sample(count: number): Promise<readonly ManifestRow[]> {
    const rows: ManifestRow[] = [];
    for (const row of this.#matching({ kind: 'file' })) {
      if (rows.length === count) break;
      rows.push(row);
    }
    return rows;
  }

  async count(filter: RowFilter): Promise<number> {
    let count = 0;
    for (const _row of this.#matching(filter)) count++;
    return count;
  }

  async domains(): Promise<readonly string[]> {
    return [...this.#domainGroups()].map(({ domain }) => domain);
  }

  async *children(domain: string, folder: string): AsyncGenerator<string, void, undefined> {
    const domainBytes = utf8Encode(domain);
    const prefix = utf8Encode(folder === '' ? '' : `${folder}/`);
    const seen = new Set<string>();
    // In bytes, since a name need not be UTF-8 and then its text leads elsewhere.
    for (let from = prefix; ;) {
      const offset = this.#sorted[this.#lowerBound(domainBytes, from)];
      if (offset === undefined || this.#compareDomain(offset, domainBytes) !== 0) return;
      const path = this.#pathOf(offset);
      if (!equalBytes(path.subarray(0, prefix.length), prefix)) return;
      const end = path.indexOf(slash, prefix.length);
      const nameEnd = end < 0 ? path.length : end;
      const name = utf8Decode(path.subarray(prefix.length, nameEnd));
      if (!seen.has(name)) {
        seen.add(name);
        yield name;
      }
      // Behind everything below the name at once; names such as `name.txt` lie between it and what is below.
      from = concatBytes([path.subarray(0, nameEnd), Uint8Array.of(end < 0 ? 0 : slash + 1)]);
    }
  }

  async *unusableRows(): AsyncGenerator<StoredId, void, undefined> {
    for (const offset of this.#unusable) yield new MbdbRow(this.#bytes, offset).id;
  }

  async close(): Promise<void> {}

  *#matching(filter: RowFilter): Generator<ManifestRow, void, undefined> {
    for (const { domain, start, end } of this.#domainGroups()) {
      if (!domainMatches(filter, domain)) continue;
      for (let i = start; i < end; i++) {
        const row = new MbdbRow(this.#bytes, this.#sorted[i] ?? 0, domain);
        if (!pathMatches(filter, domain, row.relativePath)) continue;
        if (filter.kind === undefined || kindOfRow(row) === filter.kind) yield row;
      }
    }
  }

  *#domainGroups(): Generator<{ domain: string; start: number; end: number }, void, undefined> {
    for (let start = 0; start < this.#sorted.length;) {
      const { domainBytes } = new MbdbRecord(this.#bytes, this.#sorted[start] ?? 0);
      let end = start + 1;
      while (end < this.#sorted.length && this.#compareDomain(this.#sorted[end] ?? 0, domainBytes) === 0) end++;
      yield { domain: utf8Decode(domainBytes), start, end };
      start = end;
    }
  }

  /** Index of the first record that is not before this domain and path. */
  #lowerBound(domain: Uint8Array, path: Uint8Array): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const offset = this.#sorted[middle] ?? 0;
      const order = this.#compareDomain(offset, domain) || this.#comparePath(offset, path);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Length in bytes of the string at `offset`; an absent one has none. */
  #length(offset: number): number {
    const length = ((this.#bytes[offset] ?? 0) << 8) | (this.#bytes[offset + 1] ?? 0);
    return length === 0xffff ? 0 : length;
  }

  #domainOf(offset: number): Uint8Array {
    return this.#bytes.subarray(offset + 2, offset + 2 + this.#length(offset));
  }

  #pathOf(offset: number): Uint8Array {
    const at = offset + 2 + this.#length(offset);
    return this.#bytes.subarray(at + 2, at + 2 + this.#length(at));
  }

  #compareDomain(offset: number, domain: Uint8Array): number {
    return compareBytes(this.#domainOf(offset), domain);
  }

  #comparePath(offset: number, path: Uint8Array): number {
    return compareBytes(this.#pathOf(offset), path);
  }

  #compare(a: number, b: number): number {
    return this.#compareDomain(a, this.#domainOf(b)) || this.#comparePath(a, this.#pathOf(b));
  }

  #computeIds(): Uint8Array {
    const ids = new Uint8Array(this.#sorted.length * idBytes);
    this.#sorted.forEach((offset, index) => {
      ids.set(fileIdOf(this.#domainOf(offset), this.#pathOf(offset)), index * idBytes);
    });
    return ids;
  }
}

/** One record as a row. */
class MbdbRow implements ManifestRow {
  readonly domain: string;
  readonly relativePath: string;
  readonly #record: MbdbRecord;

  constructor(bytes: Uint8Array, offset: number, domain?: string) {
    this.#record = new MbdbRecord(bytes, offset);
    this.domain = domain ?? utf8Decode(this.#record.domainBytes);
    this.relativePath = utf8Decode(this.#record.pathBytes);
  }

  get flags(): number {
    return this.#record.flags;
  }

  get id(): StoredId {
    const text = hexEncode(fileIdOf(this.#record.domainBytes, this.#record.pathBytes));
    return { text, blobNames: [text] };
  }

  record(): FileRecord {
    return this.#record;
  }
}

/** SHA-1 of `domain-path`: what the database era stores, and the mbdb era leaves to be computed. */
function fileIdOf(domain: Uint8Array, path: Uint8Array): Uint8Array {
  return createHash('sha1').update(domain).update('-').update(path).digest();
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

import { hexDecode, utf8DecodeStrict, utf8Encode } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import type { BackupFacts, VersionKind } from '../types.js';
import { frame, unframe } from './framed.js';
import { rowKind, Table } from './table.js';
import { isUdid, isVersionId } from './version-id.js';

/** Header of a record. @see docs/format/snapshot-store.md#records */
export interface RecordHeader {
  readonly id: string;
  readonly udid: string;
  readonly kind: VersionKind;
  readonly created: string;
  readonly zone: string;
  readonly parent: string | null;
  readonly base: string | null;
  readonly baseAge: number;
  readonly root: string;
  readonly files: number;
  readonly bytes: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly backup: BackupFacts;
  readonly note?: string | undefined;
}

/** A record as it lies in a file. */
export interface VersionRecord {
  readonly header: RecordHeader;
  /** The whole table, or changes to the table `header.base`. */
  readonly rows: Table;
}

const kinds = new Set<string>(['run', 'found', 'capture', 'import', 'edit', 'rollback'] satisfies VersionKind[]);

/** Largest header that is believed, in bytes. */
const headerLimit = 1024 * 1024;

/** The bytes of a record. */
export function encodeRecord({ header, rows }: VersionRecord): Buffer {
  const json = utf8Encode(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const count = Buffer.alloc(4);
  count.writeUInt32LE(rows.length);
  return frame('IBKV', [length, json, count, ...rows.runs()]);
}

/**
 * Reads a record. `part` names the file in errors.
 *
 * @throws SnapshotError `SNAPSHOT_CORRUPT`, `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export function decodeRecord(bytes: Uint8Array, part: string): VersionRecord {
  const body = unframe(bytes, 'IBKV', part);
  const length = body.length < 8 ? Infinity : body.readUInt32LE(0);
  if (length > headerLimit || length + 8 > body.length) throw corrupt(part, 'its header is too long');
  const header = decodeHeader(body.subarray(4, 4 + length), part);
  const rows = Table.parse(body.subarray(8 + length), body.readUInt32LE(4 + length), part);
  if (header.base === null) requireWhole(rows, part);
  return { header, rows };
}

/** Reads the header alone, of the first bytes of a record that may end after it: no hash is checked. */
export function peekHeader(bytes: Uint8Array, part: string): RecordHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString('latin1', 0, 4) !== 'IBKV') return undefined;
  const length = buffer.readUInt32LE(8);
  return length + 12 > buffer.length ? undefined : decodeHeader(buffer.subarray(12, 12 + length), part);
}

/** The bytes of a table's own file. */
export function encodeTable(table: Table): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(table.length);
  return frame('IBKT', [count, ...table.runs()]);
}

/** Reads a table's own file. @throws SnapshotError `SNAPSHOT_CORRUPT`, `SNAPSHOT_FORMAT_UNSUPPORTED` */
export function decodeTable(bytes: Uint8Array, part: string): Table {
  const body = unframe(bytes, 'IBKT', part);
  if (body.length < 4) throw corrupt(part, 'it has no rows');
  const table = Table.parse(body.subarray(4), body.readUInt32LE(0), part);
  requireWhole(table, part);
  return table;
}

function requireWhole(table: Table, part: string): void {
  for (let index = 0; index < table.length; index += 1)
    if (table.kind(index) === rowKind.removed) throw corrupt(part, 'it removes what is not there');
}

function decodeHeader(bytes: Buffer, part: string): RecordHeader {
  const text = utf8DecodeStrict(bytes);
  let header: unknown;
  try {
    header = text === undefined ? undefined : JSON.parse(text);
  } catch {
    // Told below.
  }
  if (!isHeader(header)) throw corrupt(part, 'its header lacks something or has another form');
  return header;
}

function isHeader(value: unknown): value is RecordHeader {
  if (typeof value !== 'object' || value === null) return false;
  const header = value as Partial<Record<keyof RecordHeader, unknown>>;
  const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) >= 0;
  const isHash = (hash: unknown): boolean => typeof hash === 'string' && hexDecode(hash)?.length === 32;
  return (
    typeof header.id === 'string' &&
    isVersionId(header.id) &&
    typeof header.udid === 'string' &&
    isUdid(header.udid) &&
    typeof header.kind === 'string' &&
    kinds.has(header.kind) &&
    typeof header.created === 'string' &&
    Number.isFinite(Date.parse(header.created)) &&
    typeof header.zone === 'string' &&
    (header.parent === null || (typeof header.parent === 'string' && isVersionId(header.parent))) &&
    (header.base === null || isHash(header.base)) &&
    isHash(header.root) &&
    [header.baseAge, header.files, header.bytes, header.added, header.changed, header.removed].every(isCount) &&
    typeof header.backup === 'object' &&
    header.backup !== null &&
    (header.note === undefined || typeof header.note === 'string')
  );
}

function corrupt(part: string, why: string): SnapshotError {
  return new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: ${why}`, { part });
}

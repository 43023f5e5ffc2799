import type { AbortOptions } from '../core/abort.js';
import { hexEncode, utf8DecodeStrict } from '../core/bytes.js';
import type { Closeable } from '../core/resource.js';
import type { SqliteValue } from '../sqlite/driver.js';
import type { FileRecord } from './file-record.js';
import type { Glob } from './glob.js';
import type { FileKind } from './types.js';

/** One row of a manifest of either era. */
export interface ManifestRow {
  readonly domain: string;
  readonly relativePath: string;
  /** Bits 0 to 2 say what it is, the others are marks of a run: docs/format/manifest-db.md. */
  readonly flags: number;
  readonly id: StoredId;
  /** The record; `undefined` where the row has none. @throws {@link FormatError} where it is damaged */
  record(): FileRecord | undefined;
}

/** Conditions on rows, all of which must hold. */
export interface RowFilter {
  /** Exact domains; all where `undefined`. */
  readonly domains?: readonly string[] | undefined;
  /** Start of the domain. */
  readonly domainPrefix?: string | undefined;
  /** Path, or a folder above it, without a slash at the end. */
  readonly pathPrefix?: string | undefined;
  /** Over the path, or over `/domain/path`. */
  readonly glob?: { readonly pattern: Glob; readonly over: 'path' | 'domain-and-path' } | undefined;
  /** Kind of entry. */
  readonly kind?: FileKind | undefined;
}

/** The list of what is in a backup, of either era. */
export interface Manifest extends Closeable {
  readonly kind: 'database' | 'mbdb';
  /** Rows in binary order of domain and path, then in the manifest's own order. Batches are never empty. */
  rows(filter: RowFilter, options: AbortOptions): AsyncIterable<readonly ManifestRow[]>;
  /** The row with this domain and one of these paths, the last one where there are several. */
  find(domain: string, paths: readonly string[], options: AbortOptions): Promise<ManifestRow | undefined>;
  /** The row with this id, 40 lower-case hexadecimal digits. */
  findById(fileId: string, options: AbortOptions): Promise<ManifestRow | undefined>;
  /** Up to `count` rows of files, wherever they come cheapest. */
  sample(count: number, options: AbortOptions): Promise<readonly ManifestRow[]>;
  count(filter: RowFilter, options: AbortOptions): Promise<number>;
  /** All names, in binary order. */
  domains(options: AbortOptions): Promise<readonly string[]>;
  /**
   * Names directly below a folder (`''` is the domain's root), each once, whether they have rows or are implied by rows
   * below. One is empty where a path has an empty component, and for the row of the domain's root.
   */
  children(domain: string, folder: string, options: AbortOptions): AsyncIterable<string>;
  /** Ids of rows that have no domain or no path; they are in no other result. */
  unusableRows(options: AbortOptions): AsyncIterable<StoredId>;
}

/** An id as a manifest stores it. */
export interface StoredId {
  /** 40 lower-case hexadecimal digits, or whatever else is stored. */
  readonly text: string;
  /** Names that the content may have; none where the id is not 40 hexadecimal digits. */
  readonly blobNames: readonly string[];
}

const idPattern = /^[0-9a-fA-F]{40}$/;

/** Whether `text` is an id in either case. */
export function isFileId(text: string): boolean {
  return idPattern.test(text);
}

/**
 * What an id in a database means. Other tools store it in upper case, as 20 raw bytes, or as text in a blob. It goes into a
 * file name, so nothing but 40 hexadecimal digits ever does.
 */
export function storedId(value: SqliteValue | undefined): StoredId {
  const text = idText(value);
  if (!isFileId(text)) return { text, blobNames: [] };
  const lower = text.toLowerCase();
  return { text: lower, blobNames: lower === text ? [lower] : [lower, text] };
}

function idText(value: SqliteValue | undefined): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (!(value instanceof Uint8Array)) return `${value}`;
  const text = value.length === 40 ? utf8DecodeStrict(value) : undefined;
  return text !== undefined && isFileId(text) ? text : hexEncode(value);
}

const kinds: ReadonlyMap<number, FileKind> = new Map([
  [1, 'file'],
  [2, 'directory'],
  [4, 'symlink'],
]);

/** Kinds by the type bits of a mode (`S_IFMT`). */
const modeKinds: ReadonlyMap<number, FileKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);

/** The kind that flags state; `undefined` where they state none or several. */
export function kindOfFlags(flags: number): FileKind | undefined {
  return kinds.get(flags & 7);
}

/** The flags of a kind. */
export function flagsOfKind(kind: FileKind): number {
  for (const [flags, name] of kinds) if (name === kind) return flags;
  return 0;
}

/** The kind that a mode states. */
export function kindOfMode(mode: number): FileKind | undefined {
  return modeKinds.get(mode & 0o170000);
}

/** Kind of a row: by its flags, by its record's mode where those say nothing clear, and a file where nothing does. */
export function kindOfRow(row: ManifestRow): FileKind {
  const kind = kindOfFlags(row.flags);
  if (kind !== undefined) return kind;
  try {
    return kindOfMode(Number(row.record()?.number('Mode') ?? 0)) ?? 'file';
  } catch {
    return 'file';
  }
}

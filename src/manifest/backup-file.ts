import type { AbortOptions } from '../core/abort.js';
import { dateFromUnixSeconds } from '../core/apple-time.js';
import type { ByteRange } from '../core/byte-source.js';
import { base64Encode, hexEncode, ownBytes } from '../core/bytes.js';
import { isBackupKitError } from '../core/errors.js';
import { unsafePathReason } from '../core/safe-path.js';
import type { ContentReader, FileToRead } from './file-content.js';
import type { FileRecord, RecordNumber } from './file-record.js';
import { kindOfFlags, kindOfRow, type ManifestRow, type StoredId } from './manifest.js';
import type { LocalContent } from './stored-content.js';
import type { BackupFile, FileContent, FileKind, FileProblem, ReadFileOptions } from './types.js';

/** Type bits of a mode by kind, for records that state no mode. */
const typeBits: Readonly<Record<FileKind, number>> = { file: 0o100000, directory: 0o040000, symlink: 0o120000 };

/** A row of a manifest as users see it. The record is not looked at before a field of it is asked for. */
export class ManifestFile implements BackupFile, FileToRead {
  readonly domain: string;
  readonly relativePath: string;
  readonly #row: ManifestRow;
  readonly #content: ContentReader;
  #id: StoredId | undefined;
  /** @internal */
  readyKey: Uint8Array | undefined;

  constructor(row: ManifestRow, content: ContentReader) {
    this.domain = row.domain;
    this.relativePath = row.relativePath;
    this.#row = row;
    this.#content = content;
  }

  get fileId(): string {
    return this.storedId.text;
  }

  /** The id, and the names that the content may have. */
  get storedId(): StoredId {
    return (this.#id ??= this.#row.id);
  }

  /** Flags of the row, with the marks of a run. */
  get rowFlags(): number {
    return this.#row.flags;
  }

  get kind(): FileKind {
    return kindOfFlags(this.#row.flags) ?? kindOfRow(this.#row);
  }

  get size(): number {
    return (this.kind === 'file' ? this.statedSize : undefined) ?? 0;
  }

  /** The size that the record states, where it is a possible one. */
  get statedSize(): number | undefined {
    const size = this.#number('Size');
    return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  }

  get mode(): number {
    return this.#integer('Mode') ?? typeBits[this.kind];
  }

  get userId(): number {
    return this.#integer('UserID') ?? 0;
  }

  get groupId(): number {
    return this.#integer('GroupID') ?? 0;
  }

  get inode(): number | bigint {
    return this.#number('InodeNumber') ?? 0;
  }

  get modified(): Date | undefined {
    return this.#date('LastModified');
  }

  get statusChanged(): Date | undefined {
    return this.#date('LastStatusChange');
  }

  get created(): Date | undefined {
    return this.#date('Birth');
  }

  get protectionClass(): number {
    return this.#integer('ProtectionClass') ?? 0;
  }

  get flags(): number {
    return this.#integer('Flags') ?? 0;
  }

  get linkTarget(): string | undefined {
    return this.kind === 'symlink' ? this.#read((record) => record.text('Target')) : undefined;
  }

  get digest(): Uint8Array | undefined {
    const digest = this.#read((record) => record.data('Digest'));
    return digest && ownBytes(digest);
  }

  get isEncrypted(): boolean {
    return this.#content.isEncrypted && this.kind === 'file' && this.wrappedKey !== undefined;
  }

  /** `EncryptionKey` of the record, as a view. */
  get wrappedKey(): Uint8Array | undefined {
    return this.#read((record) => record.data('EncryptionKey'));
  }

  get extendedAttributes(): ReadonlyMap<string, Uint8Array> {
    return this.#read((record) => record.extendedAttributes()) ?? new Map<string, Uint8Array>();
  }

  get problems(): readonly FileProblem[] {
    const problems: FileProblem[] = [];
    const isFile = this.kind === 'file';
    if (isFile && this.storedId.blobNames.length === 0) problems.push('file-id-invalid');
    if (unsafeNameReason(this) !== undefined) problems.push('path-unsafe');
    problems.push(...this.recordProblems);
    if (isFile && !problems.includes('record-damaged') && !this.#content.hasKeyFor(this))
      problems.push('key-unavailable');
    return problems;
  }

  /** The problems that the record alone tells: without a try of the key, which reading the content makes anyway. */
  get recordProblems(): readonly FileProblem[] {
    if (!this.isSound) return ['record-damaged'];
    const problems: FileProblem[] = [];
    const path = this.#read((record) => record.text('RelativePath'));
    if (path !== undefined && path !== this.relativePath) problems.push('path-differs');
    if (this.kind === 'file' && this.statedSize === undefined) problems.push('size-invalid');
    return problems;
  }

  async read(options: ReadFileOptions = {}): Promise<Uint8Array> {
    return await this.#content.read(this, options);
  }

  /** Where the content lies, where that can be read without waiting. */
  stored(options: AbortOptions): LocalContent | undefined {
    return this.#content.stored(this, options);
  }

  stream(range?: ByteRange, options: ReadFileOptions = {}): AsyncIterable<Uint8Array> {
    return this.#content.stream(this, range, options);
  }

  async open(options: ReadFileOptions = {}): Promise<FileContent> {
    return await this.#content.open(this, options);
  }

  /** All fields but the content, for `JSON.stringify` and for debuggers; the digest in hexadecimal, attributes in base64. */
  toJSON(): object {
    const { inode, digest } = this;
    return {
      domain: this.domain,
      relativePath: this.relativePath,
      fileId: this.fileId,
      kind: this.kind,
      size: this.size,
      mode: this.mode,
      userId: this.userId,
      groupId: this.groupId,
      inode: typeof inode === 'bigint' ? inode.toString() : inode,
      modified: this.modified,
      statusChanged: this.statusChanged,
      created: this.created,
      protectionClass: this.protectionClass,
      flags: this.flags,
      linkTarget: this.linkTarget,
      digest: digest && hexEncode(digest),
      isEncrypted: this.isEncrypted,
      extendedAttributes: Object.fromEntries(
        [...this.extendedAttributes].map(([name, value]) => [name, base64Encode(value)]),
      ),
      problems: this.problems,
    };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  /** A field of the record; `undefined` where it is absent, and where the record is damaged, which {@link problems} tells. */
  #read<T>(field: (record: FileRecord) => T | undefined): T | undefined {
    try {
      const record = this.#row.record();
      return record && field(record);
    } catch (error) {
      if (isBackupKitError(error)) return undefined;
      throw error;
    }
  }

  #number(field: RecordNumber): number | bigint | undefined {
    return this.#read((record) => record.number(field));
  }

  #integer(field: RecordNumber): number | undefined {
    const value = this.#number(field);
    return value === undefined ? undefined : Math.trunc(Number(value));
  }

  #date(field: RecordNumber): Date | undefined {
    const seconds = this.#number(field);
    return seconds === undefined ? undefined : dateFromUnixSeconds(seconds);
  }

  /** Whether there is a record and all of it can be read. */
  get isSound(): boolean {
    try {
      const record = this.#row.record();
      if (record === undefined) return false;
      for (const field of recordNumbers) record.number(field);
      record.text('RelativePath');
      record.text('Target');
      record.data('EncryptionKey');
      record.data('Digest');
      record.extendedAttributes();
      return true;
    } catch (error) {
      if (isBackupKitError(error)) return false;
      throw error;
    }
  }
}

const recordNumbers: readonly RecordNumber[] = [
  'Mode',
  'InodeNumber',
  'UserID',
  'GroupID',
  'LastModified',
  'LastStatusChange',
  'Birth',
  'Size',
  'ProtectionClass',
  'Flags',
];

/** Why domain and path are not safe to use as they are below a folder; `undefined` where they are. */
function unsafeNameReason({ domain, relativePath }: BackupFile): string | undefined {
  if (domain === '' || domain.includes('/')) return 'its domain is empty or has a slash';
  return unsafePathReason(domain) ?? unsafePathReason(relativePath);
}

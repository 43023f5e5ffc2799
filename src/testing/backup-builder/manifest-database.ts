import { createHash } from 'node:crypto';
import { concatBytes, utf8Encode } from '../../core/bytes.js';
import { legacyRecordKey, obfuscateRecord } from '../../crypto/legacy-manifest.js';
import { writeBinaryPlist } from '../../plist/binary-write.js';
import { writeXmlPlist } from '../../plist/xml-write.js';
import { createDatabase, type WritableDatabase } from '../../sqlite/writable.js';
import type { EntryRecord } from './entry-record.js';
import { kindFlags } from './entry-record.js';
import { cyclicArchive, fileArchive } from './file-archive.js';
import type { FileDamage, RawRow, RawValue } from './types.js';

/** Statements in the words of a device: the schema text is part of the file. FORMAT facts: docs/format/manifest-db.md. */
const schema = `
  CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
  CREATE INDEX FilesDomainIdx ON Files(domain);
  CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
  CREATE INDEX FilesFlagsIdx ON Files(flags);
  CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB)`;
const simplifiedSchema = 'CREATE TABLE Files (fileID, domain, relativePath, flags, file)';
const simplifiedProperties = 'CREATE TABLE Properties (key, value)';
const insertRow = 'INSERT INTO Files (fileID, domain, relativePath, flags, file) VALUES (?, ?, ?, ?, ?)';
/** A device empties a manifest whose version is lower. */
const manifestUserVersion = 2;

/** How {@link ManifestDatabaseWriter.create} writes. */
export interface ManifestDatabaseOptions {
  readonly pageSize?: number | undefined;
  readonly simplifiedSchema?: boolean | undefined;
  readonly walHeader?: boolean | undefined;
  /** Obfuscates the records, as iOS 10.0 does in encrypted backups. */
  readonly obfuscation?: { readonly password: string; readonly salt: Uint8Array } | undefined;
}

/** Collects the rows of Manifest.db. */
export class ManifestDatabaseWriter {
  readonly #database: WritableDatabase;
  readonly #recordKey: Uint8Array | undefined;

  private constructor(database: WritableDatabase, recordKey: Uint8Array | undefined) {
    this.#database = database;
    this.#recordKey = recordKey;
  }

  static async create(options: ManifestDatabaseOptions): Promise<ManifestDatabaseWriter> {
    const database = await createDatabase({
      pageSize: options.pageSize,
      autoVacuum: 'incremental',
      userVersion: manifestUserVersion,
      walHeader: options.walHeader ?? true,
    });
    const { obfuscation } = options;
    database.exec(options.simplifiedSchema === true ? simplifiedSchema : schema);
    database.exec('BEGIN');
    if (obfuscation === undefined) return new ManifestDatabaseWriter(database, undefined);
    if (options.simplifiedSchema === true) database.exec(simplifiedProperties);
    const { password, salt } = obfuscation;
    const hash = createHash('sha256').update(concatBytes([utf8Encode(password), salt]));
    database.run("INSERT INTO Properties (key, value) VALUES ('salt', ?), ('passwordHash', ?)", [salt, hash.digest()]);
    return new ManifestDatabaseWriter(database, legacyRecordKey(password, salt));
  }

  /** Appends an entry. */
  add(record: EntryRecord, fileId: string, damage: readonly FileDamage[]): void {
    this.#insert({
      fileID: damagedFileId(fileId, damage),
      domain: record.domain,
      relativePath: record.relativePath,
      flags: damage.includes('flags-zero') ? 0 : kindFlags[record.kind],
      file: this.#file(record, damage),
    });
  }

  /** Appends a row as it is. */
  addRaw(row: RawRow): void {
    this.#insert(row);
  }

  /** The bytes of the database. */
  finish(): Uint8Array {
    this.#database.exec('COMMIT');
    return this.#database.serialize();
  }

  close(): void {
    this.#database.close();
  }

  #insert({ fileID = null, domain = null, relativePath = null, flags = null, file = null }: RawRow): void {
    this.#database.run(insertRow, [fileID, domain, relativePath, flags, file]);
  }

  #file(record: EntryRecord, damage: readonly FileDamage[]): RawValue {
    if (damage.includes('record-null')) return null;
    if (damage.includes('record-empty')) return new Uint8Array();
    const archive = damagedArchive(record, damage);
    return this.#recordKey === undefined ? archive : obfuscateRecord(this.#recordKey, archive);
  }
}

function damagedFileId(fileId: string, damage: readonly FileDamage[]): RawValue {
  if (damage.includes('file-id-blob')) return utf8Encode(fileId);
  if (damage.includes('file-id-upper-case')) return fileId.toUpperCase();
  return damage.includes('file-id-traversal') ? `../../${fileId}` : fileId;
}

function damagedArchive(record: EntryRecord, damage: readonly FileDamage[]): Uint8Array {
  if (damage.includes('record-cyclic')) return writeBinaryPlist(cyclicArchive());
  const archive = fileArchive(record);
  if (damage.includes('record-xml')) return writeXmlPlist(archive);
  const bytes = writeBinaryPlist(archive);
  return damage.includes('record-truncated') ? bytes.subarray(0, bytes.length >> 1) : bytes;
}

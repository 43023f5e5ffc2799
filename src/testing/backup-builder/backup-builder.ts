import { hexDecode, utf8Encode } from '../../core/bytes.js';
import { writeBinaryPlist } from '../../plist/binary-write.js';
import { writeXmlPlist } from '../../plist/xml-write.js';
import { createManifest } from './create-manifest.js';
import { damageRecord, damageRefusal, damagesContent } from './damage.js';
import { domainHasDigests, parentFolders } from './domains.js';
import { EntryFactory, fileIdOf, type EntryRecord } from './entry-record.js';
import { BackupKeys, type WrappedKey } from './keys.js';
import type { ManifestDatabaseWriter } from './manifest-database.js';
import { MbdbWriter } from './mbdb-writer.js';
import type { BackupOutput, OutputData } from './output.js';
import type { BuildPlan } from './plan.js';
import { infoPlist, manifestPlist, statusPlist } from './property-lists.js';
import { encryptChunks, storeContent, streamContent, type StoredContent } from './stored-content.js';
import type { TopLevelFile } from './backup-spec.js';
import type { BuiltFile, FileSpec, RawRow } from './types.js';
import { WriteQueue } from './write-queue.js';

/** Generated content above this size is written while it is generated. */
const streamAboveBytes = 1024 * 1024;
/** Manifests are encrypted in parts of this size. */
const manifestPartBytes = 1024 * 1024;
const cipherBlockBytes = 16;

interface BuilderOptions {
  readonly signal: AbortSignal | undefined;
  readonly collect: boolean;
}

/** Facts about content without a blob: those of folders and links. */
type ContentFacts = Omit<StoredContent, 'blob'>;

/** Writes one backup, entry by entry. */
export class BackupBuilder {
  /** Ground truth, as far as it is collected. */
  readonly files: BuiltFile[] = [];
  readonly #plan: BuildPlan;
  readonly #output: BackupOutput;
  readonly #options: BuilderOptions;
  readonly #keys: BackupKeys;
  readonly #database: ManifestDatabaseWriter | undefined;
  readonly #mbdb: MbdbWriter | undefined;
  readonly #entries: EntryFactory;
  readonly #seen = new Set<string>();
  readonly #queue = new WriteQueue();

  private constructor(
    plan: BuildPlan,
    output: BackupOutput,
    options: BuilderOptions,
    parts: { keys: BackupKeys; database: ManifestDatabaseWriter | undefined },
  ) {
    this.#plan = plan;
    this.#output = output;
    this.#options = options;
    this.#keys = parts.keys;
    this.#database = parts.database;
    this.#mbdb = parts.database === undefined ? new MbdbWriter() : undefined;
    this.#entries = new EntryFactory(plan.random.fork('entries'), plan.date);
  }

  static async create(plan: BuildPlan, output: BackupOutput, options: BuilderOptions): Promise<BackupBuilder> {
    const keys = await BackupKeys.create(plan, options.signal);
    const database = plan.hasDatabase ? await createManifest(plan) : undefined;
    return new BackupBuilder(plan, output, options, { keys, database });
  }

  /** Number of entries so far. */
  get fileCount(): number {
    return this.#seen.size;
  }

  /** Adds an entry, its blob, and the folders around it that are not there yet. */
  async add(spec: FileSpec): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const { domain, relativePath } = spec;
    for (const parent of parentFolders(relativePath)) {
      if (!this.#seen.has(fileIdOf(domain, parent))) {
        await this.#addOne({ domain, relativePath: parent, kind: 'directory' });
      }
    }
    await this.#addOne(spec);
  }

  /** Adds a row of Manifest.db as it is. */
  addRow(row: RawRow): void {
    this.#database?.addRaw(row);
  }

  /** Writes what is left: manifest and property lists. */
  async finish(): Promise<void> {
    await this.#queue.drain();
    const { isEncrypted, profile } = this.#plan;
    const key =
      isEncrypted && profile.generation === 'database'
        ? this.#keys.manifestKey(this.#plan.spec.manifest?.protectionClass)
        : undefined;
    if (this.#database !== undefined) await this.#write('Manifest.db', this.#manifest(this.#database.finish(), key));
    if (this.#mbdb !== undefined) {
      await this.#write('Manifest.mbdb', this.#mbdb.manifest());
      if (profile.hasMbdx) await this.#write('Manifest.mbdx', this.#mbdb.index());
    }
    const keys = { keybag: this.#keys.keybag, manifestKey: key?.wrapped };
    await this.#write('Manifest.plist', writeBinaryPlist(manifestPlist(this.#plan, keys)));
    await this.#write('Status.plist', writeBinaryPlist(statusPlist(this.#plan)));
    await this.#write('Info.plist', writeXmlPlist(infoPlist(this.#plan)));
  }

  /** Waits for writes that are under way, wipes the keys and frees the manifest. */
  async close(): Promise<void> {
    await this.#queue.settle();
    this.#database?.close();
    await this.#keys.close();
  }

  async #addOne(spec: FileSpec): Promise<void> {
    const fileId = fileIdOf(spec.domain, spec.relativePath);
    if (this.#seen.has(fileId)) {
      throw new RangeError(
        `${spec.domain}/${spec.relativePath} is there already; name each path once, and a folder before what is in it`,
      );
    }
    this.#seen.add(fileId);
    const entry = this.#entries.create(spec);
    this.#checkDamage(spec, entry);
    const isKeyed = this.#plan.isEncrypted && entry.kind === 'file';
    const key = isKeyed ? this.#keys.fileKey(entry.protectionClass) : undefined;
    const facts = entry.kind === 'file' ? await this.#store(spec, fileId, key?.key) : undefined;
    const record: EntryRecord = {
      ...entry,
      size: facts?.size ?? 0,
      key: key?.wrapped,
      digest: domainHasDigests(spec.domain) ? facts?.digest : undefined,
    };
    const damage = spec.damage ?? [];
    const stated = damageRecord(record, damage);
    this.#database?.add(stated, fileId, damage);
    this.#mbdb?.add(stated, hexDecode(fileId) ?? new Uint8Array());
    if (this.#options.collect) this.files.push(groundTruth(record, fileId, { facts, damage }));
  }

  #checkDamage(spec: FileSpec, entry: EntryRecord): void {
    for (const damage of spec.damage ?? []) {
      const refusal = damageRefusal(damage, {
        encrypted: this.#plan.isEncrypted && !this.#plan.isDecryptedCopy,
        keyed: this.#plan.isEncrypted,
        database: this.#plan.hasDatabase,
        kind: entry.kind,
        size: contentSize(spec.content),
      });
      if (refusal !== undefined) throw new RangeError(`${spec.domain}/${spec.relativePath}: ${refusal}`);
    }
  }

  async #store(spec: FileSpec, fileId: string, key: Uint8Array | undefined): Promise<ContentFacts> {
    const path = this.#plan.hasDatabase ? `${fileId.slice(0, 2)}/${fileId}` : fileId;
    const { content = '', damage = [] } = spec;
    const keepPlain = this.#plan.isDecryptedCopy;
    const isGenerated = typeof content === 'object' && !(content instanceof Uint8Array);
    if (isGenerated && content.size > streamAboveBytes && !damage.some(damagesContent)) {
      const stream = streamContent(this.#contentRandom(spec), content.size, key, keepPlain);
      await this.#output.write(path, stream.blob, this.#options.signal);
      return stream.facts();
    }
    const stored = storeContent(this.#bytesOf(spec), key, { keepPlain, damage });
    const { blob } = stored;
    if (blob !== undefined) {
      await this.#queue.add(blob.length, async () => {
        await this.#output.write(path, blob, this.#options.signal);
      });
    }
    return stored;
  }

  #bytesOf(spec: FileSpec): Uint8Array {
    const { content = '' } = spec;
    if (typeof content === 'string') return utf8Encode(content);
    return content instanceof Uint8Array ? content : this.#contentRandom(spec).bytes(content.size);
  }

  #contentRandom({ domain, relativePath }: FileSpec): ReturnType<BuildPlan['random']['fork']> {
    return this.#plan.random.fork(`content ${domain}-${relativePath}`);
  }

  #manifest(database: Uint8Array, key: WrappedKey | undefined): OutputData {
    if (key === undefined) return database;
    const { padding = true } = this.#plan.spec.manifest ?? {};
    if (this.#plan.isDecryptedCopy) return padding ? withStrayPadding(database) : database;
    return encryptChunks(key.key, parts(database), padding);
  }

  async #write(path: TopLevelFile | 'Manifest.mbdx', data: OutputData): Promise<void> {
    const omitted: readonly string[] = this.#plan.spec.omit ?? [];
    if (!omitted.includes(path)) await this.#output.write(path, data, this.#options.signal);
  }
}

function contentSize(content: FileSpec['content'] = ''): number {
  if (typeof content === 'string') return utf8Encode(content).length;
  return content instanceof Uint8Array ? content.length : content.size;
}

function* parts(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += manifestPartBytes) {
    yield bytes.subarray(offset, offset + manifestPartBytes);
  }
}

/** Decrypted without a look at the padding: pages are whole blocks, so it is a block of its own. */
function withStrayPadding(database: Uint8Array): Uint8Array {
  const copy = new Uint8Array(database.length + cipherBlockBytes).fill(cipherBlockBytes);
  copy.set(database);
  return copy;
}

function groundTruth(
  record: EntryRecord,
  fileId: string,
  { facts, damage }: { facts: ContentFacts | undefined; damage: BuiltFile['damage'] },
): BuiltFile {
  return {
    fileId,
    domain: record.domain,
    relativePath: record.relativePath,
    kind: record.kind,
    size: facts?.size ?? 0,
    sha256: facts?.sha256,
    mode: record.mode,
    userId: record.userId,
    groupId: record.groupId,
    inode: record.inode,
    flags: record.flags,
    modified: new Date(record.modified * 1000),
    statusChanged: new Date(record.statusChanged * 1000),
    created: new Date(record.created * 1000),
    protectionClass: record.protectionClass,
    linkTarget: record.linkTarget,
    extendedAttributes: record.extendedAttributes,
    digest: record.digest,
    damage,
  };
}

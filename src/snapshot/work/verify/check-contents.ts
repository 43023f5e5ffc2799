import type { AbortOptions } from '../../../core/abort.js';
import type { ByteSource } from '../../../core/byte-source.js';
import { equalBytes, hexDecode, hexEncode } from '../../../core/bytes.js';
import { isBackupKitError, SnapshotError, type BackupKitError } from '../../../core/errors.js';
import { TaskPool } from '../../../core/task-pool.js';
import { openBlob } from '../../blobs/open-blob.js';
import { checkPack } from '../../contents/check-pack.js';
import { HashIndex } from '../../contents/hash-index.js';
import { readPackDirectory } from '../../contents/pack-directory.js';
import { packHeaderBytes, packMagic, type PackEntry } from '../../format/pack-format.js';
import type { Table } from '../../format/table.js';
import { FileHasher } from '../../fs/hash-file.js';
import { nodeFs } from '../../fs/node-fs.js';
import type { WantedContent } from '../../store/contents.js';
import { emptyHash, keys } from '../../store/keys.js';
import { isSameEntry, type PackedEntry } from '../../store/packed-entries.js';
import { storePath } from '../../store/place.js';
import type { Site } from '../../store/site.js';
import type { AffectedVersion, Slice, VerifyFinding } from './finding.js';
import { inSlice, packInSlice } from './slice.js';
import { stray, type BareFinding } from './structure.js';

/** Called with what was done since the last call. */
export type OnChecked = (checked: { parts: number; bytes: number }) => void;

/** How many contents are read at a time. */
const lanes = 2;

const unchecked = 0;
const good = 1;
const bad = 2;

/** A content that is damaged or missing itself, and not for another one that it rests on. */
interface Root extends BareFinding {
  readonly hash: Uint8Array;
}

/** Where contents lie, and what is wrong with them. Memory: some 60 bytes for each content. */
export class ContentCheck {
  readonly #site: Site;
  readonly #signal: AbortSignal | undefined;
  readonly #onChecked: OnChecked;
  /** Objects by hash; the value is a position in the sizes. */
  readonly #objects = new HashIndex();
  readonly #objectSizes: number[] = [];
  /** Contents that versions need; the value is a position in the sizes. */
  readonly #needed = new HashIndex();
  readonly #neededSizes: number[] = [];
  /** What came of resolving a content, and of comparing it with its hash. */
  readonly #resolved = new HashIndex();
  readonly #compared = new HashIndex();
  /** Contents that lie in newest backups alone. */
  readonly #elsewhere: WantedContent[] = [];
  readonly #roots = new Map<string, Root>();
  readonly #packKeys: string[] = [];
  checkedContents = 0;
  checkedBytes = 0;
  sealedContents = 0;

  constructor(site: Site, { signal, onChecked }: AbortOptions & { onChecked: OnChecked }) {
    this.#site = site;
    this.#signal = signal;
    this.#onChecked = onChecked;
  }

  /** Number of contents that versions need. */
  get contents(): number {
    return this.#needed.size;
  }

  /** Objects and packs that {@link ContentCheck.compareAll} will look at. */
  parts(slice: Slice): number {
    return Math.ceil(this.#objects.size / slice.of) + this.#packKeys.length;
  }

  /** Takes down what a version needs. */
  need(table: Table): void {
    for (let index = 0; index < table.length; index += 1) {
      const hash = table.hash(index);
      if (hash !== undefined && this.#needed.add(hash, this.#neededSizes.length))
        this.#neededSizes.push(table.row(index).size);
    }
  }

  /** Looks which objects there are. */
  async *listObjects(): AsyncGenerator<VerifyFinding, void, undefined> {
    const { blobs, local } = this.#site;
    for await (const { key, size } of blobs.list('objects/', { signal: this.#signal })) {
      const name = /^objects\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/.exec(key)?.[2];
      const hash = name === undefined ? undefined : hexDecode(name);
      if (hash === undefined) {
        yield stray(key);
        continue;
      }
      if (this.#objects.add(hash, this.#objectSizes.length)) this.#objectSizes.push(size);
      const mode =
        local?.place.placement === 'link' ? local.place.fs.facts(storePath(local.place, key))?.mode : undefined;
      if (mode !== undefined && (mode & 0o222) !== 0) {
        const message = `${key} can be written to, and with it the history of what shares it`;
        yield { severity: 'info', problem: 'writable', part: key, content: name, message, versions: [] };
      }
    }
  }

  /** Reads the directories of all packs. */
  async *listPacks(): AsyncGenerator<VerifyFinding, void, undefined> {
    const { blobs, packs } = this.#site;
    packs.refresh({ anew: true });
    const { salvaged } = await packs.all({ signal: this.#signal });
    const damaged = new Set(salvaged);
    for await (const { key } of blobs.list('packs/', { signal: this.#signal })) {
      if (!/^packs\/([0-9a-f]{2})\/\1[0-9a-f]+\.pk$/.test(key)) {
        yield stray(key);
        continue;
      }
      this.#packKeys.push(key);
      const message = damaged.has(key) ? 'its directory or footer is damaged' : await this.#headerProblem(key);
      if (message === undefined) continue;
      damaged.add(key);
      yield {
        severity: 'warning',
        problem: 'pack-damaged',
        part: key,
        message: `${key}: ${message}; what is whole in it was found by searching`,
        versions: [],
      };
    }
  }

  /** Looks whether every content that versions need lies somewhere with the right size. */
  async resolveAll(): Promise<void> {
    for (const [hash, position] of this.#needed.entries()) {
      this.#signal?.throwIfAborted();
      await this.#resolve({ hash, size: this.#neededSizes[position] ?? 0 });
    }
  }

  /** Compares contents with their hashes: objects, entries of packs with all that they rest on, and what lies elsewhere. */
  async *compareAll(slice: Slice): AsyncGenerator<VerifyFinding, void, undefined> {
    const pool = new TaskPool(lanes);
    const hashers: FileHasher[] = [];
    const run = async (task: (hasher: FileHasher) => Promise<void>): Promise<void> => {
      await pool.add(async () => {
        const hasher = hashers.pop() ?? new FileHasher(this.#site.local?.place.fs ?? nodeFs, this.#signal);
        await task(hasher);
        hashers.push(hasher);
      });
    };
    try {
      for (const [hash] of this.#objects.entries())
        if (inSlice(hash, slice))
          await run(async (hasher) => {
            await this.#compareObject(hash, hasher);
          });
      for (const content of this.#elsewhere)
        if (inSlice(content.hash, slice))
          await run(async (hasher) => {
            await this.#compareElsewhere(content, hasher);
          });
    } finally {
      await pool.settle();
    }
    await pool.finish();
    for (const key of this.#packKeys) if (packInSlice(key, slice)) yield* this.#comparePack(key);
  }

  /** What is damaged or missing, with the versions and paths that rest on it. `tables` gives all versions again. */
  async findings(
    tables: () => AsyncIterable<{ udid: string; id: string | undefined; table: Table }>,
  ): Promise<VerifyFinding[]> {
    if (this.#roots.size === 0) return [];
    const roots = [...this.#roots.values()];
    const lost = new HashIndex();
    for (const [index, { hash }] of roots.entries()) lost.add(hash, index);
    await this.#spread(lost);
    const versions = roots.map(() => new Map<string, AffectedVersion & { paths: string[] }>());
    for await (const { udid, id, table } of tables()) {
      for (let index = 0; index < table.length; index += 1) {
        const hash = table.hash(index);
        const root = hash && lost.get(hash);
        if (root === undefined || id === undefined) continue;
        const { path } = table.row(index);
        const affected = versions[root]?.get(`${udid}/${id}`);
        if (affected === undefined) versions[root]?.set(`${udid}/${id}`, { udid, id, paths: [path] });
        else affected.paths.push(path);
      }
    }
    return roots.map(({ hash, ...finding }, index): VerifyFinding => {
      const affected = [...(versions[index]?.values() ?? [])];
      const severity = affected.length > 0 ? 'error' : 'warning';
      return { ...finding, severity, content: hexEncode(hash), versions: affected };
    });
  }

  /** Adds what rests on lost contents, with the same root. */
  async #spread(lost: HashIndex): Promise<void> {
    const { entries, index } = await this.#site.packs.all({ signal: this.#signal });
    for (let grown = true; grown;) {
      grown = false;
      for (const { target, base, position } of entries.deltas()) {
        const root = lost.get(base);
        // Only what is read through this entry.
        if (root === undefined || this.#objects.has(target) || index.get(target) !== position) continue;
        if (lost.add(target, root)) grown = true;
      }
    }
  }

  async #resolve({ hash, size }: WantedContent, depth = 0): Promise<void> {
    if (depth > 256 || hexEncode(hash) === emptyHash || !this.#resolved.add(hash, 0)) return;
    const object = this.#objects.get(hash);
    if (object !== undefined) {
      const there = this.#objectSizes[object] ?? 0;
      const name = keys.object(hexEncode(hash));
      if (there !== size) this.#addRoot(hash, 'object-damaged', name, `${name} has ${there} bytes instead of ${size}`);
      return;
    }
    const packed = await this.#site.packs.find(hash, { signal: this.#signal });
    if (packed?.entry.size === size) {
      const { base } = packed.entry;
      if (base !== undefined) await this.#resolve(base, depth + 1);
      return;
    }
    if (await this.#isElsewhere({ hash, size })) return;
    const name = keys.object(hexEncode(hash));
    this.#addRoot(hash, 'content-missing', name, `The content ${hexEncode(hash)} of ${size} bytes is missing`);
  }

  async #isElsewhere(content: WantedContent): Promise<boolean> {
    try {
      // As an open looks for it: what has moved meanwhile is found.
      const source = await this.#site.contents.open(content, { signal: this.#signal });
      await source.close();
      this.#elsewhere.push(content);
      return true;
    } catch (error) {
      if (!isBackupKitError(error, 'SNAPSHOT_CORRUPT')) throw error;
      return false;
    }
  }

  #addRoot(hash: Uint8Array, problem: Root['problem'], part: string, message: string): void {
    const name = hexEncode(hash);
    if (!this.#roots.has(name)) this.#roots.set(name, { severity: 'error', problem, part, message, hash });
  }

  async #compareObject(hash: Uint8Array, hasher: FileHasher): Promise<boolean> {
    const known = this.#compared.get(hash) ?? unchecked;
    if (known !== unchecked) return known === good;
    const name = keys.object(hexEncode(hash));
    const source = await openBlob(this.#site.blobs, name, { signal: this.#signal });
    // Packed since it was listed.
    if (source === undefined) return true;
    return await this.#compare({ hash, source, hasher }, () => {
      this.#addRoot(hash, 'object-damaged', name, `${name} is damaged: its bytes have another hash`);
    });
  }

  async #compareElsewhere(content: WantedContent, hasher: FileHasher): Promise<void> {
    const source = await this.#site.contents.open(content, { signal: this.#signal }).catch(() => undefined);
    const name = keys.object(hexEncode(content.hash));
    const message = `The content ${hexEncode(content.hash)} lies in a newest backup alone, where it is another one now`;
    const lost = (): void => {
      this.#addRoot(content.hash, 'content-missing', name, message);
    };
    if (source === undefined) lost();
    else await this.#compare({ hash: content.hash, source, hasher }, lost);
  }

  /** Compares a source, which is closed, with its hash. */
  async #compare(
    { hash, source, hasher }: { hash: Uint8Array; source: ByteSource; hasher: FileHasher },
    onDamage: () => void,
  ): Promise<boolean> {
    let read = 0;
    let isGood = false;
    try {
      const found = await hasher.hashSource(source);
      read = found.size;
      isGood = found.size === source.size && equalBytes(found.hash, hash);
    } catch (error) {
      // A disk that cannot read it has lost it as well.
      if (!isUnreadable(error)) throw error;
    } finally {
      await source.close();
    }
    this.#compared.set(hash, isGood ? good : bad);
    if (!isGood) onDamage();
    this.checkedContents += 1;
    this.checkedBytes += read;
    this.#onChecked({ parts: 1, bytes: read });
    return isGood;
  }

  async *#comparePack(key: string): AsyncGenerator<VerifyFinding, void, undefined> {
    const source = await openBlob(this.#site.blobs, key, { signal: this.#signal });
    if (source === undefined) return;
    const { entries, damaged } = await this.#entriesOf(source, key);
    const { index, entries: known } = await this.#site.packs.all({ signal: this.#signal });
    const hasher = new FileHasher(this.#site.local?.place.fs ?? nodeFs, this.#signal);
    for (const entry of entries) {
      const position = index.get(entry.target);
      const isRead =
        !this.#objects.has(entry.target) &&
        isSameEntry(position === undefined ? undefined : known.at(position), { pack: key, entry });
      const isGood = await this.#compareEntry({ pack: key, entry }, { isRead, hasher });
      if (isGood && !damaged.has(entry.offset)) continue;
      // What is read is a root, and told with its versions.
      if (!isGood && isRead) continue;
      yield {
        severity: 'warning',
        problem: 'entry-damaged',
        part: key,
        content: hexEncode(entry.target),
        message: isGood
          ? `${key}: the entry at ${entry.offset} is damaged, but its content can be read`
          : `${key}: the entry at ${entry.offset} is damaged, but nothing needs it`,
        versions: [],
      };
    }
    this.#onChecked({ parts: 1, bytes: 0 });
  }

  async #entriesOf(
    source: ByteSource,
    key: string,
  ): Promise<{ entries: readonly PackEntry[]; damaged: ReadonlySet<number> }> {
    const options = { part: key, signal: this.#signal };
    try {
      const { entries, damaged } = await checkPack(source, options);
      this.checkedBytes += source.size;
      return { entries, damaged: new Set(damaged.map(({ offset }) => offset)) };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      // A damaged header was told with the directories; the entries may be whole.
      const directory = await readPackDirectory(source, options).catch(() => undefined);
      return { entries: directory?.entries ?? [], damaged: new Set() };
    } finally {
      await source.close();
    }
  }

  /** Whether an entry gives the content of its name. What it rests on is looked at first, so that the damage is told there. */
  async #compareEntry(
    packed: PackedEntry,
    { isRead, hasher, depth = 0 }: { isRead: boolean; hasher: FileHasher; depth?: number },
  ): Promise<boolean> {
    const { target, base } = packed.entry;
    const known = isRead ? (this.#compared.get(target) ?? unchecked) : unchecked;
    if (known !== unchecked || depth > 256) return known !== bad;
    if (isRead) this.#compared.set(target, good);
    if (base !== undefined && !(await this.#compareBase(base, { hasher, depth }))) {
      // Told with the base; whether the entry itself is whole, its checksums tell.
      if (isRead) this.#compared.set(target, bad);
      return true;
    }
    let source: ByteSource;
    try {
      source = await this.#site.packs.openEntry(packed, {
        signal: this.#signal,
        openBase: async (content, options) => await this.#site.contents.open(content, options),
      });
    } catch (error) {
      if (isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED')) {
        this.sealedContents += 1;
        return true;
      }
      if (!isUnreadable(error)) throw error;
      if (isRead) this.#addEntryRoot(packed, error.message);
      return false;
    }
    const before = this.#compared.get(target);
    const isGood = await this.#compare({ hash: target, source, hasher }, () => {
      if (isRead) this.#addEntryRoot(packed, `${packed.pack}: the entry at ${packed.entry.offset} gives other bytes`);
    });
    if (!isRead) this.#compared.set(target, before ?? unchecked);
    return isGood;
  }

  #addEntryRoot({ pack, entry }: PackedEntry, message: string): void {
    this.#compared.set(entry.target, bad);
    this.#addRoot(entry.target, 'entry-damaged', pack, message);
  }

  /** Whether what an entry rests on can be read whole. */
  async #compareBase(base: WantedContent, { hasher, depth }: { hasher: FileHasher; depth: number }): Promise<boolean> {
    await this.#resolve(base);
    if (this.#roots.has(hexEncode(base.hash))) return false;
    if (this.#objects.has(base.hash)) return await this.#compareObject(base.hash, hasher);
    const packed = await this.#site.packs.find(base.hash, { signal: this.#signal });
    if (packed === undefined) return true;
    await this.#compareEntry(packed, { isRead: true, hasher, depth: depth + 1 });
    return this.#compared.get(base.hash) !== bad;
  }

  async #headerProblem(key: string): Promise<string | undefined> {
    const source = await openBlob(this.#site.blobs, key, { signal: this.#signal });
    if (source === undefined) return undefined;
    try {
      const bytes = Buffer.from(await source.read(0, Math.min(packHeaderBytes, source.size), { signal: this.#signal }));
      const isHeader = bytes.toString('latin1', 0, 4) === packMagic && bytes.length >= 8 && bytes.readUInt32LE(4) === 1;
      return isHeader ? undefined : 'its first bytes are damaged';
    } finally {
      await source.close();
    }
  }
}

/** Whether an error means that bytes are not what they should be, or cannot be read. */
function isUnreadable(error: unknown): error is BackupKitError {
  if (error instanceof SnapshotError)
    return error.code === 'SNAPSHOT_CORRUPT' || error.code === 'SNAPSHOT_FORMAT_UNSUPPORTED';
  return isBackupKitError(error, 'IO_FAILED') || isBackupKitError(error, 'FORMAT_LIMIT_EXCEEDED');
}

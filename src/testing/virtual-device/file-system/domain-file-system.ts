import { createHash } from 'node:crypto';
import { concatBytes, hexEncode, plainView, utf8Encode } from '../../../core/bytes.js';
import type { Closeable } from '../../../core/resource.js';
import type { FileRef } from '../../../manifest/types.js';
import { databaseFiles } from '../../backup-builder/databases.js';
import { parentFolders } from '../../backup-builder/domains.js';
import { EntryFactory, fileIdOf, type EntryRecord } from '../../backup-builder/entry-record.js';
import type { SeededRandom } from '../../backup-builder/seeded-random.js';
import type { DatabaseSpec, FileSpec } from '../../backup-builder/types.js';
import { BodyStore } from './body-store.js';
import { bytesBody, generatedBody, joinedBody, type FileBody } from './content.js';
import type { FileChange, VirtualFileEntry, VirtualFileSystem } from './types.js';

/** An entry: neither it nor what it holds ever changes, so that a list of them is a snapshot. */
export interface FileNode {
  readonly record: EntryRecord;
  /** Content of a file; `undefined` for folders and links. */
  readonly body: FileBody | undefined;
}

type Content = NonNullable<FileSpec['content']>;

/** {@link VirtualFileSystem} with what backups and restores do to it. */
export class DomainFileSystem implements VirtualFileSystem, Closeable {
  /** Where restored contents are kept. */
  readonly store = new BodyStore();
  readonly #random: SeededRandom;
  readonly #now: () => Date;
  readonly #factory: EntryFactory;
  readonly #domains = new Map<string, Map<string, FileNode>>();
  readonly #databases = new Map<string, DatabaseSpec>();
  readonly #owned: Closeable[] = [];
  #contents = 0;

  constructor(random: SeededRandom, now: () => Date) {
    this.#random = random;
    this.#now = now;
    this.#factory = new EntryFactory(random.fork('entries'), now());
  }

  get size(): number {
    let size = 0;
    for (const nodes of this.#domains.values()) size += nodes.size;
    return size;
  }

  add(spec: FileSpec): void {
    if (this.has(spec)) throw new RangeError(`${nameOf(spec)} is there already; modify it, or remove it first`);
    const record = this.#factory.create(spec);
    this.put(record, record.kind === 'file' ? this.#body(spec.content ?? '') : undefined);
  }

  async addDatabase(spec: DatabaseSpec): Promise<void> {
    const files = await databaseFiles(spec);
    for (const file of files) this.add(file);
    this.#databases.set(fileIdOf(spec.domain, spec.relativePath), spec);
  }

  async growDatabase(ref: FileRef, sql: string, options: { wal?: boolean | undefined } = {}): Promise<void> {
    const fileId = fileIdOf(ref.domain, ref.relativePath);
    const known = this.#databases.get(fileId);
    if (known === undefined) throw new RangeError(`${nameOf(ref)} was not added as a database made from SQL`);
    const spec = grown(known, sql, options.wal ?? false);
    for (const file of await databaseFiles(spec)) {
      const place = {
        domain: ref.domain,
        relativePath: ref.relativePath + file.relativePath.slice(known.relativePath.length),
      };
      if (!this.has(place)) this.add({ ...file, ...place });
      else if (!(await this.#holds(place, file.content))) this.modify(place, { content: file.content });
    }
    this.#databases.set(fileId, spec);
  }

  modify(ref: FileRef, change: FileChange): void {
    const { record, body } = this.#get(ref);
    const { content, ...attributes } = change;
    if (content !== undefined && record.kind !== 'file')
      throw new RangeError(`${nameOf(ref)} is no file and has no content`);
    const now = Math.floor(this.#now().getTime() / 1000);
    const stated = this.#factory.create({
      ...specOf(record),
      modified: content === undefined ? dateOf(record.modified) : dateOf(Math.max(now, record.modified + 1)),
      statusChanged: dateOf(Math.max(now, record.statusChanged + 1)),
      ...attributes,
    });
    this.put(stated, content === undefined ? body : this.#body(content));
  }

  append(ref: FileRef, content: Content): void {
    const { body } = this.#get(ref);
    if (body === undefined) throw new RangeError(`${nameOf(ref)} is no file and has no content`);
    const end = this.#body(content);
    this.modify(ref, { content: '' });
    this.put(this.#get(ref).record, joinedBody(body, end));
  }

  remove(ref: FileRef): boolean {
    const nodes = this.#domains.get(ref.domain);
    const paths = this.#pathsBelow(ref);
    for (const path of paths) {
      nodes?.delete(path);
      this.#databases.delete(fileIdOf(ref.domain, path));
    }
    if (nodes?.size === 0) this.#domains.delete(ref.domain);
    return paths.length > 0;
  }

  rename(from: FileRef, to: FileRef): void {
    this.#get(from);
    if (this.has(to)) throw new RangeError(`${nameOf(to)} is there already; remove it first`);
    const moved = this.#pathsBelow(from).map((path) => {
      const relativePath = to.relativePath + path.slice(from.relativePath.length);
      const database = this.#databases.get(fileIdOf(from.domain, path));
      return { node: this.#get({ domain: from.domain, relativePath: path }), relativePath, database };
    });
    this.remove(from);
    for (const { node, relativePath, database } of moved) {
      this.put({ ...node.record, domain: to.domain, relativePath }, node.body);
      if (database !== undefined) this.#databases.set(fileIdOf(to.domain, relativePath), database);
    }
  }

  clear(): void {
    this.#domains.clear();
    this.#databases.clear();
  }

  has(ref: FileRef): boolean {
    return this.find(ref) !== undefined;
  }

  async read(ref: FileRef): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const chunk of this.stream(ref)) parts.push(chunk);
    return concatBytes(parts);
  }

  async *stream(ref: FileRef): AsyncGenerator<Uint8Array, void, undefined> {
    const { body } = this.#get(ref);
    if (body === undefined) throw new RangeError(`${nameOf(ref)} is no file and has no content`);
    yield* body.stream();
  }

  async *entries(): AsyncGenerator<VirtualFileEntry, void, undefined> {
    for (const { record, body } of this.snapshot()) yield await entryOf(record, body);
  }

  /** An entry; `undefined` where there is none. */
  find({ domain, relativePath }: FileRef): FileNode | undefined {
    return this.#domains.get(domain)?.get(relativePath);
  }

  /** Every entry as it is now, ordered by domain and path. */
  snapshot(): FileNode[] {
    const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
    return [...this.#domains].sort(byName).flatMap(([, nodes]) => [...nodes].sort(byName).map(([, node]) => node));
  }

  /** Puts an entry in its place, whatever was there, with the folders around it. */
  put(record: EntryRecord, body: FileBody | undefined): void {
    const { domain } = record;
    for (const relativePath of parentFolders(record.relativePath)) {
      if (!this.has({ domain, relativePath }))
        this.#set({ record: this.#factory.create({ domain, relativePath, kind: 'directory' }), body: undefined });
    }
    this.#set({ record: { ...record, size: body?.size ?? 0 }, body });
  }

  /** Closes something together with the file system: a backup that contents are read from. */
  own(resource: Closeable): void {
    this.#owned.push(resource);
  }

  async close(): Promise<void> {
    this.clear();
    await this.store.close();
    for (const resource of this.#owned.splice(0)) await resource.close();
  }

  #set(node: FileNode): void {
    const { domain, relativePath } = node.record;
    const nodes = this.#domains.get(domain) ?? new Map<string, FileNode>();
    nodes.set(relativePath, node);
    this.#domains.set(domain, nodes);
  }

  #get(ref: FileRef): FileNode {
    const node = this.find(ref);
    if (node === undefined) throw new RangeError(`${nameOf(ref)} does not exist`);
    return node;
  }

  #pathsBelow({ domain, relativePath }: FileRef): string[] {
    const prefix = relativePath === '' ? '' : `${relativePath}/`;
    const paths = this.#domains.get(domain)?.keys() ?? [];
    return [...paths].filter((path) => path === relativePath || path.startsWith(prefix));
  }

  #body(content: Content): FileBody {
    if (typeof content === 'string') return bytesBody(utf8Encode(content));
    if (content instanceof Uint8Array) return bytesBody(plainView(content.slice()));
    const label = `content ${this.#contents++}`;
    return generatedBody(() => this.#random.fork(label), content.size);
  }

  async #holds(ref: FileRef, content: FileSpec['content'] = ''): Promise<boolean> {
    const { record, body } = this.#get(ref);
    const other = this.#body(content);
    return (await entryOf(record, body)).sha256 === (await entryOf(record, other)).sha256;
  }
}

const nameOf = ({ domain, relativePath }: FileRef): string => `${domain}/${relativePath}`;

const dateOf = (seconds: number): Date => new Date(seconds * 1000);

function specOf(record: EntryRecord): FileSpec {
  return {
    domain: record.domain,
    relativePath: record.relativePath,
    kind: record.kind,
    linkTarget: record.linkTarget,
    mode: record.mode & 0o7777,
    userId: record.userId,
    groupId: record.groupId,
    inode: record.inode,
    flags: record.flags,
    modified: dateOf(record.modified),
    statusChanged: dateOf(record.statusChanged),
    created: dateOf(record.created),
    protectionClass: record.protectionClass,
    extendedAttributes: record.extendedAttributes,
  };
}

/** A database to which SQL is added. What is in its `-wal` stays there, unless the main file is written: that is a checkpoint. */
function grown(spec: DatabaseSpec, sql: string, wal: boolean): DatabaseSpec {
  const list = (statements: string | readonly string[] | undefined): readonly string[] =>
    typeof statements === 'string' ? [statements] : (statements ?? []);
  if (spec.wal === 'all') return { ...spec, sql: [...list(spec.sql), sql] };
  if (wal) return { ...spec, wal: 'some', walSql: [...list(spec.walSql), sql] };
  const merged = [...list(spec.sql), ...list(spec.walSql), sql];
  return spec.wal === 'some' ? { ...spec, sql: merged, walSql: [] } : { ...spec, sql: merged };
}

async function entryOf(record: EntryRecord, body: FileBody | undefined): Promise<VirtualFileEntry> {
  const hash = createHash('sha256');
  for await (const chunk of body?.stream() ?? []) hash.update(chunk);
  return {
    fileId: fileIdOf(record.domain, record.relativePath),
    domain: record.domain,
    relativePath: record.relativePath,
    kind: record.kind,
    size: body?.size ?? 0,
    sha256: body === undefined ? undefined : hexEncode(hash.digest()),
    mode: record.mode,
    userId: record.userId,
    groupId: record.groupId,
    inode: record.inode,
    flags: record.flags,
    modified: dateOf(record.modified),
    statusChanged: dateOf(record.statusChanged),
    created: dateOf(record.created),
    protectionClass: record.protectionClass,
    linkTarget: record.linkTarget,
    extendedAttributes: record.extendedAttributes,
  };
}

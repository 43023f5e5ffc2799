import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import { HashIndex } from '../contents/hash-index.js';
import type { Table } from '../format/table.js';
import type { ListedRecord } from '../store/records.js';
import type { WantedContent } from '../store/contents.js';
import type { Site } from '../store/site.js';

/** A version, as far as its files can be opened. */
export interface PlannedVersion {
  readonly udid: string;
  readonly id: string;
  readonly encrypted: boolean;
}

/** Where a content lies in a version. */
export interface PlacedContent extends WantedContent {
  readonly version: PlannedVersion;
  readonly path: string;
}

/** A large content that no newest backup has any more, and what has replaced it. */
export interface Superseded extends PlacedContent {
  /** What the next version that has a large file at its path has there. */
  readonly next: PlacedContent;
}

/** What can be made smaller: contents that no newest backup has, each once. */
export interface CompactPlan {
  /** Those that may become differences: those of one path one after another, the newest first. */
  readonly large: readonly Superseded[];
  /** All others, as they were found. */
  others(): Iterable<WantedContent>;
  /** Number of all of them. */
  readonly count: number;
  /** Contents that any version needs, those in the trash included. */
  readonly needed: HashIndex;
  /** Frees what only differences have to know. */
  endLarge(): void;
}

/** What newest backups and newest versions use. */
export interface Newest {
  readonly contents: HashIndex;
  /** Changes when any of them does. */
  readonly mark: string;
}

const rowsPerTurn = 100_000;
/** In place of a size: the content is among the large ones. Empty contents are never found. */
const noted = 0;

/** Names of the newest backups and versions: equal for equal states. */
export async function markOfNewest(site: Site, options: AbortOptions): Promise<string> {
  const ids: string[] = [];
  for (const udid of await site.records.devices(options)) {
    const [newest] = await mainLine(site, udid, options);
    const live = await site.local?.live.header(udid);
    ids.push(newest?.header.id ?? '', live?.id ?? '', live?.root ?? '');
  }
  return ids.join(' ');
}

/** What newest backups and newest versions of all devices use. */
export async function newestContents(site: Site, options: AbortOptions): Promise<Newest> {
  const mark = await markOfNewest(site, options);
  const contents = new HashIndex();
  const add = (table: Table | undefined): void => {
    if (table === undefined) return;
    for (let index = 0; index < table.length; index += 1) {
      const hash = table.hash(index);
      if (hash !== undefined) contents.add(hash, 0);
    }
    table.release();
  };
  for (const udid of await site.records.devices(options)) {
    const [newest] = await mainLine(site, udid, options);
    if (newest !== undefined) add(await tableOf(site, newest, options));
    add((await site.local?.live.read(udid))?.table);
    await yieldToEventLoop(options.signal);
  }
  return { contents, mark };
}

/** Versions of a device one after another, the newest first, without edits. Records that cannot be read are left out. */
async function mainLine(site: Site, udid: string, options: AbortOptions): Promise<ListedRecord[]> {
  const records = await site.records.list(udid, { ...options, onDamage: () => undefined });
  return records.filter(({ header, deleted }) => !deleted && header.kind !== 'edit');
}

async function tableOf(site: Site, { header }: ListedRecord, options: AbortOptions): Promise<Table | undefined> {
  try {
    return (await site.records.read(header.udid, header.id, options))?.table;
  } catch {
    options.signal?.throwIfAborted();
    // A damaged record: what it alone needs stays whole.
    return undefined;
  }
}

/**
 * Finds what each version has that a later one has replaced.
 *
 * @param deltaBytes - size from which on it matters by what
 */
export async function planCompact(
  site: Site,
  newest: Newest,
  options: AbortOptions & { deltaBytes: number },
): Promise<CompactPlan> {
  const planner = new Planner(newest.contents, options.deltaBytes);
  for (const udid of await site.records.devices(options)) {
    const line = await mainLine(site, udid, options);
    for (const record of line) {
      const table = await tableOf(site, record, options);
      if (table !== undefined) await planner.add({ version: plannedVersion(record), table }, undefined, options);
    }
    planner.endDevice();
    for (const record of await site.records.list(udid, { ...options, onDamage: () => undefined })) {
      const isEdit = record.header.kind === 'edit' && !record.deleted;
      if (!isEdit && !record.deleted) continue;
      const table = await tableOf(site, record, options);
      if (table === undefined) continue;
      planner.need(table);
      const parent = line.find(({ header }) => header.id === record.header.parent);
      const parentTable = isEdit && parent !== undefined ? await tableOf(site, parent, options) : undefined;
      if (parent === undefined || parentTable === undefined) continue;
      // What an edit has changed is like what it was before.
      const before = { version: plannedVersion(parent), table: parentTable };
      await planner.add({ version: plannedVersion(record), table }, before, options);
      planner.endDevice();
    }
  }
  return planner;
}

function plannedVersion({ header }: ListedRecord): PlannedVersion {
  return { udid: header.udid, id: header.id, encrypted: header.backup.encrypted === true };
}

interface VersionTable {
  readonly version: PlannedVersion;
  readonly table: Table;
}

class Planner implements CompactPlan {
  large: Superseded[] = [];
  needed = new HashIndex();
  readonly #newest: HashIndex;
  readonly #deltaBytes: number;
  /** What was found, with its size where that is all that has to be known: of hundreds of thousands of small ones. */
  readonly #found = new HashIndex();
  /** Large ones that nothing has replaced. */
  readonly #alone: WantedContent[] = [];
  #byPath = new Map<string, Superseded[]>();
  /** What the version that was taken up last has at each path, or else the one before: of large files. */
  #later = new Map<string, PlacedContent>();
  #before: Table | undefined;

  constructor(newest: HashIndex, deltaBytes: number) {
    this.#newest = newest;
    this.#deltaBytes = deltaBytes;
  }

  get count(): number {
    return this.#found.size;
  }

  *others(): Generator<WantedContent, void, undefined> {
    yield* this.#alone;
    for (const [hash, size] of this.#found.entries()) if (size !== noted) yield { hash, size };
  }

  endLarge(): void {
    this.large = [];
    this.needed = new HashIndex();
  }

  need(table: Table): void {
    for (let index = 0; index < table.length; index += 1) {
      const hash = table.hash(index);
      if (hash !== undefined) this.needed.add(hash, 0);
    }
  }

  /**
   * Takes a version up, the newest first. Of a content that several have, the place in the one that is taken up first counts.
   * `like` is what it is compared with, where that is not the next one.
   */
  async add({ version, table }: VersionTable, like: VersionTable | undefined, options: AbortOptions): Promise<void> {
    const large: PlacedContent[] = [];
    let handled = 0;
    // What it has in common with the one that was taken up before has been looked at.
    for (const index of table.apartFrom(this.#before)) {
      handled += 1;
      if (handled % rowsPerTurn === 0) await yieldToEventLoop(options.signal);
      const hash = table.hash(index);
      const size = table.size(index);
      if (hash === undefined) continue;
      this.needed.add(hash, 0);
      if (size === 0) continue;
      const isLarge = size >= this.#deltaBytes;
      const isNew = !this.#newest.has(hash) && this.#found.add(hash, isLarge ? noted : size);
      if (!isLarge) continue;
      const content = { hash: new Uint8Array(hash), size, version, path: table.row(index).path };
      large.push(content);
      if (isNew)
        this.#addLarge(content, like === undefined ? this.#later.get(content.path) : placedAt(like, content.path));
    }
    for (const content of large) this.#later.set(content.path, content);
    if (this.#before !== like?.table) this.#before?.release();
    this.#before = table;
  }

  #addLarge(content: PlacedContent, next: PlacedContent | undefined): void {
    if (next === undefined) {
      this.#alone.push(content);
      return;
    }
    const known = this.#byPath.get(content.path);
    if (known === undefined) this.#byPath.set(content.path, [{ ...content, next }]);
    else known.push({ ...content, next });
  }

  endDevice(): void {
    for (const contents of this.#byPath.values()) this.large.push(...contents);
    this.#byPath = new Map();
    this.#later = new Map();
    this.#before = undefined;
  }
}

function placedAt({ version, table }: VersionTable, path: string): PlacedContent | undefined {
  const index = table.find(path);
  const hash = index === undefined ? undefined : table.hash(index);
  if (index === undefined || hash === undefined || table.size(index) === 0) return undefined;
  return { hash: new Uint8Array(hash), size: table.size(index), version, path };
}

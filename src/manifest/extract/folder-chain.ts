import type { BackupFile } from '../types.js';
import type { OutputFolder, OutputPath, OutputPaths } from './output-paths.js';
import type { ExtractTarget, MadeFolder } from './target.js';
import { TaskPool } from '../../core/task-pool.js';

/** A folder of the output into which entries are being written. */
export interface OpenFolder {
  readonly output: OutputFolder;
  /** Components in the backup, joined by NUL: what it is known by. */
  readonly source: string;
  /** Made by this extraction; nothing else lies in it. */
  readonly fresh: boolean;
  /** Why nothing can be written into it. */
  readonly blocked: Error | undefined;
  /** Its own entry, once it came by. */
  entry: BackupFile | undefined;
  /** Writes that have not ended. */
  pending: number;
  /** Whether the listing has gone past it. */
  left: boolean;
}

/** What {@link FolderChain} tells while it works. */
export interface FolderChainEvents {
  /** A folder was entered for the first time under a name that is not its own. */
  onRenamed(source: readonly string[], placed: OutputPath): void;
  /** The folder did not take the time or mode of `file`. */
  onRefused(file: BackupFile, path: string, error: Error): void;
}

/**
 * The folders that lead to the current entry. A folder is finished, with its times, when the listing has left it and the
 * last write into it has ended. The listing is ordered, so all that is in a folder comes together but for siblings whose
 * names begin like the folder's: hence a folder counts as left only when its path is no prefix of the entry's any more.
 * Memory does not grow with the number of entries.
 */
export class FolderChain {
  readonly #paths: OutputPaths;
  readonly #target: ExtractTarget;
  readonly #events: FolderChainEvents;
  readonly #open = new Map<string, OpenFolder>();
  readonly #root: OpenFolder;
  readonly #finishing = new TaskPool(4);
  /** The folder that was entered last, by the first `depth` of `components`. */
  #current: { folder: OpenFolder; components: readonly string[]; depth: number } | undefined;

  constructor(paths: OutputPaths, target: ExtractTarget, events: FolderChainEvents) {
    this.#paths = paths;
    this.#target = target;
    this.#events = events;
    this.#root = newFolder(paths.root, '', 'existed');
  }

  /** Opens the folder that holds the entry with these components, and those that lead to it. */
  async enterParent(components: readonly string[]): Promise<OpenFolder> {
    return await this.#enter(components, components.length - 1);
  }

  /** The folder that holds the entry with these components, where that is the one that was entered last. */
  openParent(components: readonly string[]): OpenFolder | undefined {
    return this.#same(components, components.length - 1);
  }

  /** Opens the folder with these components, and those that lead to it. */
  async enter(components: readonly string[]): Promise<OpenFolder> {
    return await this.#enter(components, components.length);
  }

  /** Counts a write into `folder` that begins. */
  begin(folder: OpenFolder): void {
    folder.pending += 1;
  }

  /** Counts a write into `folder` that has ended. */
  async end(folder: OpenFolder): Promise<void> {
    folder.pending -= 1;
    if (folder.left && folder.pending === 0) await this.finish(folder);
  }

  /** Leaves all folders and waits until they are finished. */
  async close(): Promise<void> {
    await this.#leaveOthers(undefined);
    await this.#finishing.finish();
  }

  /** Waits for what was begun, after a failure. */
  async settle(): Promise<void> {
    await this.#finishing.settle();
  }

  /** Gives a folder its times and mode. */
  async finish(folder: OpenFolder): Promise<void> {
    if (folder.blocked !== undefined) return;
    const { entry, output } = folder;
    await this.#finishing.add(async () => {
      const refused = await this.#target.finishFolder(output.path, { entry, fresh: folder.fresh });
      if (refused !== undefined && entry !== undefined) this.#events.onRefused(entry, output.path, refused);
    });
  }

  async #enter(components: readonly string[], depth: number): Promise<OpenFolder> {
    const known = this.#same(components, depth);
    if (known !== undefined) return known;
    await this.#leaveOthers(components.join('\0'));
    let folder = this.#root;
    let source = '';
    for (let level = 0; level < depth; level += 1) {
      const component = components[level] ?? '';
      source = level === 0 ? component : `${source}\0${component}`;
      folder = this.#open.get(source) ?? this.#make(folder, components.slice(0, level + 1), source);
    }
    this.#current = { folder, components, depth };
    return folder;
  }

  /** Most entries lie in the same folder as the one before, and nothing below it is open. */
  #same(components: readonly string[], depth: number): OpenFolder | undefined {
    const known = this.#current;
    const isKnown = known?.depth === depth && this.#open.size === depth && isSame(known.components, components, depth);
    return isKnown ? known.folder : undefined;
  }

  #make(parent: OpenFolder, components: readonly string[], source: string): OpenFolder {
    const output = this.#paths.folder(parent.output, components.at(-1) ?? '');
    let made: MadeFolder | undefined = parent.blocked;
    if (made === undefined && output.changes.includes('path-shortened')) {
      const above = this.#target.makeFolder(dirname(output.path));
      if (above instanceof Error) made = above;
    }
    made ??= this.#target.makeFolder(output.path);
    if (output.changes.length > 0 && !output.again) this.#events.onRenamed(components, output);
    const folder = newFolder(output, source, made);
    this.#open.set(source, folder);
    return folder;
  }

  async #leaveOthers(source: string | undefined): Promise<void> {
    for (const folder of this.#open.values()) {
      if (source?.startsWith(folder.source) === true) continue;
      this.#open.delete(folder.source);
      folder.left = true;
      if (folder.pending === 0) await this.finish(folder);
    }
  }
}

function isSame(a: readonly string[], b: readonly string[], length: number): boolean {
  for (let i = 0; i < length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

function newFolder(output: OutputFolder, source: string, made: MadeFolder): OpenFolder {
  const state = { fresh: made === 'created', blocked: made instanceof Error ? made : undefined };
  return { output, source, ...state, entry: undefined, pending: 0, left: false };
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

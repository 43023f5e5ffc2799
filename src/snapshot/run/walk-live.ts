import { unsafePathReason } from '../../core/safe-path.js';
import type { FolderEntry, StoreFs } from '../fs/store-fs.js';

/** Something in a folder. */
export interface Found {
  /** Path below the folder. */
  readonly path: string;
  /** Whether it is a folder with nothing in it. */
  readonly isEmptyFolder: boolean;
}

/** A name that is still to be looked at. A folder has two places in the order: its own path, and that of what lies in it. */
interface Step {
  /** What it is sorted by: the name, with a slash for what lies in a folder. */
  readonly key: string;
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'content';
  /** Of a folder, for both of its places. */
  readonly folder: ListedFolder | undefined;
}

/** A folder that has been listed. */
interface ListedFolder {
  entries: readonly FolderEntry[] | undefined;
}

/** A folder that is being gone through. */
interface Level {
  readonly path: string;
  readonly steps: readonly Step[];
  next: number;
}

/**
 * All files and all empty folders below `root`, by the bytes of their paths, as tables have them. Links and special files are not
 * part of a backup, and names that are no safe paths are left out. Whoever goes through them gives the event loop its turns,
 * and looks at the files, some of which may have gone since their folder was listed.
 */
export function* walkFolder(fs: StoreFs, root: string): Generator<Found, void, undefined> {
  const fullOf = (path: string): string => (path === '' ? root : `${root}/${path}`);
  const list = (path: string): FolderEntry[] => fs.entries(fullOf(path)).filter((entry) => isPart(path, entry));
  const levels: Level[] = [{ path: '', steps: stepsOf(list('')), next: 0 }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const step = level.steps[level.next];
    level.next += 1;
    if (step === undefined) {
      levels.pop();
      continue;
    }
    const path = below(level.path, step.name);
    if (step.kind === 'content') {
      levels.push({ path, steps: stepsOf(step.folder?.entries ?? list(path)), next: 0 });
      continue;
    }
    if (step.folder !== undefined && (step.folder.entries = list(path)).length > 0) continue;
    const isEmptyFolder = step.kind === 'folder';
    if (!isEmptyFolder || fs.facts(fullOf(path))?.kind === 'directory') yield { path, isEmptyFolder };
  }
}

const below = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

function isPart(folder: string, { name, kind }: FolderEntry): boolean {
  return kind !== 'other' && unsafePathReason(below(folder, name)) === undefined;
}

/** What is to be done for the names in a folder, in order. */
function stepsOf(entries: readonly FolderEntry[]): Step[] {
  const steps: Step[] = [];
  let isPlain = true;
  for (const { name, kind } of entries) {
    isPlain &&= plainName.test(name);
    if (kind === 'directory') {
      const folder: ListedFolder = { entries: undefined };
      steps.push({ key: name, name, kind: 'folder', folder });
      steps.push({ key: `${name}/`, name, kind: 'content', folder });
    } else steps.push({ key: name, name, kind: 'file', folder: undefined });
  }
  return steps.sort(isPlain ? (a, b) => (a.key < b.key ? -1 : 1) : (a, b) => byBytes(a.key, b.key));
}

/** Such names sort as text as they do as bytes, which is quicker. */
const plainName = /^[\x20-\x7e]*$/;

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

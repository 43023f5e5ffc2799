import { sha1Hex } from './hash.js';
import { PathClaims } from './path-claims.js';
import { escapeName, fitName, foldName, maxNameBytes } from './safe-name.js';
import type { ExtractReason, NameRules } from './types.js';

/** How a name differs from the one in the backup. */
export type NameChange = Extract<ExtractReason, `name-${string}` | 'path-shortened'>;

/** A folder of the output. */
export interface OutputFolder {
  /** Path below the target, `/` between components; `''` is the target. */
  readonly path: string;
  /** Hash of the path without what some system ignores: no two outputs have the same. */
  readonly key: string;
  /** Hash of the components that it was made from: no two folders of the backup have the same. */
  readonly identity: string;
  /** The folder directly below the target in which it lies. */
  readonly top: OutputFolder | undefined;
}

/** A path of the output that belongs to one entry. */
export interface OutputPath extends OutputFolder {
  readonly changes: readonly NameChange[];
  /** Whether the same entry has claimed it before. */
  readonly again: boolean;
}

/** How {@link OutputPaths} gives names. */
export interface OutputPathOptions {
  rules: NameRules;
  /** Whether names that some system takes for the same are kept apart. */
  fold: boolean;
  /** Longest path below the target, in bytes of UTF-8. */
  maxPathBytes: number;
}

/** Attempts with ` (2)`, ` (3)` … before a hash takes over, so that thousands of clashes cost no more than one each. */
const numberedAttempts = 8;

/**
 * Gives each entry a path of its own below the target. Names depend on the entries and their order alone, never on
 * timing. Memory: see {@link PathClaims}.
 */
export class OutputPaths {
  readonly root: OutputFolder = { path: '', key: '', identity: '', top: undefined };
  readonly #claims = new PathClaims();
  readonly #options: OutputPathOptions;

  constructor(options: OutputPathOptions) {
    this.#options = options;
  }

  /** A path for a folder `component` of `parent`; the same one each time. `from` skips that many candidates. */
  folder(parent: OutputFolder, component: string, from = 0): OutputPath {
    const placed = this.#place(parent, component, { owner: 'd', from });
    const folder = { ...placed, key: sha1Hex(placed.key), identity: sha1Hex(placed.identity) };
    return { ...folder, top: parent.top ?? folder };
  }

  /** A path for a file or link `component` of `parent` with this id. `from` skips that many candidates. */
  file(parent: OutputFolder, component: string, at: { id: string; from?: number }): OutputPath {
    return this.#place(parent, component, { owner: `f:${at.id}`, from: at.from ?? 0 });
  }

  #place(parent: OutputFolder, component: string, at: { owner: string; from: number }): OutputPath {
    const escaped = escapeName(component, this.#options.rules);
    const identity = `${parent.identity}/${escaped}`;
    const owner = `${at.owner}:${identity}`;
    const base = this.#roomFor(parent, escaped);
    for (let attempt = at.from; ; attempt += 1) {
      const { name, shortened } = fitName(escaped, suffixOf(attempt, owner));
      const key = `${base.key}/${this.#options.fold ? foldName(name) : name}`;
      const claim = this.#claims.claim(key, owner);
      if (claim === 'taken') continue;
      const changes: NameChange[] = [];
      if (escaped !== component) changes.push('name-escaped');
      if (shortened) changes.push('name-shortened');
      if (attempt > 0) changes.push('name-clash');
      if (base !== parent) changes.push('path-shortened');
      return {
        path: base.path === '' ? name : `${base.path}/${name}`,
        key,
        identity,
        top: parent.top,
        changes,
        again: claim === 'own',
      };
    }
  }

  /** `parent`, or a folder higher up with a hash for a name where the path would be too long. */
  #roomFor(parent: OutputFolder, escaped: string): OutputFolder {
    const { top } = parent;
    if (top === undefined || (parent.path.length + escaped.length + 16) * 3 <= this.#options.maxPathBytes)
      return parent;
    const bytes = Buffer.byteLength(parent.path) + Math.min(Buffer.byteLength(escaped) + 16, maxNameBytes + 1);
    if (bytes <= this.#options.maxPathBytes) return parent;
    const name = `%long-${sha1Hex(parent.identity).slice(0, 20)}`;
    return { path: `${top.path}/${name}`, key: sha1Hex(`${top.key}/${name}`), identity: parent.identity, top };
  }
}

function suffixOf(attempt: number, owner: string): string {
  if (attempt === 0) return '';
  if (attempt < numberedAttempts) return ` (${attempt + 1})`;
  return ` (${sha1Hex(`${attempt}:${owner}`).slice(0, 12)})`;
}

import type { AbortOptions } from '../core/abort.js';
import { ManifestError } from '../core/errors.js';
import { containerDomains } from './container-domains.js';
import type { DevicePaths } from './device-paths.js';
import type { ManifestFileIndex } from './file-index.js';
import type { FsEntry } from './fs-entries.js';
import { fsError } from './fs-errors.js';
import { absolutePath } from './row-filter.js';
import type { FileRef } from './types.js';

/** Links that are followed on the way to one file; more is a circle. */
const maxLinks = 40;

/** First component of paths by the id of an app. No domain has an at sign in its name. */
export const appsFolder = '@apps';

/** A way to a file: what is done for errors. */
interface Walk extends AbortOptions {
  readonly syscall: string;
  /** The path as the caller wrote it. */
  readonly path: string;
}

/** Finds what is at a path, following links within the backup and never out of it. */
export class PathResolver {
  readonly #files: ManifestFileIndex;
  readonly #devicePaths: DevicePaths;

  constructor(files: ManifestFileIndex, devicePaths: DevicePaths) {
    this.#files = files;
    this.#devicePaths = devicePaths;
  }

  /** @throws Node's errors `ENOENT`, `ENOTDIR`, `ELOOP` */
  async resolve(path: string, options: AbortOptions & { syscall: string; followLast: boolean }): Promise<FsEntry> {
    const walk = { ...options, path };
    let links = 0;
    let pending = componentsOf(path);
    let current = topFolder;
    while (pending.length > 0) {
      const jump = await this.#tryWhole(current, pending, walk);
      if (jump !== undefined && (jump.kind !== 'symlink' || !options.followLast)) return jump;
      const [name = '', ...rest] = pending;
      if (current.kind !== 'directory') throw fsError('ENOTDIR', walk.syscall, path);
      const next = await this.#step(current, name, walk);
      if (next === undefined) throw notFound(walk, refOf(childPath(current.path, name)));
      pending = rest;
      if (next.kind === 'symlink' && (rest.length > 0 || options.followLast)) {
        if (++links > maxLinks) throw fsError('ELOOP', walk.syscall, path);
        pending = [...this.#targetOf(next, walk), ...rest];
        current = topFolder;
      } else current = next;
    }
    return current;
  }

  /** The names in a folder. */
  async *names(folder: FsEntry, options: AbortOptions): AsyncGenerator<string, void, undefined> {
    if (folder.path === '/') {
      for (const domain of await this.#files.domains(options)) if (isName(domain)) yield domain;
    } else if (folder.path === `/${appsFolder}`) {
      for (const domain of await this.#files.domains(options)) {
        const id = /^AppDomain-(.+)$/s.exec(domain)?.[1];
        if (id !== undefined && isName(id)) yield id;
      }
    } else {
      for await (const name of this.#files.children(refOf(folder.path), options)) if (isName(name)) yield name;
    }
  }

  /** The entry of one name in a folder; a link is not followed. */
  async child(folder: FsEntry, name: string, options: AbortOptions): Promise<FsEntry | undefined> {
    if (folder.path === '/' && name === appsFolder)
      return { path: `/${appsFolder}`, kind: 'directory', file: undefined };
    if (folder.path === `/${appsFolder}`) {
      for (const domain of containerDomains(name)) {
        const entry = await this.#entry({ domain, relativePath: '' }, options);
        if (entry !== undefined) return entry;
      }
      return undefined;
    }
    return await this.#entry(refOf(childPath(folder.path, name)), options);
  }

  /** All of `pending` at once: most paths have no link in them, and then one search does. */
  async #tryWhole(current: FsEntry, pending: readonly string[], options: AbortOptions): Promise<FsEntry | undefined> {
    if (pending.includes('..') || current.kind !== 'directory') return undefined;
    const path = childPath(current.path, pending.join('/'));
    if (path.startsWith(`/${appsFolder}`)) return undefined;
    const file = await this.#files.get(refOf(path), options);
    return file && { path: absolutePath(file.domain, file.relativePath), kind: file.kind, file };
  }

  async #step(current: FsEntry, name: string, options: AbortOptions): Promise<FsEntry | undefined> {
    if (name !== '..') return await this.child(current, name, options);
    const parent = current.path.slice(0, current.path.lastIndexOf('/'));
    return parent === '' ? topFolder : await this.#entry(refOf(parent), options);
  }

  async #entry(ref: FileRef, options: AbortOptions): Promise<FsEntry | undefined> {
    const path = absolutePath(ref.domain, ref.relativePath);
    const file = await this.#files.get(ref, options);
    if (file !== undefined) return { path: absolutePath(file.domain, file.relativePath), kind: file.kind, file };
    // Folders above a row exist even where they have no row themselves.
    for await (const _name of this.#files.children(ref, options)) return { path, kind: 'directory', file: undefined };
    return undefined;
  }

  /** Components, from the top, of what a link points at. */
  #targetOf({ file, path }: FsEntry, walk: Walk): string[] {
    const target = file?.linkTarget;
    if (file === undefined || target === undefined || target === '') throw notFound(walk, refOf(path));
    if (!target.startsWith('/')) {
      const inDomain = withinDomain(file.relativePath, target);
      if (inDomain !== undefined) return [file.domain, ...inDomain];
    }
    // It leaves its domain: only the folders of the device tell where to.
    const root = this.#devicePaths.rootOf(file.domain);
    const folder = root === undefined ? undefined : `${root}/${file.relativePath}/..`;
    const devicePath = target.startsWith('/') ? target : folder === undefined ? undefined : `${folder}/${target}`;
    const ref = devicePath === undefined ? undefined : this.#devicePaths.toRef(devicePath);
    if (ref === undefined) throw notFound(walk, file);
    return [ref.domain, ...componentsOf(ref.relativePath)];
  }
}

const topFolder: FsEntry = { path: '/', kind: 'directory', file: undefined };

const componentsOf = (path: string): string[] =>
  path.split('/').filter((component) => component !== '' && component !== '.');

const childPath = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);

/** Whether a name can be a component of a path; hostile ones cannot, and are found in `files` only. */
const isName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !name.includes('/');

function refOf(path: string): FileRef {
  const [, domain = '', ...rest] = path.split('/');
  return { domain, relativePath: rest.join('/') };
}

/** Components of the target of a link from its domain's root; `undefined` where it leaves the domain. */
function withinDomain(linkPath: string, target: string): string[] | undefined {
  const components = componentsOf(linkPath).slice(0, -1);
  for (const component of componentsOf(target)) {
    if (component !== '..') components.push(component);
    else if (components.pop() === undefined) return undefined;
  }
  return components;
}

function notFound({ syscall, path }: Walk, { domain, relativePath }: FileRef): Error {
  const cause = new ManifestError('MANIFEST_FILE_NOT_FOUND', `The backup has no ${domain} ${relativePath}`, {
    domain,
    relativePath,
  });
  return fsError('ENOENT', syscall, path, { cause });
}

import type { AbortOptions } from '../core/abort.js';
import { ManifestFile } from './backup-file.js';
import { containerDomains } from './container-domains.js';
import type { ContentReader } from './file-content.js';
import { compileGlob } from './glob.js';
import { isFileId, type Manifest, type RowFilter } from './manifest.js';
import type { BackupFile, Domain, FileIndex, FileKind, FileQuery, FileRef, OnBackupIssue } from './types.js';

const kinds: ReadonlySet<unknown> = new Set<FileKind>(['file', 'directory', 'symlink']);

/** What a {@link ManifestFileIndex} stands on. */
export interface FileIndexOptions {
  readonly manifest: Manifest;
  readonly content: ContentReader;
  /** Throws where the backup was closed. */
  readonly checkOpen: () => void;
  readonly onIssue: OnBackupIssue | undefined;
}

/** The files of a backup by its manifest. */
export class ManifestFileIndex implements FileIndex {
  readonly #manifest: Manifest;
  readonly #content: ContentReader;
  readonly #checkOpen: () => void;
  readonly #onIssue: OnBackupIssue | undefined;

  constructor(options: FileIndexOptions) {
    this.#manifest = options.manifest;
    this.#content = options.content;
    this.#checkOpen = options.checkOpen;
    this.#onIssue = options.onIssue;
  }

  [Symbol.asyncIterator](): AsyncIterator<BackupFile> {
    return this.list()[Symbol.asyncIterator]();
  }

  async *list(query: FileQuery = {}, options: AbortOptions = {}): AsyncGenerator<BackupFile, void, undefined> {
    for await (const batch of this.#batches(query, options)) {
      for (const file of batch) {
        this.#begin(options);
        yield file;
      }
    }
  }

  /** The same in batches, for who is about to read the contents: keys are unwrapped together. */
  async *listToRead(
    query: FileQuery = {},
    options: AbortOptions = {},
  ): AsyncGenerator<readonly BackupFile[], void, undefined> {
    for await (const batch of this.#batches(query, options)) {
      this.#content.prepare(batch);
      yield batch;
    }
  }

  async *#batches(query: FileQuery, options: AbortOptions): AsyncGenerator<readonly ManifestFile[], void, undefined> {
    const filter = rowFilter(query);
    this.#begin(options);
    if (isUnfiltered(filter)) await this.#reportUnusableRows(options);
    let before: ManifestFile | undefined;
    for await (const batch of this.#manifest.rows(filter, options)) {
      this.#begin(options);
      const files: ManifestFile[] = [];
      for (const row of batch) {
        const file = new ManifestFile(row, this.#content);
        if (before?.relativePath === file.relativePath && before.domain === file.domain) this.#reportDuplicate(file);
        before = file;
        files.push(file);
      }
      yield files;
    }
  }

  async get(ref: FileRef, options: AbortOptions = {}): Promise<BackupFile | undefined> {
    const { domain, relativePath } = checkRef(ref);
    this.#begin(options);
    const row = await this.#manifest.find(domain, pathForms(relativePath), options);
    return row && new ManifestFile(row, this.#content);
  }

  async getById(fileId: string, options: AbortOptions = {}): Promise<BackupFile | undefined> {
    if (typeof fileId !== 'string') throw new TypeError('fileId must be a string');
    this.#begin(options);
    if (!isFileId(fileId)) return undefined;
    const row = await this.#manifest.findById(fileId.toLowerCase(), options);
    return row && new ManifestFile(row, this.#content);
  }

  async count(query: FileQuery = {}, options: AbortOptions = {}): Promise<number> {
    const filter = rowFilter(query);
    this.#begin(options);
    return await this.#manifest.count(filter, options);
  }

  async domains(options: AbortOptions = {}): Promise<readonly Domain[]> {
    this.#begin(options);
    return await this.#manifest.domains(options);
  }

  /** Names directly below a folder, each once, in the manifest's order. */
  async *children(ref: FileRef, options: AbortOptions = {}): AsyncGenerator<string, void, undefined> {
    this.#begin(options);
    yield* this.#manifest.children(ref.domain, ref.relativePath, options);
  }

  #begin({ signal }: AbortOptions): void {
    signal?.throwIfAborted();
    this.#checkOpen();
  }

  async #reportUnusableRows(options: AbortOptions): Promise<void> {
    if (this.#onIssue === undefined) return;
    for await (const { text } of this.#manifest.unusableRows(options)) {
      const message = `The row ${text} has no domain or no path: a placeholder of a run that did not end`;
      this.#onIssue({ kind: 'row-unusable', message, fileId: text });
    }
  }

  #reportDuplicate({ fileId, domain, relativePath }: ManifestFile): void {
    const message = `The manifest has ${domain} ${relativePath} more than once`;
    this.#onIssue?.({ kind: 'duplicate-path', message, fileId, domain, relativePath });
  }
}

const isUnfiltered = (filter: RowFilter): boolean => Object.values(filter).every((value) => value === undefined);

/** The path, and its composed and decomposed forms: devices store what their file system made of it. */
function pathForms(path: string): string[] {
  return [...new Set([path, path.normalize('NFC'), path.normalize('NFD')])];
}

function checkRef(ref: FileRef): FileRef {
  if (typeof ref !== 'object' || typeof ref.domain !== 'string' || typeof ref.relativePath !== 'string') {
    throw new TypeError('A file is named by an object with domain and relativePath');
  }
  return ref;
}

/** @throws TypeError, RangeError for options that mean nothing */
function rowFilter(query: FileQuery): RowFilter {
  const { domain, domainPrefix, pathPrefix, glob, kind, app } = query;
  if (kind !== undefined && !kinds.has(kind)) throw new TypeError(`kind must be file, directory or symlink`);
  const given = domain === undefined ? undefined : [domain].flat();
  const ofApp = app === undefined ? undefined : containerDomains(app);
  const domains = given !== undefined && ofApp !== undefined ? given.filter((name) => ofApp.includes(name)) : undefined;
  for (const value of [domainPrefix, pathPrefix, glob, app, ...(given ?? [])]) {
    if (value === undefined || typeof value === 'string') continue;
    throw new TypeError('domain, domainPrefix, pathPrefix, glob and app must be strings');
  }
  const prefix = pathPrefix?.replace(/\/+$/, '');
  return {
    domains: domains ?? given ?? ofApp,
    domainPrefix: domainPrefix === '' ? undefined : domainPrefix,
    pathPrefix: prefix === '' ? undefined : prefix,
    glob:
      glob === undefined
        ? undefined
        : { pattern: compileGlob(glob), over: glob.startsWith('/') ? 'domain-and-path' : 'path' },
    kind,
  };
}

import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { type ByteRange, type ByteSource, readAll, resolveRange } from '../core/byte-source.js';
import { uninitialisedBytes } from '../core/bytes.js';
import { isBackupKitError, ManifestError, type FileErrorOptions } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { readTreeFile } from '../core/memory-tree.js';
import { openDecryptedContent } from '../crypto/decrypted-source.js';
import type { UnlockedKeybag } from '../crypto/unlock.js';
import type { StoredId } from './manifest.js';
import { openStored, plainProblems, type LocalContent } from './stored-content.js';
import type { BackupFile, FileContent, FileProblem, ReadFileOptions } from './types.js';

/** Up to this size, `read` takes a file at once instead of by way of `open`. */
const smallFileBytes = 4 * 1024 * 1024;

/** Room for one ciphertext: only as much of it as is used takes memory. Larger ones get an array of their own. */
const roomBytes = 1024 * 1024;
/** As many as an extraction has files in flight. */
const mostRooms = 8;

/** Mark of a row whose content is still in Snapshot/. */
const uploadedFlag = 8;

/** A file whose content is read. */
export interface FileToRead extends Pick<
  BackupFile,
  'fileId' | 'domain' | 'relativePath' | 'kind' | 'size' | 'problems'
> {
  /** Names that its content may have. */
  readonly storedId: StoredId;
  /** Flags of its row, with the marks of a run. */
  readonly rowFlags: number;
  /** Size that its record states, where that is a possible one. */
  readonly statedSize: number | undefined;
  /** Whether it has a record and all of that can be read. */
  readonly isSound: boolean;
  /** `EncryptionKey` of its record. */
  readonly wrappedKey: Uint8Array | undefined;
  /** Its key, where that was unwrapped beforehand by {@link ContentReader.prepare}. */
  readyKey: Uint8Array | undefined;
}

/** Where the contents of a backup lie and what opens them. */
export interface ContentReaderOptions {
  readonly tree: BackupTree;
  /** Where contents are by the kind of manifest: in folders of their first two digits, or all in the top folder. Both are tried. */
  readonly layout: 'sharded' | 'flat';
  /** Whether contents of a run that did not end may be in Snapshot/. */
  readonly mayBeInSnapshot: boolean;
  /** Keys of an encrypted backup; `undefined` for a plain one. */
  readonly keys: UnlockedKeybag | undefined;
  /** Throws where the backup was closed. */
  readonly checkOpen: () => void;
}

/** Reads contents of files, decrypting them. The rules for damaged ones: docs/format/blobs.md. */
export class ContentReader {
  readonly #tree: BackupTree;
  readonly #layout: 'sharded' | 'flat';
  readonly #mayBeInSnapshot: boolean;
  readonly #keys: UnlockedKeybag | undefined;
  readonly #checkOpen: () => void;
  /** Where ciphertexts are put that are decrypted at once; not in use now. */
  readonly #rooms: Uint8Array[] = [];

  constructor(options: ContentReaderOptions) {
    this.#tree = options.tree;
    this.#layout = options.layout;
    this.#mayBeInSnapshot = options.mayBeInSnapshot;
    this.#keys = options.keys;
    this.#checkOpen = options.checkOpen;
  }

  /** Whether contents are encrypted. */
  get isEncrypted(): boolean {
    return this.#keys !== undefined;
  }

  /** Whether the content can be decrypted, as far as its key tells. */
  hasKeyFor(file: FileToRead): boolean {
    try {
      this.#fileKey(file);
      return true;
    } catch (error) {
      if (isBackupKitError(error)) return false;
      throw error;
    }
  }

  async read(file: FileToRead, options: ReadFileOptions): Promise<Uint8Array> {
    this.#checkReadable(file, options);
    const limit = options.maxBytes ?? limits.wholeFileBytes;
    if (file.size <= smallFileBytes) {
      const { content, problems } = await this.#readWhole(file, { limit, signal: options.signal });
      checkProblems(file, problems, options);
      return content;
    }
    const content = await this.open(file, options);
    try {
      return await readAll(content, { limit, what: file.relativePath, signal: options.signal });
    } finally {
      await content.close();
    }
  }

  /** Where the content lies and what opens it, where that can be read without waiting; `undefined` where `read` has to be used. */
  stored(file: FileToRead, options: AbortOptions): LocalContent | undefined {
    if (this.#tree.localFile === undefined) return undefined;
    this.#checkReadable(file, options);
    const [path] = this.#places(file);
    const source = path === undefined ? undefined : this.#tree.localFile(path);
    return source === undefined ? undefined : { source, key: this.#fileKey(file), statedSize: file.statedSize };
  }

  /** Unwraps the keys of files that are about to be read: many together take a fraction of the time. */
  prepare(files: readonly FileToRead[]): void {
    if (this.#keys === undefined) return;
    const withKeys = files.filter(({ kind }) => kind === 'file');
    const keys = this.#keys.unwrapFileKeys(withKeys.map(({ wrappedKey }) => wrappedKey));
    for (const [index, file] of withKeys.entries()) file.readyKey = keys[index];
  }

  async #readWhole(
    file: FileToRead,
    options: AbortOptions & { limit: number },
  ): Promise<{ content: Uint8Array; problems: readonly FileProblem[] }> {
    const key = this.#fileKey(file);
    const { statedSize } = file;
    const read = async (room?: Uint8Array): Promise<Uint8Array> =>
      await this.#firstOf(file, async (path) => await readTreeFile(this.#tree, path, { ...options, room }));
    if (key === undefined) return openStored(await read(), { key, statedSize });
    const room = this.#rooms.pop() ?? uninitialisedBytes(roomBytes);
    try {
      return openStored(await read(room), { key, statedSize });
    } finally {
      if (this.#rooms.length < mostRooms) this.#rooms.push(room);
    }
  }

  async *stream(
    file: FileToRead,
    range: ByteRange | undefined,
    options: ReadFileOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    resolveRange(range, 0);
    const content = await this.open(file, options);
    try {
      for await (const chunk of content.stream(range, options)) {
        this.#checkOpen();
        yield chunk;
      }
    } finally {
      await content.close();
    }
  }

  async open(file: FileToRead, options: ReadFileOptions): Promise<FileContent> {
    this.#checkReadable(file, options);
    const key = this.#fileKey(file);
    const stored = await this.#firstOf(file, async (path) => await this.#tree.open(path, { signal: options.signal }));
    try {
      const content: ByteSource & { problems?: readonly FileProblem[] } =
        key === undefined
          ? stored
          : await openDecryptedContent(stored, { key, statedSize: file.statedSize, signal: options.signal });
      const found = content.problems ?? plainProblems(file.statedSize, stored.size);
      checkProblems(file, found, options);
      return fileContent(content, [...file.problems, ...found]);
    } catch (error) {
      await stored.close();
      throw error;
    }
  }

  #checkReadable(file: FileToRead, { signal }: AbortOptions): void {
    signal?.throwIfAborted();
    this.#checkOpen();
    if (file.kind !== 'file') {
      const what = file.kind === 'directory' ? 'a folder' : 'a symbolic link';
      throw new ManifestError('MANIFEST_NOT_A_FILE', `${nameOf(file)} is ${what} and has no content`, placeOf(file));
    }
  }

  /** The key of the content; `undefined` in a plain backup. */
  #fileKey(file: FileToRead): Uint8Array | undefined {
    if (this.#keys === undefined) return undefined;
    if (file.readyKey !== undefined) return file.readyKey;
    const wrapped = file.wrappedKey;
    if (wrapped !== undefined) return this.#keys.unwrapFileKey(wrapped, placeOf(file));
    const [code, state] = file.isSound
      ? (['MANIFEST_KEY_UNAVAILABLE', 'has no key'] as const)
      : (['MANIFEST_FILE_DAMAGED', 'is damaged and its key lost'] as const);
    throw new ManifestError(code, `The record of ${nameOf(file)} ${state}, and the backup is encrypted`, placeOf(file));
  }

  /** What `use` gives for the first place in which the content is. */
  async #firstOf<T>(file: FileToRead, use: (path: string) => Promise<T | undefined>): Promise<T> {
    for (const path of this.#places(file)) {
      const found = await use(path);
      if (found !== undefined) return found;
    }
    throw new ManifestError(
      'MANIFEST_FILE_MISSING',
      `The content of ${nameOf(file)} is not in the backup, although the manifest lists it`,
      placeOf(file),
    );
  }

  #places(file: FileToRead): readonly string[] {
    const places: string[] = [];
    const { blobNames } = file.storedId;
    const isUploaded = (file.rowFlags & uploadedFlag) !== 0;
    const folders = isUploaded ? ['Snapshot/', ''] : this.#mayBeInSnapshot ? ['', 'Snapshot/'] : [''];
    for (const folder of folders) {
      for (const name of blobNames) {
        const sharded = `${folder}${name.slice(0, 2)}/${name}`;
        const flat = `${folder}${name}`;
        if (this.#layout === 'sharded') places.push(sharded, flat);
        else places.push(flat, sharded);
      }
    }
    return places;
  }
}

function fileContent(source: ByteSource, problems: readonly FileProblem[]): FileContent {
  return {
    size: source.size,
    problems,
    read: (offset, length, options) => source.read(offset, length, options),
    stream: (range, options) => source.stream(range, options),
    close: () => source.close(),
    ...(source.readSync !== undefined && {
      readSync: (offset: number, target: Uint8Array) => source.readSync?.(offset, target) ?? 0,
    }),
  };
}

/** Throws for content that is not what the file had, unless the caller wants what is left of it. */
function checkProblems(file: FileToRead, problems: readonly FileProblem[], { recover }: ReadFileOptions): void {
  if (recover === true) return;
  if (problems.includes('placeholder')) {
    throw new ManifestError(
      'MANIFEST_FILE_MISSING',
      `${nameOf(file)} has ${file.size} bytes, of which the backup has none`,
      placeOf(file),
    );
  }
  if (problems.includes('incomplete')) {
    throw new ManifestError(
      'MANIFEST_FILE_DAMAGED',
      `The content of ${nameOf(file)} was cut or altered; read it with recover: true to get what is left`,
      placeOf(file),
    );
  }
}

const nameOf = ({ domain, relativePath }: FileToRead): string => `${domain} ${relativePath}`;

const placeOf = ({ fileId, domain, relativePath }: FileToRead): FileErrorOptions => ({
  fileId,
  domain,
  relativePath,
});

/** What is known of a file, folder or link without following it. */
export interface NodeInfo {
  /** What it is. */
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Bytes; 0 for folders, the length of the target for links. */
  readonly size: number;
  /** Number of names. */
  readonly links: number;
  /** Last change of the content. */
  readonly modified: Date;
  /** Creation. */
  readonly created: Date;
  /** Target of a link. */
  readonly linkTarget?: string | undefined;
}

/** A volume. */
export interface VolumeSpace {
  /** Bytes that it has. */
  readonly total: number;
  /** Bytes that are not in use. */
  readonly free: number;
}

/** A file that is open; it stays readable and writable when its name is removed. */
export interface OpenFile {
  /** The same for every handle of one file, and for no other file. */
  readonly id: string;
  /** Bytes. */
  size(): Promise<number>;
  /** Up to `length` bytes from an offset; fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Writes all bytes at an offset; what lies between the end and it reads as zeros. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Cuts the file, or adds zeros. */
  truncate(size: number): Promise<void>;
  /** Gives the handle back. */
  close(): Promise<void>;
}

/** Components of a path from the top of a folder, none of them `.`, `..`, empty, or a link but the last. */
export type NodePath = readonly string[];

/**
 * Where a {@link VirtualFolder} keeps what is in it. Its errors have a `code` of `errno`, such as `ENOENT`. Calls that change
 * names are never made at the same time.
 */
export interface FolderBackend {
  stat(path: NodePath): Promise<NodeInfo | undefined>;
  readLink(path: NodePath): Promise<string>;
  /** Names in the order of their UTF-16 code units. */
  list(path: NodePath): Promise<string[]>;
  makeDirectory(path: NodePath): Promise<void>;
  /** Removes a file, a link or an empty folder. */
  remove(path: NodePath): Promise<void>;
  rename(from: NodePath, to: NodePath): Promise<void>;
  symlink(target: string, path: NodePath): Promise<void>;
  hardLink(existing: NodePath, path: NodePath): Promise<void>;
  open(path: NodePath, options: { write: boolean; create: boolean; truncate: boolean }): Promise<OpenFile>;
  setModified(path: NodePath, modified: Date): Promise<void>;
  space(): Promise<VolumeSpace>;
}

/** An error as file systems give it. */
export function errnoError(code: string, path: NodePath | string): Error {
  const name = typeof path === 'string' ? path : `/${path.join('/')}`;
  return Object.assign(new Error(`${code}: ${name.slice(0, 200)}`), { code });
}

/** `code` of an error of a file system; `undefined` for other errors. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

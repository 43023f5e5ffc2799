import type { BackupFile, FileKind } from './types.js';

/** What is at a path: a file of the manifest, or a folder that the manifest only implies. */
export interface FsEntry {
  /** Absolute path without links. */
  readonly path: string;
  readonly kind: FileKind;
  /** `undefined` for the top folder, for folders that have no row of their own, and for the list of apps. */
  readonly file: BackupFile | undefined;
}

/** Kind of an entry, asked as `node:fs` has it asked. */
export class FsKind {
  readonly #kind: FileKind;

  constructor(kind: FileKind) {
    this.#kind = kind;
  }

  isFile(): boolean {
    return this.#kind === 'file';
  }

  isDirectory(): boolean {
    return this.#kind === 'directory';
  }

  isSymbolicLink(): boolean {
    return this.#kind === 'symlink';
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }

  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }
}

/** Like `fs.Dirent`. */
export class BackupDirent extends FsKind {
  readonly name: string;
  /** Path of the folder that it is in. */
  readonly parentPath: string;

  constructor(name: string, parentPath: string, kind: FileKind) {
    super(kind);
    this.name = name;
    this.parentPath = parentPath;
  }
}

/** Mode of folders that have no row of their own. */
const impliedFolderMode = 0o040755;
const never = new Date(0);

/** Like `fs.Stats`. Times that the manifest does not have are 1970-01-01; `atime`, which no manifest has, is `mtime`. */
export class BackupStats extends FsKind {
  readonly dev = 0;
  readonly ino: number;
  readonly mode: number;
  readonly nlink = 1;
  readonly uid: number;
  readonly gid: number;
  readonly rdev = 0;
  /** Size in bytes as the record has it; for a link the length of its target. */
  readonly size: number;
  readonly blksize = 4096;
  /** Size in blocks of 512 bytes. */
  readonly blocks: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  constructor({ kind, file }: FsEntry) {
    super(kind);
    this.ino = Number(file?.inode ?? 0);
    this.mode = file?.mode ?? impliedFolderMode;
    this.uid = file?.userId ?? 0;
    this.gid = file?.groupId ?? 0;
    this.size = kind === 'symlink' ? (file?.linkTarget?.length ?? 0) : (file?.size ?? 0);
    this.blocks = Math.ceil(this.size / 512);
    this.mtime = file?.modified ?? never;
    this.atime = this.mtime;
    this.ctime = file?.statusChanged ?? this.mtime;
    this.birthtime = file?.created ?? this.mtime;
  }

  get atimeMs(): number {
    return this.atime.getTime();
  }

  get mtimeMs(): number {
    return this.mtime.getTime();
  }

  get ctimeMs(): number {
    return this.ctime.getTime();
  }

  get birthtimeMs(): number {
    return this.birthtime.getTime();
  }
}

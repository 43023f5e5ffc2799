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

  /** Whether it is a regular file. */
  isFile(): boolean {
    return this.#kind === 'file';
  }

  /** Whether it is a folder, with a row of its own or implied by what is in it. */
  isDirectory(): boolean {
    return this.#kind === 'directory';
  }

  /** Whether it is a symbolic link; never for `stat`, which follows links. */
  isSymbolicLink(): boolean {
    return this.#kind === 'symlink';
  }

  /** Always `false`: backups have none. */
  isBlockDevice(): boolean {
    return false;
  }

  /** Always `false`: backups have none. */
  isCharacterDevice(): boolean {
    return false;
  }

  /** Always `false`: backups have none. */
  isFIFO(): boolean {
    return false;
  }

  /** Always `false`: backups have none. */
  isSocket(): boolean {
    return false;
  }
}

/** Like `fs.Dirent`. */
export class BackupDirent extends FsKind {
  /** Last component of its path, without folders in front also with `recursive`. */
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
  /** Always 0: no manifest names the volume. */
  readonly dev = 0;
  /** Inode on the device, not exact beyond 2^53 − 1; 0 for folders without a row. */
  readonly ino: number;
  /** POSIX mode bits, including the type; 0o040755 for folders without a row. */
  readonly mode: number;
  /** Always 1: no manifest counts names. */
  readonly nlink = 1;
  /** Owner on the device; signed, −2 is nobody; 0 for folders without a row. */
  readonly uid: number;
  /** Group on the device; signed; 0 for folders without a row. */
  readonly gid: number;
  /** Always 0: backups have no device files. */
  readonly rdev = 0;
  /** Size in bytes as the record has it; for a link the length of its target. */
  readonly size: number;
  /** Always 4096, a usual size; no manifest has that of the volume. */
  readonly blksize = 4096;
  /** Size in blocks of 512 bytes. */
  readonly blocks: number;
  /** Same as `mtime`: no manifest has the time of the last read. */
  readonly atime: Date;
  /** Last change of the content, whole seconds; 1970-01-01 where the record has none. */
  readonly mtime: Date;
  /** Last change of the inode, whole seconds; `mtime` where the record has none. */
  readonly ctime: Date;
  /** Creation, whole seconds; `mtime` where the record has none. */
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

  /** `atime` in milliseconds since 1970 (UTC). */
  get atimeMs(): number {
    return this.atime.getTime();
  }

  /** `mtime` in milliseconds since 1970 (UTC). */
  get mtimeMs(): number {
    return this.mtime.getTime();
  }

  /** `ctime` in milliseconds since 1970 (UTC). */
  get ctimeMs(): number {
    return this.ctime.getTime();
  }

  /** `birthtime` in milliseconds since 1970 (UTC). */
  get birthtimeMs(): number {
    return this.birthtime.getTime();
  }
}

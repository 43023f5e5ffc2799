import {
  closeSync,
  constants,
  chmodSync,
  copyFileSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type Dirent,
  type BigIntStats,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { fileDescriptorSource } from '../../core/byte-source.js';
import { errnoOf } from '../../core/errno.js';
import { checkLimit } from '../../core/limits.js';
import { syncFileSystem } from '../../core/sync-file-system.js';
import type { FileFacts, FilePatcher, FileWriter, StoreFs } from './store-fs.js';

const onWindows = process.platform === 'win32';

/** Never through a link at the end of a path, and without waiting for the other end of a pipe. Windows has neither flag. */
const readFlags =
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- absent on Windows
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What `open` says of a path at which there is no regular file; `ELOOP` and `EMLINK` are links, `ENXIO` is a socket. */
const notAFile = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'ENXIO', 'EISDIR']);

/** What systems answer that cannot bring a folder to the disk. */
const syncRefused = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR', 'EACCES', 'EBADF', 'ENOTTY']);

/** What disks answer that keep no modes. */
const modeRefused = new Set(['EPERM', 'EINVAL', 'ENOTSUP', 'ENOSYS']);

/** What Windows answers while a virus scanner or indexer holds a file open. */
const renameRefused = new Set(['EPERM', 'EACCES', 'EBUSY']);

/** How long a rename is repeated on Windows, in milliseconds. */
const renamePatienceMs = 8000;

/**
 * The disks of this computer.
 *
 * @see docs/design/snapshot-store.md
 */
export const nodeFs: StoreFs = {
  facts(path) {
    const stat = ifPresent(() => lstatSync(path, { throwIfNoEntry: false, bigint: true }));
    return stat === undefined ? undefined : factsOf(stat);
  },
  entries(path) {
    const entries = ifPresent(() => readdirSync(path, { withFileTypes: true })) ?? [];
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  makeFolder(path) {
    mkdirSync(path, { recursive: true });
  },
  link(from, to) {
    linkSync(from, to);
  },
  clone(from, to) {
    // Not FICLONE, which makes a full copy where the disk cannot clone.
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  },
  copy(from, to) {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  },
  async copyLarge(from, to) {
    await copyFile(from, to, constants.COPYFILE_EXCL);
  },
  rename(from, to) {
    if (onWindows) renamePatiently(from, to);
    else renameSync(from, to);
  },
  unlink(path) {
    ifPresent(() => {
      unlinkSync(path);
    });
  },
  removeFolder(path) {
    ifPresent(() => {
      rmdirSync(path);
    });
  },
  setMode(path, mode) {
    try {
      chmodSync(path, mode);
    } catch (error) {
      if (!modeRefused.has(errnoOf(error) ?? '')) throw error;
    }
  },
  setTime,
  read(path, limit) {
    const file = openFile(path);
    if (file === undefined) return undefined;
    try {
      checkLimit(file.size, limit, { what: path, format: 'store' });
      const bytes = new Uint8Array(file.size);
      let filled = 0;
      while (filled < bytes.length) {
        const count = readSync(file.descriptor, bytes, filled, bytes.length - filled, filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } finally {
      closeSync(file.descriptor);
    }
  },
  create(path, mode = 0o644) {
    return writerOf(openSync(path, 'wx', mode));
  },
  patch(path) {
    return patcherOf(openSync(path, 'r+'));
  },
  open(path) {
    const file = openFile(path);
    return file === undefined ? undefined : fileDescriptorSource(file.descriptor, file.size, path);
  },
  sync,
  syncVolume: syncFileSystem,
  space(path) {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

/** Gives `undefined` where there is nothing at the path that `call` is about. */
function ifPresent<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function kindOf(entry: BigIntStats | Dirent): FileFacts['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'directory' : 'other';
}

/** The remainder of a division that rounds down, also for times before 1970. */
function positiveModulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by;
}

function factsOf(stat: BigIntStats): FileFacts {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    // From whole numbers: a double of today's milliseconds is off by up to an eighth of a microsecond.
    modifiedUs: Number((stat.mtimeNs - positiveModulo(stat.mtimeNs, 1000n)) / 1000n),
    inode: Number(stat.ino),
    volume: Number(stat.dev),
    links: Number(stat.nlink),
    mode: Number(stat.mode) & 0o7777,
    allocated: Number(stat.blocks) * 512,
  };
}

function setTime(path: string, modifiedUs: number): void {
  // Between two microseconds, since some releases of libuv cut to microseconds and others to nanoseconds.
  const after = (modifiedUs + 0.4) / 1e6;
  if (modifiedUs >= 0) {
    utimesSync(path, after, after);
    return;
  }
  // Before 1970 some cut upwards. As text, because Node takes a negative number to mean now.
  const before = String((modifiedUs - 0.4) / 1e6);
  utimesSync(path, before, before);
  if (factsOf(lstatSync(path, { bigint: true })).modifiedUs !== modifiedUs)
    utimesSync(path, String(after), String(after));
}

function sync(path: string): void {
  const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  let descriptor: number | undefined;
  try {
    // Windows flushes only what is open for writing.
    descriptor = openSync(path, onWindows && !isFolder ? 'r+' : 'r');
    fsyncSync(descriptor);
  } catch (error) {
    if (!isFolder || !syncRefused.has(errnoOf(error) ?? '')) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Opens a regular file for reading; `undefined` where there is none. Links are not followed. */
function openFile(path: string): { descriptor: number; size: number } | undefined {
  // Windows cannot be told to not follow links.
  if (onWindows && nodeFs.facts(path)?.kind !== 'file') return undefined;
  let descriptor: number;
  try {
    descriptor = openSync(path, readFlags);
  } catch (error) {
    if (notAFile.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return { descriptor, size: stat.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  closeSync(descriptor);
  return undefined;
}

function writerOf(descriptor: number): FileWriter {
  let closed = false;
  return {
    write(bytes) {
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    },
    sync() {
      fsyncSync(descriptor);
    },
    close() {
      if (closed) return;
      closed = true;
      closeSync(descriptor);
    },
  };
}

function patcherOf(descriptor: number): FilePatcher {
  let closed = false;
  return {
    writeAt(bytes, offset) {
      for (let written = 0; written < bytes.length;)
        written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
    },
    truncate(size) {
      ftruncateSync(descriptor, size);
    },
    close() {
      if (closed) return;
      closed = true;
      closeSync(descriptor);
    },
  };
}

/** Renames on Windows, where others have files open in passing and a file of mode 0444 cannot be replaced. */
function renamePatiently(from: string, to: string): void {
  const start = performance.now();
  for (let pauseMs = 10; ; pauseMs = Math.min(2 * pauseMs, 500)) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (!renameRefused.has(errnoOf(error) ?? '') || performance.now() - start > renamePatienceMs) throw error;
      const there = nodeFs.facts(to);
      if (there?.kind === 'directory') throw error;
      if (there?.kind === 'file' && (there.mode & 0o200) === 0) nodeFs.setMode(to, 0o644);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}

import { constants, type BigIntStats } from 'node:fs';
import {
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { plainView } from '../../../core/bytes.js';
import { unsafePathReason } from '../../../core/safe-path.js';
import {
  errnoError,
  errnoOf,
  type FolderBackend,
  type NodeInfo,
  type NodePath,
  type OpenFile,
  type VolumeSpace,
} from './backend.js';

/** A folder on the disk, which must exist. Nothing outside of it is read or written, whatever links are in it. */
export function diskBackend(folder: string): FolderBackend {
  return new DiskBackend(folder);
}

class DiskBackend implements FolderBackend {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async stat(path: NodePath): Promise<NodeInfo | undefined> {
    try {
      return nodeInfo(await lstat(this.#at(path), { bigint: true }));
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  async readLink(path: NodePath): Promise<string> {
    return await readlink(this.#at(path));
  }

  async list(path: NodePath): Promise<string[]> {
    return (await readdir(this.#at(path))).sort();
  }

  async makeDirectory(path: NodePath): Promise<void> {
    await mkdir(this.#at(path));
  }

  async remove(path: NodePath): Promise<void> {
    const info = await this.stat(path);
    if (info?.kind === 'directory') await rmdir(this.#at(path));
    else await unlink(this.#at(path));
  }

  async rename(from: NodePath, to: NodePath): Promise<void> {
    await rename(this.#at(from), this.#at(to));
  }

  async symlink(target: string, path: NodePath): Promise<void> {
    await symlink(target, this.#at(path));
  }

  async hardLink(existing: NodePath, path: NodePath): Promise<void> {
    await link(this.#at(existing), this.#at(path));
  }

  async open(path: NodePath, options: { write: boolean; create: boolean; truncate: boolean }): Promise<OpenFile> {
    // Windows lacks the last two. The path has no links in it anyway; opening a pipe must not wait.
    const { O_RDONLY, O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
    const access = options.write ? O_RDWR : O_RDONLY;
    const extra = (options.create ? O_CREAT : 0) | (options.truncate ? O_TRUNC : 0);
    const handle = await open(this.#at(path), access | extra | O_NOFOLLOW | O_NONBLOCK, 0o644);
    const info = await handle.stat({ bigint: true });
    if (!info.isFile()) {
      await handle.close();
      throw errnoError(info.isDirectory() ? 'EISDIR' : 'EACCES', path);
    }
    return {
      id: `${info.dev}:${info.ino}`,
      size: async () => (await handle.stat()).size,
      read: async (offset, length) => {
        const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, offset);
        return bytesRead === length ? plainView(buffer) : buffer.slice(0, bytesRead);
      },
      write: async (offset, bytes) => {
        let done = 0;
        while (done < bytes.length)
          done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      },
      truncate: async (size) => {
        await handle.truncate(size);
      },
      close: async () => {
        await handle.close();
      },
    };
  }

  async setModified(path: NodePath, modified: Date): Promise<void> {
    await lutimes(this.#at(path), modified, modified);
  }

  async space(): Promise<VolumeSpace> {
    const { bsize, blocks, bavail } = await statfs(this.#folder);
    return { total: bsize * blocks, free: bsize * bavail };
  }

  #at(path: NodePath): string {
    // Names such as `C:` or `a\b` are plain names on the device and something else on some hosts.
    if (unsafePathReason(path.join('/')) !== undefined) throw errnoError('EACCES', path);
    return join(this.#folder, ...path);
  }
}

function nodeInfo(stats: BigIntStats): NodeInfo {
  const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'file';
  return {
    kind,
    size: kind === 'directory' ? 0 : Number(stats.size),
    links: Number(stats.nlink),
    modified: stats.mtime,
    created: stats.birthtime,
  };
}

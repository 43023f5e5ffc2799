import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BackupSink, BackupTree } from '../../core/backup-tree.js';
import { ioError, IoError } from '../../core/errors.js';
import { memoryTree } from '../../core/memory-tree.js';
import { checkTreePath } from '../../core/safe-path.js';
import { directoryTree } from '../../manifest/directory-tree.js';

/** What is written to one path. */
export type OutputData = Uint8Array | AsyncIterable<Uint8Array>;

/** Where a built backup goes. */
export interface BackupOutput {
  readonly tree: BackupTree;
  /** The folder on disk; `undefined` for memory and sinks. */
  readonly path: string | undefined;
  /** Writes a file whole; replaces what is there. */
  write(path: string, data: OutputData, signal: AbortSignal | undefined): Promise<void>;
  /** Makes what was written durable. */
  commit(): Promise<void>;
  /** Removes what was written, after a failure. */
  discard(): Promise<void>;
}

/** The output for {@link BuildTarget.to}. */
export async function openOutput(to: string | BackupSink | undefined): Promise<BackupOutput> {
  if (to === undefined) return sinkOutput(memoryTree());
  return typeof to === 'string' ? await folderOutput(to) : sinkOutput(to);
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function sinkOutput(sink: BackupSink): BackupOutput {
  return {
    tree: sink,
    path: undefined,
    async write(path, data, signal) {
      await sink.write(path, data instanceof Uint8Array ? single(data) : data, { signal });
    },
    async commit() {
      await sink.commit();
    },
    // What an uncommitted sink keeps is for its owner to decide.
    async discard() {},
  };
}

async function folderOutput(path: string): Promise<BackupOutput> {
  if (path === '') throw new TypeError('to must be a non-empty path');
  const root = resolve(path);
  const created = await makeEmptyFolder(root);
  const folders = new Map<string, Promise<unknown>>();

  const makeParent = async (full: string): Promise<void> => {
    const parent = dirname(full);
    let made = folders.get(parent);
    if (made === undefined) folders.set(parent, (made = mkdir(parent, { recursive: true })));
    await made;
  };

  return {
    tree: directoryTree(root),
    path: root,
    async write(treePath, data, signal) {
      const full = join(root, checkTreePath(treePath));
      try {
        await makeParent(full);
        if (data instanceof Uint8Array) await writeFile(full, data, { signal });
        else await writeStream(full, data, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw ioError(error, full, 'writing');
      }
    },
    async commit() {},
    async discard() {
      if (created !== undefined) await rm(created, { recursive: true, force: true });
      else for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
    },
  };
}

/** Makes the folder; gives the topmost one that did not exist before. */
async function makeEmptyFolder(root: string): Promise<string | undefined> {
  try {
    const created = await mkdir(root, { recursive: true });
    if (created === undefined && (await readdir(root)).length > 0) {
      throw new IoError('IO_FAILED', `${root} is not empty; a backup is built into a new or empty folder`, {
        path: root,
        errno: 'ENOTEMPTY',
      });
    }
    return created;
  } catch (error) {
    throw ioError(error, root, 'creating');
  }
}

async function writeStream(
  full: string,
  data: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await open(full, 'w');
  try {
    for await (const chunk of data) {
      signal?.throwIfAborted();
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
}

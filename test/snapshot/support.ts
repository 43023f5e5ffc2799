import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';
import type { BackupTree } from '../../src/core/backup-tree.js';
import { memorySource, type ByteSource } from '../../src/core/byte-source.js';
import { utf8Encode } from '../../src/core/bytes.js';
import { isBackupKitError } from '../../src/core/errors.js';
import type { VersionInfo } from '../../src/snapshot/types.js';
import type { VersionStore } from '../../src/snapshot/version-store.js';

/** Device of the tests. */
export const udid = '00008110-000A1B2C3D4E5F60';

/** What is in a folder: content and time of each file, and empty folders. */
export async function treeOf(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  // Synchronous calls: for many small files they take a fraction of the time.
  const walk = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    if (entries.length === 0 && folder !== '') found[`${folder}/`] = 'empty';
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        walk(path);
        continue;
      }
      const full = join(root, path);
      const { mtimeNs, size } = statSync(full, { bigint: true });
      // The reserve of a store is 32 MiB of the same byte.
      const content =
        path === '.ios-backup-kit/reserve'
          ? `${size} bytes`
          : createHash('sha256').update(readFileSync(full)).digest('hex');
      // Rounded down, before 1970 too, where division rounds up.
      found[path] = `${content.slice(0, 16)} ${(mtimeNs - (((mtimeNs % 1000n) + 1000n) % 1000n)) / 1000n}`;
    }
  };
  walk('');
  return found;
}

/** Replaces a file as host tools do: by a new one that is renamed over it. */
export async function replaceFile(path: string, content: string | Uint8Array, at?: Date): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content);
  if (at !== undefined) await utimes(`${path}.new`, at, at);
  await rename(`${path}.new`, path);
}

/** An independent copy of a folder, with times. */
export async function copyOf(from: string, to: string): Promise<void> {
  // Not `cp` of Node, which rounds times.
  await promisify(execFile)('cp', ['-a', from, to]);
}

/** A backup tree of these files, with a time each. */
export function treeInMemory(files: Readonly<Record<string, string | Uint8Array>>): BackupTree {
  return {
    async open(path) {
      const content = files[path];
      return content === undefined ? undefined : memorySource(asBytes(content));
    },
    async *list(path) {
      const prefix = path === '' ? '' : `${path}/`;
      const folders = new Set<string>();
      for (const [name, content] of Object.entries(files)) {
        if (!name.startsWith(prefix)) continue;
        const slash = name.indexOf('/', prefix.length);
        if (slash === -1) {
          const modifiedUs = 1_700_000_000_123_456 + name.length;
          const size = asBytes(content).length;
          yield { path: name, kind: 'file', size, modified: new Date(modifiedUs / 1000), modifiedUs };
        } else if (!folders.has(name.slice(0, slash))) {
          folders.add(name.slice(0, slash));
          yield { path: name.slice(0, slash), kind: 'directory', size: 0 };
        }
      }
    },
  };
}

/** Writes a version that holds these files and nothing else. */
export async function writeRun(
  store: VersionStore,
  device: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<VersionInfo> {
  await using sink = await store.begin(device);
  await sink.remove(device);
  for (const [path, content] of Object.entries(files))
    await sink.write(`${device}/${path}`, chunksOf(asBytes(content)));
  await sink.commit();
  const version = await sink.version();
  if (version === undefined) throw new Error('no version was made');
  return version;
}

/** All files of a version, read from the store, and none that cannot be. */
export async function readVersion(store: VersionStore, device: string, id: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  await using version = await store.device(device).get(id);
  for (const row of version.table.rows()) {
    const hash = createHash('sha256');
    let source: ByteSource | undefined;
    try {
      source = await version.open(row.path);
      if (source !== undefined) for await (const chunk of source.stream()) hash.update(chunk);
      files[row.path] = `${hash.digest('hex')} ${row.modifiedUs}`;
    } catch (error) {
      if (!isBackupKitError(error, 'SNAPSHOT_CORRUPT')) throw error;
      files[row.path] = 'damaged';
    } finally {
      await source?.close();
    }
  }
  return files;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function asBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? utf8Encode(content) : content;
}

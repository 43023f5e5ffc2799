import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceVersions } from '../../src/snapshot/device-versions.js';
import type { VersionStore } from '../../src/snapshot/version-store.js';

/** Bytes of the files below a folder on the disk, each file once. */
export async function diskUse(root: string): Promise<number> {
  let bytes = 0;
  const seen = new Set<number>();
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await walk(path);
      else {
        const { ino, size } = await stat(path);
        if (!seen.has(ino)) bytes += size;
        seen.add(ino);
      }
    }
  };
  await walk(root);
  return bytes;
}

/** Bytes of history: what objects and packs take that the newest backups do not share. */
export async function historyUse(location: string): Promise<number> {
  return (
    (await diskUse(join(location, '.ios-backup-kit', 'objects'))) +
    (await diskUse(join(location, '.ios-backup-kit', 'packs')))
  );
}

/** Numbers of the same sequence for the same seed. */
export function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** A content whose pages compress a little, like those of a database. */
export function pagedContent(pages: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pages * 4096);
  for (let page = 0; page < pages; page += 1) bytes.set(pageOf(seed * 100_000 + page), page * 4096);
  return bytes;
}

/** One page. */
export function pageOf(seed: number): Uint8Array {
  const page = new Uint8Array(4096);
  const hash = createHash('sha256').update(String(seed)).digest();
  for (let at = 0; at < 2048; at += 32) page.set(createHash('sha256').update(hash).update(String(at)).digest(), at);
  return page;
}

/** Puts other bytes into some pages. */
export function editPages(
  content: Uint8Array,
  count: number,
  random: (limit: number) => number,
): Uint8Array<ArrayBuffer> {
  const edited = new Uint8Array(content);
  for (let index = 0; index < count; index += 1)
    edited.set(pageOf(random(2 ** 31)), random(Math.floor(content.length / 4096)) * 4096);
  return edited;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Makes a version of files, by a run of a device: those that are `undefined` are removed. */
export async function runOf(
  store: VersionStore,
  udid: string,
  files: Readonly<Record<string, Uint8Array | undefined>>,
): Promise<string> {
  await using sink = await store.begin(udid);
  for (const [path, bytes] of Object.entries(files)) {
    if (bytes === undefined) await sink.remove(`${udid}/${path}`);
    else await sink.write(`${udid}/${path}`, once(bytes));
  }
  await sink.commit();
  return (await sink.version())?.id ?? '';
}

/** What each version holds, by hashes of what is read. */
export async function versionsOf(device: DeviceVersions): Promise<Map<string, Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  for (const { id } of await device.list()) {
    await using version = await device.get(id);
    const files: Record<string, string> = {};
    for (const { path, size } of version.table.rows()) {
      const source = await version.open(path);
      if (source === undefined) continue;
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of source.stream()) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      await source.close();
      if (bytes !== size) throw new Error(`${path} has ${bytes} bytes instead of ${size}`);
      files[path] = hash.digest('hex');
    }
    found.set(id, files);
  }
  return found;
}

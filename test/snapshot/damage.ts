import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, lstatSync, openSync, readFileSync, readSync, readdirSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { memorySource } from '../../src/core/byte-source.js';
import { hexEncode } from '../../src/core/bytes.js';
import { buildDelta } from '../../src/snapshot/contents/build-delta.js';
import { PackWriter } from '../../src/snapshot/contents/pack-writer.js';
import type { PackEntry } from '../../src/snapshot/format/pack-format.js';
import { nodeFs } from '../../src/snapshot/fs/node-fs.js';
import { keys } from '../../src/snapshot/store/keys.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { quickFs } from './faulty-fs.js';
import { udid, writeRun } from './support.js';

/** The second device. */
export const other = '00008120-000A1B2C3D4E5F61';

/** A store that has every kind of part: objects, tables, a pack with a content and a chain of deltas. */
export interface RichStore {
  readonly location: string;
  /** Versions of the first device, oldest first; the last one is its newest backup. */
  readonly versions: readonly string[];
  /** Versions of the second device, both on one table. */
  readonly others: readonly string[];
  /** Contents by name: `big1` to `big3`, `small1` to `small3`, `same`. */
  readonly contents: Readonly<Record<string, Uint8Array>>;
  readonly pack: string;
  readonly entries: Readonly<Record<'small1' | 'big1' | 'big2', PackEntry>>;
}

/** Hexadecimal SHA-256. */
export const nameOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const hashOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Full path of a part of a store. */
export const partPath = (location: string, part: string): string => join(location, '.ios-backup-kit', part);

/** Makes one in link placement. */
export async function makeRichStore(location: string): Promise<RichStore> {
  const big3 = new Uint8Array(randomBytes(300_000));
  const big2 = changed(big3, 40_000);
  const big1 = changed(big2, 200_000);
  const contents = {
    big1,
    big2,
    big3,
    small1: text('one'),
    small2: text('two'),
    small3: text('three'),
    same: text('same'),
  };
  await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  const versions: string[] = [];
  for (const day of [1, 2, 3] as const) {
    const { id } = await writeRun(store, udid, {
      'aa/big': contents[`big${day}`],
      'aa/same': contents.same,
      'bb/small': contents[`small${day}`],
      'bb/again': contents[`small${day}`],
    });
    versions.push(id);
  }
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`cc/${index}`, `many ${index % 5}`]));
  const others = [(await writeRun(store, other, many)).id];
  // Only one file, so that the second version shares the table of the first.
  await using sink = await store.begin(other);
  await sink.write(`${other}/cc/7`, chunks(contents.small2));
  await sink.commit();
  others.push((await sink.version())?.id ?? '');
  await store.device(udid).pin(versions[0] ?? '', 'a note');
  const { pack, entries } = await writePack(location, contents);
  for (const bytes of [contents.small1, big1, big2]) await rm(partPath(location, keys.object(nameOf(bytes))));
  return { location, versions, others, contents, pack, entries };
}

function text(name: string): Uint8Array {
  return new TextEncoder().encode(`${name} `.repeat(400));
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(randomBytes(5000), at);
  return copy;
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function writePack(
  location: string,
  contents: Readonly<Record<'small1' | 'big1' | 'big2' | 'big3', Uint8Array>>,
): Promise<Pick<RichStore, 'pack' | 'entries'>> {
  const id = hexEncode(randomBytes(16));
  const pack = keys.pack(id);
  await mkdir(partPath(location, `packs/${id.slice(0, 2)}`), { recursive: true });
  const file = nodeFs.create(partPath(location, pack), 0o444);
  const writer = new PackWriter(file);
  const named = (bytes: Uint8Array): { hash: Uint8Array; source: ReturnType<typeof memorySource> } => ({
    hash: hashOf(bytes),
    source: memorySource(bytes),
  });
  const small1 = await writer.addContent(hashOf(contents.small1), memorySource(contents.small1));
  const big1 = await buildDelta(named(contents.big1), named(contents.big2), writer);
  const big2 = await buildDelta(named(contents.big2), named(contents.big3), writer);
  writer.finish();
  file.close();
  if (big1 === undefined || big2 === undefined) throw new Error('no delta was made');
  return { pack, entries: { small1, big1, big2 } };
}

/** Changes one bit of a file as a failing disk does: its time stays. */
export function flip(path: string, offset: number): void {
  const { size, mode } = lstatSync(path);
  const modifiedUs = nodeFs.facts(path)?.modifiedUs ?? 0;
  chmodSync(path, 0o644);
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  const at = offset < 0 ? size + offset : offset;
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 0x04), 0, 1, at);
  closeSync(file);
  chmodSync(path, mode & 0o777);
  // As the store reads times: to the microsecond.
  nodeFs.setTime(path, modifiedUs);
}

/** The only file in a folder of the store, or the first one whose name has `part` in it. */
export function fileIn(location: string, folder: string, part = ''): string {
  const names = readdirSync(partPath(location, folder), { recursive: true, encoding: 'utf8' });
  const found = names.find((name) => name.includes(part) && lstatSync(partPath(location, join(folder, name))).isFile());
  if (found === undefined) throw new Error(`nothing in ${folder}`);
  return join(folder, found);
}

/** Where a text stands in a file. */
export function offsetOf(path: string, what: string): number {
  const at = readFileSync(path).indexOf(what);
  if (at < 0) throw new Error(`${what} is not in ${path}`);
  return at;
}

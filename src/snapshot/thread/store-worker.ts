/**
 * The helper thread of a store: makes files of a folder, and hashes files. It only says what it could do; what is odd about the
 * rest is found again, and reported, by the main thread. An entry of the package's build, which no code imports: `store-helper.ts` starts it.
 *
 * @packageDocumentation
 */
import { parentPort, workerData } from 'node:worker_threads';
import { readyToRelease, releaseBytes } from '../../core/release-bytes.js';
import { openDeltaParts } from '../contents/delta-parts.js';
import { emptyView, rowKind, Table } from '../format/table.js';
import { FileHasher } from '../fs/hash-file.js';
import { hashLive, unreadHashes, type FileHashes } from '../fs/hash-live.js';
import { nodeFs } from '../fs/node-fs.js';
import type { FilePatcher } from '../fs/store-fs.js';
import { storePath, type Place } from '../store/place.js';
import { FolderMaker } from '../work/folder-maker.js';
import { attachedFiles } from '../work/packed-rows.js';
import { PagePatch } from '../work/patch-pages.js';
import { shareObject } from '../work/share-object.js';
import { writePacked } from '../work/write-packed.js';
import type {
  HashRequest,
  HelperAnswers,
  HelperPlace,
  HelperRequest,
  PatchRequest,
  PatchStep,
  ShareRequest,
  UnpackRequest,
} from './requests.js';

const place: Place = { ...(workerData as HelperPlace), fs: nodeFs };
const folders = new FolderMaker(nodeFs);
const hasher = new FileHasher(nodeFs, undefined);

function shareRows({ to, share, rows, count, below }: ShareRequest): number[] {
  const left: number[] = [];
  const table = Table.fromParts([rows], count);
  const row = emptyView();
  for (let index = 0; index < count; index += 1) {
    table.look(index, row);
    if (row.kind !== rowKind.file || row.size >= below) continue;
    const full = `${to}/${row.path}`;
    try {
      folders.makeAbove(full);
      if (!shareObject(place, { row, full, share })) left.push(index);
    } catch {
      left.push(index);
    }
  }
  return left;
}

async function patch({ full, size, chain }: PatchRequest): Promise<boolean> {
  let file: FilePatcher | undefined;
  try {
    file = nodeFs.patch(full);
    for (const step of chain) if (!(await applyStep(file, step))) return false;
    file.truncate(size);
    return true;
  } catch {
    return false;
  } finally {
    file?.close();
  }
}

async function applyStep(file: FilePatcher, { path, entry }: PatchStep): Promise<boolean> {
  const pack = nodeFs.open(path);
  if (pack === undefined) return false;
  try {
    const parts = await openDeltaParts(pack, entry);
    const pages = new PagePatch(file, parts);
    for (let index = 0; index < parts.reader.count; index += 1) {
      const chunk = parts.reader.decodeSync(index);
      pages.add(chunk);
      releaseBytes(chunk);
    }
    return true;
  } finally {
    await pack.close();
  }
}

async function unpack(request: UnpackRequest): Promise<number[]> {
  const files = [...attachedFiles(request)];
  const left = new Set(files.keys());
  const numbers = new Map(files.map((file, index) => [file, index]));
  try {
    await writePacked(nodeFs, {
      files,
      open: async (pack) => await Promise.resolve(nodeFs.open(storePath(place, pack))),
      made: (file) => left.delete(numbers.get(file) ?? -1),
      instead: async () => await Promise.resolve(),
    });
  } catch {
    // The owner finds out why.
  }
  return [...left];
}

async function hashFiles({ root, files }: HashRequest): Promise<FileHashes> {
  const into = unreadHashes(files.length);
  for (const [index, { path, modifiedUs }] of files.entries()) {
    try {
      await hashLive(nodeFs, hasher, { full: `${root}/${path}`, modifiedUs, index, into });
    } catch {
      // The owner finds out why.
    }
  }
  return into;
}

async function answer(request: HelperRequest): Promise<HelperAnswers[HelperRequest['kind']]> {
  switch (request.kind) {
    case 'share':
      return shareRows(request);
    case 'patch':
      return await patch(request);
    case 'unpack':
      return await unpack(request);
    case 'hash':
      return await hashFiles(request);
  }
}

let last = readyToRelease().then(() => {
  parentPort?.postMessage('ready', []);
});
parentPort?.on('message', (request: HelperRequest) => {
  last = last.then(async () => {
    parentPort?.postMessage(await answer(request), []);
  });
});

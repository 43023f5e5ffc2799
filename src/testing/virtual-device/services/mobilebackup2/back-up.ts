import { createHash } from 'node:crypto';
import { equalBytes, plainView } from '../../../../core/bytes.js';
import { writeBinaryPlist } from '../../../../plist/binary-write.js';
import { fileIdOf } from '../../../backup-builder/entry-record.js';
import type { BackupKeys } from '../../../backup-builder/keys.js';
import type { BuildPlan } from '../../../backup-builder/plan.js';
import { manifestPlist, statusPlist } from '../../../backup-builder/property-lists.js';
import { bytesBody, type FileBody } from '../../file-system/content.js';
import type { FileNode } from '../../file-system/domain-file-system.js';
import type { OutgoingFile } from './device-link.js';
import { backupFailure } from './failure.js';
import { majorOf, manifestName, payloadPath } from './host-metadata.js';
import { createManifestWriter } from './manifest-writer.js';
import { sendPayloads, type ContentNode } from './payloads.js';
import { isUnchanged, readPreviousBackup, type PreviousFiles } from './previous-backup.js';
import type { BackupTask, CommandResult } from './task.js';

/** Room that must be left on the host, in bytes, and what a device asks for beyond its need. */
const reserveBytes = 128 * 1024 * 1024;
const purgeSurplusBytes = 2 * 1024 * 1024 * 1024;
/** How urgent the wish for space is. */
const purgeUrgency = 4;

/** What a run does. */
interface Run {
  readonly task: BackupTask;
  readonly keys: BackupKeys;
  /** Property lists of the run, for a snapshot state. */
  readonly planOf: (snapshotState: string) => BuildPlan;
  /** Whether payloads lie in folders of their first two digits. */
  readonly isSharded: boolean;
  readonly nodes: readonly FileNode[];
  /** Files whose content goes to the host. */
  readonly changed: readonly ContentNode[];
  readonly previous: PreviousFiles | undefined;
}

/** What of the metadata was sent, by name. */
type SentLists = Map<string, Uint8Array>;

/**
 * Makes a backup: all of the file system, or what has changed since the backup that the host has. New payloads go to
 * `Snapshot/` and are moved when all are there. FORMAT facts: docs/format/mobilebackup2.md, "A backup".
 */
export async function backUp(task: BackupTask): Promise<CommandResult> {
  const { agent, link } = task;
  if (agent.profile.passcodeForBackup) await agent.sheet.ask(task.signal);
  else if (agent.device.lockState !== 'unlocked') throw backupFailure('locked', 'Device locked');
  const run = await prepare(task);
  await makeRoom(run);
  const { folder } = task;
  for (const path of [folder, `${folder}/Snapshot`]) await task.makeDirectory(path);
  const sent: SentLists = new Map();
  await sendStatus(run, 'uploading', sent);
  const moves = await sendFiles(run, sent);
  await task.reach('move');
  await sendStatus(run, 'moving', sent);
  link.progress = 95;
  await task.move(moves);
  await task.reach('remove');
  await sendStatus(run, 'removing', sent);
  await task.remove(await stalePaths(run));
  await task.remove([`${folder}/Snapshot`]);
  await task.reach('finish');
  await sendStatus(run, agent.faults.quirks.snapshotState ?? 'finished', sent);
  link.progress = 100;
  await verify(task, sent);
  agent.backupMade();
  return {};
}

async function prepare(task: BackupTask): Promise<Run> {
  const { agent } = task;
  await task.reach('metadata');
  const keys = await agent.keys();
  const previous = await readPreviousBackup(task, keys);
  task.tally.isFull = previous === undefined;
  const leftovers = await task.link.list(`${task.folder}/Snapshot`);
  if (leftovers.size > 0) await task.remove([`${task.folder}/Snapshot`]);
  const nodes = agent.fileSystem.snapshot();
  return {
    task,
    keys,
    planOf: agent.plan({ isFullBackup: previous === undefined }),
    isSharded: majorOf(agent.device.ios) >= 10,
    nodes,
    changed: nodes.filter(hasContent).filter(({ record }) => !isUnchanged(record, previous)),
    previous,
  };
}

const hasContent = (node: FileNode): node is ContentNode => node.body !== undefined;

/** Asks for the free space. @throws BackupFailure 105 where there is too little. */
async function makeRoom({ task, changed }: Run): Promise<void> {
  const { link, agent } = task;
  await task.reach('space');
  const needed = changed.reduce((sum, { body }) => sum + body.size, reserveBytes);
  let free = await link.freeSpace();
  const isEnough = (): boolean => free !== undefined && free > needed;
  if (agent.profile.probesPurge) {
    const bytes = Math.max(0, needed - (free ?? 0)) + purgeSurplusBytes;
    const { code } = await link.call({ type: 'DLMessagePurgeDiskSpace', bytes, urgency: purgeUrgency });
    if (code === 0) free = await link.freeSpace();
  }
  if (!isEnough())
    throw backupFailure(
      'noSpace',
      `Insufficient free disk space on drive to back up: ${needed} bytes are needed, ${free ?? 'an unknown number'} are free`,
    );
}

/** Sends payloads and metadata; gives the moves that put them in place. */
async function sendFiles(run: Run, sent: SentLists): Promise<[from: string, to: string][]> {
  const { task, keys, nodes, previous } = run;
  const { folder, agent } = task;
  const writer = await createManifestWriter(run.planOf('finished'), keys);
  try {
    const unsent = new Set<FileNode>(run.changed);
    for (const { record } of nodes.filter((node) => !unsent.has(node))) {
      const { key, digest } = previous?.get(fileIdOf(record.domain, record.relativePath)) ?? {};
      writer.add(record.kind === 'file' ? { ...record, key, digest } : record);
    }
    const moves = await sendPayloads(task, {
      files: run.changed,
      isSharded: run.isSharded,
      keyOf: agent.password === undefined ? undefined : (protectionClass) => keys.fileKey(protectionClass),
      onSent: (record) => writer.add(record),
    });
    await task.reach('manifest');
    const manifest = writer.finish();
    const name = manifestName(agent.device.ios);
    const lists = { keybag: keys.keybag, manifestKey: manifest.key };
    const plist = bytesBody(writeBinaryPlist(manifestPlist(run.planOf('finished'), lists)));
    const metadata: [name: string, body: FileBody][] = [
      ['Manifest.plist', plist],
      [name, manifest.stored],
    ];
    await task.upload(
      metadata.map(([file, body]) =>
        metadataFile(`${folder}/Snapshot/${file}`, body, (digest) => sent.set(file, digest)),
      ),
      plist.size + manifest.stored.size,
    );
    for (const [file] of metadata) moves.push([`${folder}/Snapshot/${file}`, `${folder}/${file}`]);
    return moves;
  } finally {
    writer.close();
  }
}

async function sendStatus({ task, planOf }: Run, state: string, sent: SentLists): Promise<void> {
  const body = bytesBody(writeBinaryPlist(statusPlist(planOf(state))));
  const file = metadataFile(`${task.folder}/Status.plist`, body, (digest) => sent.set('Status.plist', digest));
  await task.upload([file], body.size);
}

/** A file of the metadata; what was sent is remembered by its SHA-1. */
function metadataFile(hostPath: string, body: FileBody, onSent: (digest: Uint8Array) => void): OutgoingFile {
  return {
    devicePath: `/var/tmp/${hostPath.slice(hostPath.lastIndexOf('/') + 1)}`,
    hostPath,
    content: hashed(body.stream(), onSent),
  };
}

/** Passes chunks on, and tells their SHA-1 in the end. */
async function* hashed(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onEnd: (digest: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha1');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  onEnd(plainView(hash.digest()));
}

/** Payloads of the host that belong to no file any more: by the former manifest, or by its folders where there is none. */
async function stalePaths({ task, nodes, previous, isSharded }: Run): Promise<string[]> {
  const ids = new Set(
    nodes.filter(({ body }) => body !== undefined).map(({ record }) => fileIdOf(record.domain, record.relativePath)),
  );
  const { folder, link } = task;
  if (previous !== undefined)
    return [...previous.keys()].filter((id) => !ids.has(id)).map((id) => `${folder}/${payloadPath(id, isSharded)}`);
  const stale: string[] = [];
  const collect = (prefix: string, names: Iterable<string>): void => {
    for (const name of names) if (/^[0-9a-f]{40}$/.test(name) && !ids.has(name)) stale.push(prefix + name);
  };
  const top = await link.list(folder);
  collect(`${folder}/`, isSharded ? [] : top.keys());
  for (const [name, { isDirectory }] of isSharded ? top : [])
    if (isDirectory && /^[0-9a-f]{2}$/.test(name))
      collect(`${folder}/${name}/`, (await link.list(`${folder}/${name}`)).keys());
  return stale;
}

/** Reads the metadata back. @throws BackupFailure 205 where the host has something else than was sent. */
async function verify(task: BackupTask, sent: SentLists): Promise<void> {
  await task.reach('verify');
  const prefix = `${task.folder}/`;
  const wrong = new Set(sent.keys());
  const missing = await task.link.download(
    [...sent.keys()].map((name) => prefix + name),
    async (path, chunks) => {
      const name = path.slice(prefix.length);
      const expected = sent.get(name);
      for await (const _chunk of hashed(chunks, (digest) => {
        if (expected !== undefined && equalBytes(digest, expected)) wrong.delete(name);
      }))
        continue;
    },
  );
  const [bad] = [...missing.keys(), ...wrong];
  if (bad !== undefined) throw backupFailure('invalidBackup', `${bad} on the host is not what was sent`);
}

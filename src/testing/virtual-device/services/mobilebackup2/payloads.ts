import { createHash, type Hash } from 'node:crypto';
import { plainView } from '../../../../core/bytes.js';
import { domainHasDigests } from '../../../backup-builder/domains.js';
import { fileIdOf, type EntryRecord } from '../../../backup-builder/entry-record.js';
import type { WrappedKey } from '../../../backup-builder/keys.js';
import type { FileBody } from '../../file-system/content.js';
import type { FileNode } from '../../file-system/domain-file-system.js';
import { batches } from './batches.js';
import type { OutgoingFile } from './device-link.js';
import { payloadPath } from './host-metadata.js';
import { encryptedBody } from './manifest-writer.js';
import type { BackupTask } from './task.js';
import type { FileFailure } from './types.js';

/** Progress of a run when its first payload goes out, and when its last one has, in percent. */
const progressRange = [5, 90] as const;

/** A file, not a folder or link. */
export type ContentNode = FileNode & { readonly body: FileBody };

/** What is sent, and how. */
export interface PayloadOptions {
  readonly files: readonly ContentNode[];
  /** Whether payloads lie in folders of their first two digits. */
  readonly isSharded: boolean;
  /** Gives a new key for a file; `undefined` for a plain backup. */
  readonly keyOf: ((protectionClass: number) => WrappedKey) | undefined;
  /** Called with the record of each file that the host has, with key and digest. */
  readonly onSent: (record: EntryRecord) => void;
}

/** A file as it will be stored. */
interface Payload {
  readonly record: EntryRecord;
  readonly path: string;
  readonly stored: FileBody;
  readonly key: WrappedKey | undefined;
}

/** Sends contents to `Snapshot/`, in batches; gives the moves that put them in place. */
export async function sendPayloads(task: BackupTask, options: PayloadOptions): Promise<[from: string, to: string][]> {
  const { folder, link, tally } = task;
  const total = options.files.reduce((sum, { body }) => sum + body.size, 0);
  const folders = new Set<string>();
  const moves: [from: string, to: string][] = [];
  let done = 0;
  for (const batch of batches(options.files, ({ body }) => body.size, task.agent.profile)) {
    await task.reach('upload');
    const [first, last] = progressRange;
    link.progress = first + ((last - first) * done) / Math.max(1, total);
    const payloads = batch.map(({ record, body }) => payloadOf(record, body, options));
    if (options.isSharded) await makeFolders(task, payloads, folders);
    const bytes = payloads.reduce((sum, { stored }) => sum + stored.size, 0);
    const sent: EntryRecord[] = [];
    await task.upload(
      payloads.map((payload) => outgoing(task, payload, (record) => sent.push(record))),
      bytes,
    );
    for (const record of sent) options.onSent(record);
    for (const { path } of payloads) moves.push([`${folder}/Snapshot/${path}`, `${folder}/${path}`]);
    tally.uploadedFiles += payloads.length;
    tally.uploadedBytes += bytes;
    done += batch.reduce((sum, { body }) => sum + body.size, 0);
  }
  return moves;
}

function payloadOf(record: EntryRecord, body: FileBody, { isSharded, keyOf }: PayloadOptions): Payload {
  const key = keyOf?.(record.protectionClass);
  const path = payloadPath(fileIdOf(record.domain, record.relativePath), isSharded);
  return { record, path, key, stored: key === undefined ? body : encryptedBody(body, key.key) };
}

/** Makes the folders of payloads, in `Snapshot/` and where they are moved to. */
async function makeFolders(task: BackupTask, payloads: readonly Payload[], made: Set<string>): Promise<void> {
  for (const { path } of payloads) {
    const name = path.slice(0, path.indexOf('/'));
    if (made.has(name)) continue;
    made.add(name);
    await task.makeDirectory(`${task.folder}/Snapshot/${name}`);
    await task.makeDirectory(`${task.folder}/${name}`);
  }
}

function outgoing(task: BackupTask, payload: Payload, onSent: (record: EntryRecord) => void): OutgoingFile {
  const { record, path, stored, key } = payload;
  const failure = task.agent.faults.quirks.failFile?.(record);
  const hash = domainHasDigests(record.domain) ? createHash('sha1') : undefined;
  return {
    devicePath: `/.ba/${record.domain}/${record.relativePath}`,
    hostPath: `${task.folder}/Snapshot/${path}`,
    content: sentChunks(stored, hash, failure),
    end: () => {
      const digest = hash && plainView(hash.digest());
      onSent({ ...record, key: key?.wrapped, digest });
      return failure;
    },
  };
}

/** The chunks of a payload, or the first of them where the device fails at it. */
async function* sentChunks(
  stored: FileBody,
  hash: Hash | undefined,
  failure: FileFailure | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = failure?.afterBytes ?? Infinity;
  for await (const chunk of stored.stream()) {
    hash?.update(chunk);
    if (left > 0) yield chunk.subarray(0, Math.min(left, chunk.length));
    left -= chunk.length;
  }
}

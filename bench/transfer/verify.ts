import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Backup } from '../../src/entry/index.js';

/** What a backup holds, to compare two of one device. */
export interface Contents {
  /** Payloads, each of which the manifest names. */
  readonly payloads: number;
  readonly bytes: number;
  /** SHA-1 of all names and contents, where asked for. */
  readonly digest: string | undefined;
}

/** Reads a backup. @throws where it was not finished, lacks a file of its manifest, or has one that is shorter or longer */
export async function contentsOf(folder: string, { withDigest }: { withDigest: boolean }): Promise<Contents> {
  const hash = createHash('sha1');
  let [payloads, bytes] = [0, 0];
  const { isFinished } = await Backup.inspect(folder);
  if (isFinished !== true) throw new Error(`${folder} was not finished`);
  await using backup = await Backup.open(folder);
  const listed = new Map<string, number>();
  for await (const file of backup.files.list({ kind: 'file' })) listed.set(file.fileId, file.size);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /[\\/][0-9a-f]{40}$/.test(name),
  );
  for (const name of names.toSorted()) {
    const content = readFileSync(join(folder, name));
    const id = name.slice(-40);
    if (listed.get(id) !== content.length)
      throw new Error(`${name} has ${content.length} bytes, not ${listed.get(id)}`);
    payloads += 1;
    bytes += content.length;
    if (withDigest) hash.update(id).update(content);
  }
  if (payloads !== listed.size) throw new Error(`${folder} has ${payloads} of ${listed.size} files`);
  return { payloads, bytes, digest: withDigest ? hash.digest('hex') : undefined };
}

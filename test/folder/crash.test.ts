import fs from 'node:fs';
import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directorySink } from '../../src/folder/directory-sink.js';
import { utf8Encode } from '../../src/core/bytes.js';
import type { BackupSink } from '../../src/core/backup-tree.js';
import { temporaryFolder } from '../backup/support.js';
import { WholeContent } from '../../src/core/whole-content.js';

const udid = '00008110-000A1B2C3D4E5F60';
const at = (path: string): string => `${udid}/${path}`;

/** The calls that change names or content. */
const changing = [
  'openSync',
  'writeSync',
  'writevSync',
  'renameSync',
  'unlinkSync',
  'rmSync',
  'rmdirSync',
  'mkdirSync',
  'linkSync',
  'writeFileSync',
] as const;

/** Runs `work`; from the n-th changing call of the file system on, all of them fail, as after a SIGKILL. Gives the number of calls. */
async function dyingAt(n: number, work: () => Promise<void>): Promise<{ calls: number; died: boolean }> {
  const originals = new Map<string, unknown>();
  const patched = fs as unknown as Record<string, unknown>;
  let calls = 0;
  let died = false;
  for (const name of changing) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    originals.set(name, original);
    patched[name] = (...args: unknown[]) => {
      calls += 1;
      if (calls >= n) died = true;
      if (died) throw new Error('The process is dead');
      return original.apply(fs, args);
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
  } catch (error) {
    if (!died) throw error;
  } finally {
    for (const [name, original] of originals) patched[name] = original;
    syncBuiltinESMExports();
  }
  return { calls, died };
}

async function write(sink: BackupSink, path: string, text: string): Promise<void> {
  await sink.write(at(path), new WholeContent([utf8Encode(text)]));
}

async function firstRun(folder: string): Promise<void> {
  await using sink = directorySink(folder, { udid, durable: false });
  for (const name of ['aa/aa1', 'aa/aa2', 'bb/bb1', 'cc/cc1', 'Manifest.db', 'Status.plist'])
    await write(sink, name, `old ${name}`);
  await sink.commit();
}

/** What a device does in a run: new files by way of Snapshot, moves over old ones and into new folders, removals. */
async function secondRun(folder: string): Promise<void> {
  await using sink = directorySink(folder, { udid, durable: false });
  await write(sink, 'Status.plist', 'uploading');
  for (const name of ['aa/aa1', 'dd/dd1', 'Manifest.db']) await write(sink, `Snapshot/${name}`, `new ${name}`);
  for (const name of ['aa/aa1', 'dd/dd1', 'Manifest.db']) await sink.move(at(`Snapshot/${name}`), at(name));
  await sink.remove(at('bb/bb1'));
  await sink.remove(at('cc'));
  await sink.move(at('aa/aa2'), at('ee/aa2'));
  await write(sink, 'cc/cc2', 'new cc/cc2');
  await sink.remove(at('Snapshot'));
  await write(sink, 'Status.plist', 'finished');
  await sink.commit();
}

/** Every file below a folder with a hash of its content. */
function hashesOf(folder: string): Record<string, string> {
  if (!fs.existsSync(folder)) return {};
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map(
        (path) =>
          [path.slice(folder.length), createHash('sha256').update(fs.readFileSync(path)).digest('hex')] as const,
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

test('a process that dies at any change of the disk leaves the old backup or completes the new one', async () => {
  const reference = await temporaryFolder();
  await firstRun(reference);
  const before = hashesOf(join(reference, udid));
  const { calls } = await dyingAt(Infinity, async () => await secondRun(reference));
  const after = hashesOf(join(reference, udid));
  expect(calls).toBeGreaterThan(60);
  expect(Object.keys(after)).toEqual(['/Manifest.db', '/Status.plist', '/aa/aa1', '/cc/cc2', '/dd/dd1', '/ee/aa2']);

  const outcomes = { untouched: 0, restored: 0, completed: 0 };
  for (let n = 1; n <= calls; n += 1) {
    const folder = await temporaryFolder();
    await firstRun(folder);
    const { died } = await dyingAt(n, async () => await secondRun(folder));
    expect(died).toBe(true);
    const committed = fs.existsSync(join(folder, `.ios-backup-kit-${udid}`, 'ready'));
    const found = hashesOf(join(folder, udid));
    const isDone = JSON.stringify(found) === JSON.stringify(after);
    if (!committed && !isDone) expect(found).toEqual(before);

    // The next start, which only looks.
    await using sink = directorySink(folder, { udid });
    await sink.freeSpace();
    expect(hashesOf(join(folder, udid))).toEqual(committed || isDone ? after : before);
    outcomes[committed ? 'restored' : isDone ? 'completed' : 'untouched'] += 1;
    await write(sink, 'Status.plist', 'next');
    await sink.commit();
    await sink.close();
    expect(fs.readFileSync(join(folder, at('Status.plist')), 'utf8')).toBe('next');
    expect(fs.readdirSync(folder)).toEqual([udid]);
  }
  expect(Math.min(outcomes.untouched, outcomes.restored, outcomes.completed)).toBeGreaterThan(0);
});

test('a process that dies within its first run leaves nothing that looks like a backup', async () => {
  const reference = await temporaryFolder();
  const { calls } = await dyingAt(Infinity, async () => await firstRun(reference));
  const whole = hashesOf(join(reference, udid));
  for (let n = 1; n <= calls; n += 1) {
    const folder = await temporaryFolder();
    await dyingAt(n, async () => await firstRun(folder));
    const found = hashesOf(join(folder, udid));
    expect([{}, whole]).toContainEqual(found);
  }
});

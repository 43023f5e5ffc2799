import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { editPages, numbers, pagedContent, runOf, versionsOf } from './churn.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

it('lets another process compact and purge, and be killed, while this one works', { timeout: 240_000 }, async () => {
  const location = await temporaryFolder();
  await using store = await SnapshotStore.open(location, { create: true, fs: quickFs });
  const random = numbers(8);
  let content = pagedContent(64, 1);
  const expected = new Map<string, string>();
  const add = async (): Promise<void> => {
    await using sink = await store.begin(udid, { wait: 60_000 });
    const bytes = content;
    await sink.write(
      `${udid}/ab/x`,
      (async function* () {
        yield bytes;
      })(),
    );
    await sink.commit();
    const info = await sink.version();
    expected.set(info?.id ?? '', info?.root ?? '');
    content = editPages(content, 2, random);
  };
  await add();
  let made = 0;
  for (let process_ = 0; process_ < 2; process_ += 1) {
    const script = join(import.meta.dirname, 'compact.process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, location], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    const damaged: string[] = [];
    let isReady = false;
    lines.on('line', (line) => {
      isReady ||= line === 'ready';
      const [count = '0', bad = '0'] = line.split(' ');
      if (line !== 'ready') made += Number(count);
      if (bad !== '0') damaged.push(line);
    });
    await once(child.stdout, 'data');
    for (let day = 0; day < 6; day += 1) {
      await add();
      const versions = await versionsOf(store.device(udid));
      expect(versions.size).toBe(expected.size);
    }
    expect(isReady).toBe(true);
    expect(child.exitCode).toBeNull();
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(damaged).toEqual([]);
  }
  expect(made).toBeGreaterThan(0);
  await using again = await SnapshotStore.open(location, { fs: quickFs });
  await again.compact({ tuning: { deltaBytes: 64 * 1024 }, wait: 10_000 });
  const found = await again.device(udid).list();
  expect(new Map(found.map(({ id, root }) => [id, root]))).toEqual(expected);
  for (const { id } of found) {
    await using folder = await again.device(udid).openFolder(id);
    expect(folder.written.copied + folder.written.linked + folder.written.cloned).toBe(1);
  }
  await runOf(again, udid, { 'ab/x': undefined });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { Backup } from '../../src/entry/index.js';
import { iosBackup } from '../support/command.js';
import { entriesOf, hashesOf, hostOf, someChanges, temporaryFolder, virtualDevice } from './support.js';

test('a process that is killed within a run leaves the last backup as it was, and the next run works', async () => {
  const seen = { messages: 0, kill: Infinity, victim: undefined as ReturnType<typeof spawn> | undefined };
  const device = await virtualDevice({
    ios: '15.7',
    onMessage: ({ service }) => {
      if (service !== 'com.apple.mobilebackup2') return;
      seen.messages += 1;
      if (seen.messages === seen.kill) seen.victim?.kill('SIGKILL');
    },
  });
  const host = await hostOf(device);
  const folder = await temporaryFolder();
  await backUpDevice(host, { to: folder });
  const good = await temporaryFolder();
  await cp(folder, good, { recursive: true });
  const before = await hashesOf(join(folder, device.udid));
  someChanges(device.fileSystem, 1);

  // After the answer to the Hello, with the first files, amid the uploads, after the moves.
  for (const kill of [4, 12, 20, 30]) {
    Object.assign(seen, { messages: 0, kill });
    const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: device.address };
    seen.victim = spawn(process.execPath, [...iosBackup, 'backup', folder], { env, stdio: 'ignore' });
    const [, signal] = (await once(seen.victim, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    await device.backups.untilIdle();
    expect(await hashesOf(join(folder, device.udid))).toEqual(before);
  }

  seen.kill = Infinity;
  expect(await backUpDevice(host, { to: folder })).toMatchObject({ isFull: false });
  await using backup = await Backup.open(join(folder, device.udid));
  const sizes: Record<string, number> = {};
  for await (const file of backup.files.list({ kind: 'file' })) sizes[file.fileId] = (await file.read()).length;
  const entries = (await entriesOf(device.fileSystem)) as { fileId: string; kind: string; size: number }[];
  const files = entries.filter(({ kind }) => kind === 'file');
  expect(sizes).toEqual(Object.fromEntries(files.map(({ fileId, size }) => [fileId, size])));
});

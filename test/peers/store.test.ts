import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { backUpDevice } from '../../src/entry/backup.js';
import { SnapshotStore } from '../../src/entry/snapshot.js';
import { hostOf, someChanges, someFiles, temporaryFolder, virtualDevice } from '../backup/support.js';
import { copyOf, treeOf } from '../snapshot/support.js';
import { describeWithPeers } from '../support/peers.js';
import { snapshot } from '../testing/virtual-device/mobilebackup2/mini-host.js';

const run = promisify(execFile);

/** A device that was backed up twice into a store, an independent copy of each, and what the device held then. */
async function someVersions(ios: string) {
  const location = await temporaryFolder();
  const copies = await temporaryFolder();
  const device = await virtualDevice({ ios, passcode: false, fileSystem: someFiles });
  const host = await hostOf(device);
  const store = await SnapshotStore.open(location, { create: true });
  onTestFinished(async () => await store.close());
  const held: { id: string; entries: Awaited<ReturnType<typeof snapshot>> }[] = [];
  for (const round of [1, 2]) {
    const { version } = await backUpDevice(host, { to: store });
    held.push({ id: version.id, entries: await snapshot(device) });
    await copyOf(join(location, device.udid), join(copies, version.id));
    someChanges(device.fileSystem, round);
  }
  const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: device.address };
  const tool = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run('idevicebackup2', args, { env, timeout: 60_000 });
    return stdout + stderr;
  };
  return { device, store, held, copies, tool };
}

describeWithPeers('idevicebackup2 takes an opened version for a backup:', ['idevicebackup2', 'idevicepair'], () => {
  test('info, list and unback of each version, which is what a copy of its time is', async () => {
    const { device, store, held, copies, tool } = await someVersions('9.3.5');
    for (const { id, entries } of held) {
      await using folder = await store.device(device.udid).openFolder(id, { allowCopy: true });
      expect(await treeOf(folder.path)).toEqual(await treeOf(join(copies, id)));
      const top = dirname(folder.path);
      expect(await tool('info', top)).toContain(device.udid);
      expect(await tool('list', top)).toContain('Library/notes/9.txt');
      // Writes into the folder, so into one of its own.
      const apart = await mkdtemp(join(tmpdir(), 'unback-'));
      onTestFinished(async () => await rm(apart, { recursive: true }));
      await store.device(device.udid).exportFolder(id, join(apart, device.udid));
      await tool('unback', apart);
      const notes = entries.filter(({ kind, relativePath }) => kind === 'file' && relativePath.includes('notes/'));
      expect(notes.length).toBeGreaterThan(20);
      for (const { domain, relativePath, size } of notes)
        expect(await readFile(join(apart, device.udid, '_unback_', domain, relativePath))).toHaveLength(size);
    }
  });

  test('a restore of an old version brings back what the device held', async () => {
    const { device, store, held, tool } = await someVersions('15.7');
    const [oldest] = held;
    await using folder = await store.device(device.udid).openFolder(oldest?.id ?? '', { allowCopy: true });
    const before = await treeOf(folder.path);
    device.fileSystem.clear();
    expect(await tool('restore', '--system', '--remove', dirname(folder.path))).toContain('Restore Successful.');
    await device.backups.untilIdle();
    expect(await snapshot(device)).toEqual(oldest?.entries);
    expect(await treeOf(folder.path)).toEqual(before);
  });
});

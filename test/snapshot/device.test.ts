import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backUpDevice } from '../../src/entry/backup.js';
import { Backup } from '../../src/entry/index.js';
import { SnapshotStore } from '../../src/entry/snapshot.js';
import { copyOf, treeOf } from './support.js';
import { hostOf, someChanges, temporaryFolder, virtualDevice } from '../backup/support.js';

it('a device is backed up straight into the store, each run a version that opens without being unpacked', async () => {
  const location = await temporaryFolder();
  const copies = await temporaryFolder();
  const phone = await virtualDevice();
  const device = await hostOf(phone);
  await using store = await SnapshotStore.open(location, { create: true });
  for (const round of [1, 2, 3]) {
    const { version, isFull } = await backUpDevice(device, { to: store });
    expect(version).toMatchObject({ kind: 'run', udid: device.udid });
    expect(version.backup).toMatchObject({ state: 'finished', encrypted: false });
    if (round > 1) expect(isFull).toBe(false);
    await copyOf(join(location, device.udid), join(copies, version.id));
    someChanges(phone.fileSystem, round);
  }
  const versions = await store.device(device.udid).list();
  expect(versions).toHaveLength(3);
  for (const { id } of versions) {
    await using folder = await store.device(device.udid).openFolder(id);
    expect(await treeOf(folder.path)).toEqual(await treeOf(join(copies, id)));
    await using backup = await Backup.open(await store.device(device.udid).get(id));
    expect(await backup.files.count()).toBeGreaterThan(30);
    const note = await backup.fs.readFile('/MediaDomain/Library/notes/5.txt');
    expect(new TextDecoder().decode(note)).toBe('note 5');
  }
});

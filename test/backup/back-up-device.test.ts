import { describe, expect, it } from 'vitest';
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { restoreDevice } from '../../src/backup/restore-device.js';
import { changeBackupPassword } from '../../src/backup/change-backup-password.js';
import { Backup } from '../../src/entry/index.js';
import { contentsOf, entriesOf, someChanges, hostOf, temporaryFolder, virtualDevice } from './support.js';
import { directoryTree } from '../../src/manifest/directory-tree.js';

describe('backUpDevice()', () => {
  it('writes a backup that opens, with Info.plist, and nothing else', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const folder = await temporaryFolder();
    const result = await backUpDevice(await hostOf(device), { to: folder });
    expect(result).toMatchObject({ udid: device.udid, isFull: true, issues: 1 });
    await using backup = await Backup.open(`${folder}/${device.udid}`);
    expect(backup.summary).toMatchObject({ udid: device.udid, isFinished: true, isEncrypted: false });
    const contents = await contentsOf(directoryTree(folder));
    expect(
      contents
        .filter((path) => !/^[^/]+\/[0-9a-f]{2}\/([0-9a-f]{40} \d+)?$/.test(path))
        .map((path) => path.replace(device.udid, 'UDID').replace(/ \d+$/, '')),
    ).toEqual(['UDID/', 'UDID/Info.plist', 'UDID/Manifest.db', 'UDID/Manifest.plist', 'UDID/Status.plist']);
  });

  it('restores another device from it, encrypted', async () => {
    const device = await virtualDevice({ ios: '17.4' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await changeBackupPassword(host, { to: 'secret' });
    await backUpDevice(host, { to: folder });
    someChanges(device.fileSystem, 1);
    const second = await backUpDevice(host, { to: folder });
    expect(second).toMatchObject({ isFull: false, isEncrypted: true });
    const other = await virtualDevice({ ios: '17.4', fileSystem: [], seed: 2 });
    const result = await restoreDevice(await hostOf(other), { from: `${folder}/${device.udid}`, password: 'secret' });
    expect(result.filesSent).toBeGreaterThan(30);
    expect(await entriesOf(other.fileSystem)).toEqual(await entriesOf(device.fileSystem));
  });
});

import { describe, expect, it } from 'vitest';
import { directorySink } from '../../src/backup/directory-sink/directory-sink.js';
import { BackupSession } from '../../src/backup/session.js';
import { Backup } from '../../src/entry/index.js';
import { someChanges, temporaryFolder, hostOf, virtualDevice } from './support.js';

describe('backUp()', () => {
  it('makes a full backup, then an incremental one', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await using sink = directorySink(folder, { udid: device.udid });
    {
      await using session = await BackupSession.start(host);
      expect(session.protocolVersion).toBe(2.1);
      const events: unknown[] = [];
      const result = await session.backUp(sink, { onProgress: (event) => events.push(event) });
      expect(result).toMatchObject({ udid: device.udid, isFull: true, isEncrypted: false });
      expect(events).toContainEqual({ type: 'overall', fraction: 1 });
    }
    someChanges(device.fileSystem, 1);
    await using session = await BackupSession.start(host);
    const result = await session.backUp(sink);
    expect(result.isFull).toBe(false);
    await using backup = await Backup.open(`${folder}/${device.udid}`);
    expect(await backup.files.count({ kind: 'file' })).toBe(34);
    expect(device.backups.runs.map((run) => run.errorCode)).toEqual([0, 0]);
  });
});

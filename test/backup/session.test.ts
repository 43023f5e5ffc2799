import { describe, expect, it } from 'vitest';
import { directorySink } from '../../src/folder/directory-sink.js';
import { BackupSession } from '../../src/backup/session.js';
import type { BackupSink } from '../../src/core/backup-tree.js';
import { memoryTree } from '../../src/core/memory-tree.js';
import { Backup } from '../../src/entry/index.js';
import { someChanges, temporaryFolder, hostOf, virtualDevice } from './support.js';

/** A sink that counts what is written to it and what is read of it. */
function counting(tree: BackupSink) {
  const counted = { written: { files: 0, bytes: 0 }, read: { bytes: 0 } };
  const write = tree.write.bind(tree);
  const open = tree.open.bind(tree);
  async function* count(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of data) {
      counted.written.bytes += part.length;
      yield part;
    }
  }
  tree.write = async (path, data, options) => {
    counted.written.files += 1;
    await write(path, count(data), options);
  };
  tree.open = async (path, options) => {
    const source = await open(path, options);
    counted.read.bytes += source?.size ?? 0;
    return source;
  };
  return { tree, counted };
}

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

  it('counts what the device has sent, and apart from that what it was sent', async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const { tree, counted } = counting(memoryTree());
    {
      await using session = await BackupSession.start(host);
      const result = await session.backUp(tree);
      // It asks for its three lists at the end, to see whether they are what it has sent.
      const { written, read } = counted;
      expect(result).toMatchObject({ filesReceived: written.files, bytesReceived: written.bytes, filesSent: 3 });
      expect(written.files).toBe(34 + 6);
      expect(result.bytesSent).toBeGreaterThan(0);
      expect(result.bytesSent).toBeLessThanOrEqual(read.bytes);
    }
    await using session = await BackupSession.start(host);
    const restored = await session.restore(tree, { systemFiles: true });
    expect(restored).toMatchObject({ filesReceived: 0, bytesReceived: 0 });
    expect(restored.filesSent).toBeGreaterThanOrEqual(34);
  });
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { Backup } from '../../src/entry/index.js';
import type { VirtualDevice } from '../../src/entry/testing.js';
import { hashesOf, hostOf, someChanges, temporaryFolder, virtualDevice } from './support.js';

const service = 'com.apple.mobilebackup2';

/** Opens the backup and reads every file; gives the number of bytes. */
async function opensWhole(folder: string, device: VirtualDevice): Promise<number> {
  await using backup = await Backup.open(join(folder, device.udid));
  let bytes = 0;
  for await (const file of backup.files.list({ kind: 'file' })) bytes += (await file.read()).length;
  return bytes;
}

/** Pulls the cable at every n-th message of a run. */
export function interruptedTests({ every }: { every: number }): void {
  test(`a cable that is pulled at every ${every}. message leaves the last backup as it was, and the next run works`, async () => {
    const device = await virtualDevice({ ios: '15.7' });
    const host = await hostOf(device);
    const folder = await temporaryFolder();
    await backUpDevice(host, { to: folder });
    const before = await hashesOf(folder);
    const bytesBefore = await opensWhole(folder, device);

    someChanges(device.fileSystem, 1);
    let succeededAt: number | undefined;
    for (let at = 1; at < 200 && succeededAt === undefined; at += every) {
      device.faults.pullCableAfter({ service, messages: at });
      const outcome = await backUpDevice(host, { to: folder }).then(
        () => 'complete',
        (error: unknown) => error,
      );
      device.faults.clear();
      await device.attach();
      if (outcome === 'complete') {
        succeededAt = at;
        continue;
      }
      expect(outcome).toMatchObject({ code: 'DEVICE_DISCONNECTED', transient: true });
      expect(await hashesOf(folder)).toEqual(before);
      if (at % 4 === 0) expect(await opensWhole(folder, device)).toBe(bytesBefore);
    }
    expect(succeededAt).toBeGreaterThan(20);
    expect(await hashesOf(folder)).not.toEqual(before);
    expect(await opensWhole(folder, device)).not.toBe(bytesBefore);
  });
}

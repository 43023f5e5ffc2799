import { expect, it, vi } from 'vitest';
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { hostOf, temporaryFolder, virtualDevice } from './support.js';

const waits = vi.hoisted(() => [] as (number | undefined)[]);

// Ten seconds pass at once.
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms?: number) => {
    waits.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
  },
}));

it('a host that never gives the lock up makes the device busy after ten seconds', async () => {
  const device = await virtualDevice({ ios: '15.7' });
  const host = await hostOf(device);
  await using afc = await host.openAfc();
  await using file = await afc.open('/com.apple.itunes.lock_sync', 'r+');
  await file.lock('exclusive');
  const posted: string[] = [];
  device.notifications.subscribe((name) => posted.push(name.replace('com.apple.itunes-mobdev.', '')));
  waits.length = 0;
  await expect(backUpDevice(host, { to: await temporaryFolder() })).rejects.toMatchObject({
    code: 'BACKUP_DEVICE_BUSY',
    transient: true,
  });
  expect(waits).toEqual(Array.from({ length: 49 }, () => 200));
  expect(posted).toEqual(['syncWillStart', 'syncLockRequest', 'syncDidFinish']);
});

import { test } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { snapshot } from '../testing/virtual-device/mobilebackup2/mini-host.js';
import { contentsOf } from '../testing/virtual-device/mobilebackup2/support.js';
import { contains, ready } from './idevicebackup2-lab.js';

/** Which kinds of devices are backed up, and with which flags backups are restored. */
export interface Breadth {
  readonly generations: readonly string[];
  readonly restoreFlags: readonly string[];
}

/** Lets idevicebackup2 back virtual devices up and restore them. */
export function backUpAndRestore({ generations, restoreFlags }: Breadth): void {
  describeWithPeers('idevicebackup2 on the virtual device:', ['idevicebackup2'], () => {
    test.concurrent.for(generations)('it backs up iOS %s, fully and again', async (ios, { expect }) => {
      await using lab = await ready({ ios });
      const { device, backup2, open } = lab;
      expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
      expect(device.backups.runs.at(-1)).toMatchObject({ errorCode: 0, isFull: true });
      await using first = await open();
      expect(await contentsOf(first)).toEqual(await snapshot(device));
      expect(await backup2('backup')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: false, uploadedFiles: 0 });
      expect(await backup2('backup', '--full')).toMatchObject({ code: 0, text: contains('Backup Successful.') });
      expect(device.backups.runs.at(-1)).toMatchObject({ isFull: true });
    });

    test.concurrent.for(restoreFlags)('it restores with flags %s', async (text, { expect }) => {
      const flags = text.split(' ').filter((flag) => flag !== '');
      await using lab = await ready({ passcode: false });
      const { device, backup2 } = lab;
      expect(await backup2('backup')).toMatchObject({ code: 0 });
      const before = await snapshot(device);
      device.fileSystem.clear();
      device.fileSystem.add({ domain: 'HomeDomain', relativePath: 'since.txt', content: 'x' });
      expect(await backup2('restore', ...flags)).toMatchObject({ code: 0, text: contains('Restore Successful.') });
      await device.backups.untilIdle();
      expect(device.backups.restartPending).toBe(flags.includes('--no-reboot'));
      const after = await snapshot(device);
      const keeps = !flags.includes('--remove');
      expect(after.some(({ relativePath }) => relativePath === 'since.txt')).toBe(keeps);
      const domains = new Set(flags.includes('--system') ? [] : ['DatabaseDomain']);
      expect(after.filter(({ relativePath }) => relativePath !== 'since.txt')).toEqual(
        before.filter(({ domain }) => !domains.has(domain)),
      );
    });
  });
}

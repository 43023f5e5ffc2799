import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { Backup } from '../../src/entry/index.js';
import { createVirtualDevice, sampleBackupSpec, type CreateVirtualDeviceOptions } from '../../src/entry/testing.js';
import { trust } from '../support/trust.js';

const run = promisify(execFile);
/** How idevicebackup2 ended, and what it said. */
interface Outcome {
  readonly code: number | string;
  readonly text: string;
}

/** A paired device with a small file system, and a folder that idevicebackup2 backs it up to. */
export async function ready(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({ fileSystem: sampleBackupSpec({ photos: 2 }), ios: '15.7', ...options });
  const folder = await mkdtemp(join(tmpdir(), 'idevicebackup2-'));
  const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: device.address };
  const backup2 = async (...args: string[]): Promise<Outcome> => {
    try {
      const { stdout, stderr } = await run('idevicebackup2', [...args, folder], { env, timeout: 60_000 });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, signal, stdout = '', stderr = '' } = error as Record<string, string> & { code?: number };
      return { code: code ?? signal ?? 'unknown', text: stdout + stderr };
    }
  };
  await trust(device);
  const open = async (password?: string) => await Backup.open(join(folder, device.udid), { password });
  return {
    device,
    folder,
    backup2,
    open,
    async [Symbol.asyncDispose]() {
      await device.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A text that holds another one. */
export const contains = (text: string) => expect.stringContaining(text) as string;

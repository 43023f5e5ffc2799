import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createVirtualDevice, type CreateVirtualDeviceOptions } from '../../src/entry/testing.js';
import { trust } from '../support/trust.js';
import { runCli, type CliResult } from './run-cli.js';

const udid = '00008120-000A11B22C33001E';
const domain = 'HomeDomain';
const note = { domain, relativePath: 'Library/note.txt' };

const contains = (text: string) => expect.stringContaining(text) as string;
const records = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A paired virtual device, the command line that finds it, and a folder that does not exist yet. */
async function ready(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({
    ios: '15.7',
    device: { udid, name: 'Sam' },
    fileSystem: [
      { ...note, content: 'first' },
      { domain, relativePath: 'Library/same.bin', content: { size: 100_000 } },
    ],
    backup: { profile: { restartDelayMs: 0, restartMs: 0 } },
    ...options,
  });
  const above = await mkdtemp(join(tmpdir(), 'ios-backup-cli-versions-'));
  onTestFinished(async () => {
    await device.close();
    await rm(above, { recursive: true, force: true });
  });
  const cli = async (...args: string[]): Promise<CliResult> =>
    await runCli(args, { env: { USBMUXD_SOCKET_ADDRESS: device.address } });
  await trust(device);
  return { device, folder: join(above, 'backups'), cli };
}

describe('backup --to', () => {
  test('keeps every backup, also where the same folder is named without it', async () => {
    const { cli, folder, device } = await ready();
    const first = await cli('backup', '--to', folder, '--note', 'the first');
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(
      new RegExp(`^${udid}\tfull\t\\d+\t\\d+\t[\\d.]+\t0\t${join(folder, udid)}\t\\S+\t\\d+\n$`),
    );
    device.fileSystem.modify(note, { content: 'second' });
    const second = records((await cli('backup', join(folder, udid), '--json')).stdout).at(-1);
    expect(second).toMatchObject({ type: 'result', isFull: false, version: { kind: 'run', udid } });
    expect(second?.['addedBytes']).toBeLessThan(100_000);
    expect(await cli('cat', folder, `/${domain}/Library/note.txt`, '--at', 'newest~1')).toMatchObject({
      stdout: 'first',
    });
    expect((await cli('cat', join(folder, udid), `/${domain}/Library/note.txt`)).stdout).toBe('second');
    expect((await cli('versions', 'list', folder)).stdout.split('\n')[1]).toMatch(/\tthe first$/);
  });

  test('begins only in an empty or new folder, or with --create, and keeps what is there', async () => {
    const { cli, folder, device } = await ready();
    expect(await cli('backup', folder)).toMatchObject({ exitCode: 0 });
    device.fileSystem.modify(note, { content: 'second' });
    expect(await cli('backup', '--to', folder)).toMatchObject({ exitCode: 2, stderr: contains('--create') });
    const { exitCode, stderr } = await cli('backup', '--to', folder, '--create');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: contains('was kept as version') });
    expect((await cli('cat', folder, `/${domain}/Library/note.txt`, '--at', 'newest~1')).stdout).toBe('first');
  });

  test.each([[[]], [['a', '--to', 'b']], [['a', '--create']], [['a', '--note', 'x']]])(
    '%j ends with 2',
    async (args) => {
      expect(await runCli(['backup', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
    },
  );

  test('restore --at gives an older version back, straight out of the store', async () => {
    const { cli, folder, device } = await ready();
    await cli('backup', '--to', folder);
    device.fileSystem.modify(note, { content: 'second' });
    await cli('backup', folder);
    expect(await cli('restore', folder, '--at', 'newest~5', '--yes')).toMatchObject({ exitCode: 4 });
    expect(await cli('restore', folder, '--at', 'newest~1', '--yes')).toMatchObject({ exitCode: 0 });
    await device.backups.untilIdle();
    expect(Buffer.from(await device.fileSystem.read(note)).toString()).toBe('first');
  });
});

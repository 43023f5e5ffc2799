import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Backup } from '../../src/entry/index.js';
import { createVirtualDevice, type CreateVirtualDeviceOptions, type FileSpec } from '../../src/entry/testing.js';
import { trust } from '../support/trust.js';
import { runCli, type CliResult } from './run-cli.js';

const udid = '00008120-000A11B22C33001E';
const domain = 'HomeDomain';
const fileSystem: readonly FileSpec[] = [
  { domain, relativePath: 'Library/a.txt', content: 'first' },
  { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG', content: { size: 200_000 } },
];

/** A paired virtual device, the command line that finds it, and a folder for backups. */
async function ready(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({ ios: '15.7', device: { udid, name: 'Sam' }, fileSystem, ...options });
  const folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-backup-'));
  onTestFinished(async () => {
    await device.close();
    await rm(folder, { recursive: true, force: true });
  });
  const cli = async (
    args: readonly string[],
    { env = {}, columns }: { env?: NodeJS.ProcessEnv; columns?: number } = {},
  ): Promise<CliResult> =>
    await runCli(args, {
      env: { USBMUXD_SOCKET_ADDRESS: device.address, ...env },
      ...(columns !== undefined && { columns }),
    });
  await trust(device);
  return { device, folder, cli };
}

const records = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const contains = (text: string) => expect.stringContaining(text) as string;

describe('backup', () => {
  test('writes <folder>/<UDID>, adds to it, and takes the folder of the device too', async () => {
    const { cli, folder, device } = await ready();
    const first = await cli(['backup', folder]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(new RegExp(`^${udid}\tfull\t\\d+\t\\d+\t[\\d.]+\t0\t${join(folder, udid)}\n$`));
    expect(await readdir(folder)).toEqual([udid]);
    device.fileSystem.add({ domain, relativePath: 'Library/b.txt', content: 'second' });
    const second = await cli(['backup', join(folder, udid)], { columns: 200 });
    expect(second.stdout).toMatch(/^Incremental backup, not encrypted: \d+ files, .+ in 0:0\d; /);
    expect(await readdir(folder)).toEqual([udid]);
    await using backup = await Backup.open(join(folder, udid));
    expect(await backup.files.get({ domain, relativePath: 'Library/b.txt' })).toBeDefined();
    expect((await cli(['backup', folder, '--full'])).stdout).toContain('\tfull\t');
  });

  test('--json gives progress and the result', async () => {
    const { cli, folder } = await ready();
    const events = records((await cli(['backup', folder, '--json'])).stdout);
    expect(events[0]).toEqual({ type: 'phase', phase: 'preparing' });
    expect(events.some(({ type }) => type === 'transfer')).toBe(true);
    expect(events.at(-2)).toEqual({ type: 'overall', fraction: 1 });
    expect(events.at(-1)).toMatchObject({ type: 'result', udid, isFull: true, path: join(folder, udid), problems: 0 });
  });

  test('says when the passcode is needed, and ends with 8 where it is not entered', async () => {
    const { cli, folder, device } = await ready({ ios: '17.4' });
    expect(await cli(['backup', folder])).toMatchObject({ exitCode: 0, stderr: 'Enter the passcode on the device\n' });
    device.backups.answerPasscode('dismiss');
    expect(await cli(['backup', folder])).toMatchObject({ exitCode: 8, stderr: contains('unlock it') });
  });

  test.each([
    ['an owner who cancels', { code: 202, exitCode: 12 }],
    ['an error of the device', { code: 104, exitCode: 9 }],
  ])('%s ends it, and the backup is as it was', async (_what, { code, exitCode }) => {
    const { cli, folder, device } = await ready();
    device.backups.faults.at('upload', { respond: { code } });
    expect(await cli(['backup', folder])).toMatchObject({ exitCode, stdout: '', stderr: contains(`(${code})`) });
    device.backups.faults.clear();
    expect(await cli(['backup', folder])).toMatchObject({ exitCode: 0 });
  });

  test('a file that the device cannot read is told, and the exit code is 5', async () => {
    const { cli, folder, device } = await ready();
    device.backups.faults.quirks.failFile = ({ relativePath }) =>
      relativePath === 'Library/a.txt' ? { code: 0x06, text: 'cannot be read' } : undefined;
    const { exitCode, stderr, stdout } = await cli(['backup', folder]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 5, stderr: contains('issue file-incomplete') });
    expect(stdout).toContain('\t1\t');
  });
});

describe('encryption and restore', () => {
  test('the password is set, changed and removed, and is never told', async () => {
    const { cli, device, folder } = await ready();
    expect(await cli(['encryption', 'on'])).toMatchObject({ exitCode: 3, stderr: contains('IOS_BACKUP_PASSWORD') });
    expect(await cli(['encryption', 'on', '--password', 'x'])).toMatchObject({ exitCode: 2 });
    const on = await cli(['encryption', 'on'], { env: { IOS_BACKUP_PASSWORD: 'one-secret' } });
    expect(on).toMatchObject({ exitCode: 0, stdout: '' });
    expect(device.backups.password).toBe('one-secret');
    const file = join(folder, 'password');
    await writeFile(file, 'two-secret\n');
    const wrong = await cli(['encryption', 'change', '--new-password-file', file], {
      env: { IOS_BACKUP_PASSWORD: 'bad-secret' },
    });
    expect(wrong.exitCode).toBe(3);
    const env = { IOS_BACKUP_PASSWORD: 'one-secret', IOS_BACKUP_NEW_PASSWORD: 'three-secret' };
    expect(await cli(['encryption', 'change', '--new-password-file', file], { env })).toMatchObject({ exitCode: 0 });
    expect(device.backups.password).toBe('two-secret');
    expect(await cli(['encryption', 'change', '--password-file', file], { env })).toMatchObject({ exitCode: 0 });
    expect(device.backups.password).toBe('three-secret');
    const again = await cli(['encryption', 'on'], { env });
    expect(again).toMatchObject({ exitCode: 1, stderr: contains('encrypted already') });
    const off = await cli(['encryption', 'off'], { env: { IOS_BACKUP_PASSWORD: 'three-secret' } });
    expect(off).toMatchObject({ exitCode: 0 });
    expect(device.backups.password).toBeUndefined();
    for (const { stdout, stderr } of [on, wrong, again, off]) expect(stdout + stderr).not.toContain('secret');
  });

  test('a restore asks for --yes, needs the password, and gives every file back', async () => {
    const { cli, device, folder } = await ready({
      backup: { password: 'pw', profile: { restartDelayMs: 0, restartMs: 0 } },
    });
    expect(await cli(['backup', folder])).toMatchObject({ exitCode: 0 });
    device.fileSystem.modify({ domain, relativePath: 'Library/a.txt' }, { content: 'changed' });
    expect(await cli(['restore', folder])).toMatchObject({ exitCode: 2, stderr: contains('--yes') });
    expect(await cli(['restore', folder, '--yes'])).toMatchObject({
      exitCode: 3,
      stderr: contains('IOS_BACKUP_PASSWORD'),
    });
    const wrong = { IOS_BACKUP_PASSWORD: 'wrong' };
    expect(await cli(['restore', folder, '--yes'], { env: wrong })).toMatchObject({ exitCode: 3 });
    const env = { IOS_BACKUP_PASSWORD: 'pw' };
    const { exitCode, stdout } = await cli(['restore', join(folder, udid), '--yes', '--json'], { env });
    expect(exitCode).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ type: 'result', udid, problems: 0 });
    await device.backups.untilIdle();
    expect(Buffer.from(await device.fileSystem.read({ domain, relativePath: 'Library/a.txt' })).toString()).toBe(
      'first',
    );
  });

  const usual = {
    RestoreSystemFiles: false,
    RestoreDontCopyBackup: true,
    RestorePreserveSettings: true,
    RemoveItemsNotRestored: false,
  };
  const { RestoreDontCopyBackup: _copy, ...copied } = usual;

  test.each([
    [[], usual],
    [['--no-reboot', '--skip-apps'], { ...usual, RestoreShouldReboot: false }],
    [
      ['--system', '--settings', '--remove'],
      { ...usual, RestoreSystemFiles: true, RestorePreserveSettings: false, RemoveItemsNotRestored: true },
    ],
    [['--copy'], copied],
  ])('options of a restore reach the device: %j', async (flags, expected) => {
    const requests: Map<string, unknown>[] = [];
    const { cli, folder } = await ready({
      apps: [{ bundleId: 'com.example.notes' }],
      backup: { profile: { restartDelayMs: 0, restartMs: 0 } },
      onMessage: ({ message }) => {
        const [, request] = Array.isArray(message) ? (message as unknown[]) : [];
        if (request instanceof Map && request.get('MessageName') === 'Restore') requests.push(request);
      },
    });
    await cli(['backup', folder]);
    expect(await cli(['restore', folder, '--yes', ...flags])).toMatchObject({ exitCode: 0 });
    expect(requests.map((request) => Object.fromEntries(request.get('Options') as Map<string, unknown>))).toEqual([
      expected,
    ]);
  });

  test('a folder without a backup ends with one line and nothing was asked of the device', async () => {
    const { cli, folder, device } = await ready();
    const { exitCode, stderr } = await cli(['restore', folder, '--yes']);
    expect({ exitCode, lines: stderr.trimEnd().split('\n').length }).toEqual({ exitCode: 1, lines: 1 });
    expect(device.backups.runs).toEqual([]);
  });
});

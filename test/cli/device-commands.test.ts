import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createVirtualDevice, createVirtualMux, type CreateVirtualDeviceOptions } from '../../src/entry/testing.js';
import { trust } from '../support/trust.js';
import { runCli, type CliResult } from './run-cli.js';

const udid = '00008120-000A11B22C33001E';

/** A virtual device and the command line that finds it. */
async function ready(options: CreateVirtualDeviceOptions = {}) {
  const device = await createVirtualDevice({
    ios: '15.7',
    device: { udid, name: 'Sam\u2019s \u001b[2Jphone' },
    apps: [
      { bundleId: 'com.example.notes', name: 'Notes', container: { 'Documents/list.txt': 'milk' } },
      { bundleId: 'com.example.system', type: 'System', fileSharing: false },
    ],
    media: { 'DCIM/100APPLE/IMG_0001.JPG': new Uint8Array(1000), 'Books/a.txt': 'a book' },
    ...options,
  });
  const folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-device-'));
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
  return { device, folder, cli };
}

/** The same, paired. */
async function paired(options: CreateVirtualDeviceOptions = {}) {
  const lab = await ready(options);
  await trust(lab.device);
  return lab;
}

const records = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const contains = (text: string) => expect.stringContaining(text) as string;

describe('devices, pair and unpair', () => {
  test('a device is listed, paired and forgotten', async () => {
    const { cli, device } = await ready();
    expect((await cli(['devices'])).stdout).toBe(`${udid}\tUSB\tnot paired\t\t\t\n`);
    expect(await cli(['pair'])).toMatchObject({ exitCode: 0, stdout: `${udid}\n`, stderr: '' });
    expect((await cli(['devices'])).stdout).toBe(
      `${udid}\tUSB\tpaired\tSam\u2019s \\x1b[2Jphone\t${device.productType}\t15.7\n`,
    );
    expect(records((await cli(['devices', '--json'])).stdout)).toMatchObject([
      { udid, connectionType: 'USB', info: { productVersion: '15.7' } },
    ]);
    expect(await cli(['unpair'])).toMatchObject({ exitCode: 0, stdout: '' });
    expect(device.trustedHosts).toEqual([]);
    expect((await cli(['devices', '--json'])).stdout).toContain('"DEVICE_NOT_PAIRED"');
  });

  test('pairing says what the owner has to do, and ends when they have done it', async () => {
    const { cli } = await ready({ trust: { pending: 1 } });
    const { exitCode, stdout, stderr } = await cli(['pair', '--json']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('Tap Trust on the device, and enter its passcode there …\n');
    expect(records(stdout)).toMatchObject([
      { type: 'waiting-for-trust', udid },
      { type: 'paired', udid },
      { type: 'result', udid, info: { udid } },
    ]);
  });

  test('on a terminal control characters of a name do not get out', async () => {
    const { cli } = await ready();
    const { stdout } = await cli(['pair'], { columns: 80 });
    expect(stdout).toBe(`Sam\u2019s \\x1b[2Jphone (${udid}) trusts this computer\n`);
  });

  test('an owner who does not trust ends it with 7', async () => {
    const { cli } = await ready({ trust: 'deny' });
    expect(await cli(['pair'])).toMatchObject({ exitCode: 7, stdout: '' });
  });
});

describe('choosing a device', () => {
  test('several without --udid end with 6 and are named', async () => {
    const mux = await createVirtualMux({ devices: [{ seed: 1 }, { seed: 2, network: true }] });
    onTestFinished(async () => await mux.close());
    const env = { USBMUXD_SOCKET_ADDRESS: mux.address };
    const [first = '', second = ''] = mux.devices.map((device) => device.udid);
    const { exitCode, stderr } = await runCli(['pair'], { env });
    expect(exitCode).toBe(6);
    expect(stderr).toContain(first);
    expect(stderr).toContain(second);
    expect(stderr).toContain('--udid');
    expect((await runCli(['pair', '--udid', second], { env })).stdout).toBe(`${second}\n`);
    expect((await runCli(['device-info', '--udid', second, '--network'], { env })).stdout).toContain(
      'connectionType\tNetwork\n',
    );
    expect((await runCli(['devices'], { env })).stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  test.each([
    ['one that is not there', { args: ['--udid', 'f'.repeat(40)], env: {}, exitCode: 6 }],
    ['no usbmuxd', { args: [], env: { USBMUXD_SOCKET_ADDRESS: 'UNIX:/nonexistent/usbmuxd' }, exitCode: 6 }],
    ['a wrong address', { args: [], env: { USBMUXD_SOCKET_ADDRESS: 'nonsense' }, exitCode: 2 }],
  ])('%s ends with one line', async (_what, { args, env, exitCode }) => {
    const { cli } = await ready();
    const result = await cli(['device-info', ...args], { env });
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('one that was not paired ends with 7 and says how to pair', async () => {
    const { cli } = await ready();
    expect(await cli(['device-info'])).toMatchObject({ exitCode: 7, stderr: contains('ios-backup pair') });
  });

  test('one that is locked since its start ends with 8', async () => {
    const { cli, device } = await paired();
    device.setLockState('before-first-unlock');
    expect(await cli(['afc', 'ls'])).toMatchObject({ exitCode: 8, stderr: contains('unlock') });
  });

  test('a cable that is pulled ends with 10', async () => {
    const { cli, device } = await paired();
    device.faults.pullCableAfter({ service: 'com.apple.afc', messages: 1 });
    expect(await cli(['afc', 'ls'])).toMatchObject({ exitCode: 10 });
  });
});

describe('device-info and apps', () => {
  test('device-info gives keys and values in a pipe, titles on a terminal, everything as JSON', async () => {
    const { cli } = await paired();
    const { stdout } = await cli(['device-info']);
    expect(stdout).toContain(`udid\t${udid}\n`);
    expect(stdout).toContain('encryptsBackups\tfalse\n');
    expect((await cli(['device-info'], { columns: 80 })).stdout).toMatch(/Free.*70 GB\n/);
    expect(records((await cli(['device-info', '--json'])).stdout)).toMatchObject([
      { info: { udid }, connectionType: 'USB', battery: { percent: 87 }, encryptsBackups: false },
    ]);
  });

  test('apps are those of the owner, unless others are asked for', async () => {
    const { cli } = await paired();
    expect((await cli(['apps'])).stdout).toBe('com.example.notes\tNotes\t1.0\t1\tUser\ttrue\n');
    expect((await cli(['apps', '--type', 'system'])).stdout).toContain('com.example.system\t');
    expect(records((await cli(['apps', '--type', 'any', '--json'])).stdout)).toHaveLength(2);
    expect(await cli(['apps', '--type', 'x'])).toMatchObject({ exitCode: 2 });
  });
});

describe('afc', () => {
  test('lists, puts, gets and removes', async () => {
    const { cli, folder, device } = await paired();
    expect((await cli(['afc', 'ls', '/Books'])).stdout).toMatch(/^file\t6\t\S+Z\t\/Books\/a\.txt\n$/);
    const file = join(folder, 'b.txt');
    await writeFile(file, 'another');
    expect(await cli(['afc', 'mkdir', '/Books/New'])).toMatchObject({ exitCode: 0 });
    expect(await cli(['afc', 'put', file, '/Books/New'])).toMatchObject({ exitCode: 0, stderr: '/Books/New/b.txt\n' });
    expect(Buffer.from(await device.media.readFile('Books/New/b.txt')).toString()).toBe('another');
    expect(await cli(['afc', 'put', file, '/Books/New'])).toMatchObject({ exitCode: 1, stderr: contains('--force') });
    expect(await cli(['afc', 'put', file, '/Books/New/b.txt', '--force'])).toMatchObject({ exitCode: 0 });
    expect((await cli(['afc', 'get', '/Books/a.txt', '-'])).stdout).toBe('a book');
    expect(await cli(['afc', 'get', '/Books/a.txt', folder])).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('a book');
    expect(await cli(['afc', 'get', '/Books/a.txt', folder])).toMatchObject({
      exitCode: 1,
      stderr: contains('--force'),
    });
    expect(await cli(['afc', 'rm', '/Books', '--recursive'])).toMatchObject({ exitCode: 0 });
    expect(await cli(['afc', 'ls', '/Books'])).toMatchObject({ exitCode: 4 });
    expect(records((await cli(['afc', 'ls', '--json'])).stdout)).toMatchObject([{ path: '/DCIM', kind: 'directory' }]);
  });

  test('a file that cannot be fetched whole leaves nothing', async () => {
    const { cli, folder, device } = await paired({ media: { big: new Uint8Array(3_000_000) } });
    device.faults.pullCableAfter({ service: 'com.apple.afc', bytes: 1_500_000 });
    expect(await cli(['afc', 'get', '/big', folder])).toMatchObject({ exitCode: 10 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('shows the files that an app shares', async () => {
    const { cli } = await paired();
    const app = ['--app', 'com.example.notes'];
    expect((await cli(['afc', 'get', '/Documents/list.txt', '-', ...app])).stdout).toBe('milk');
    expect(await cli(['afc', 'ls', '--app', 'com.example.nothing'])).toMatchObject({ exitCode: 9 });
    expect(await cli(['afc', 'ls', '--container'])).toMatchObject({ exitCode: 2 });
  });
});

const commands =
  'devices, watch, pair, unpair, device-info, backup, restore, apps, virtual-device, encryption on, encryption off, encryption change, afc ls, afc get, afc put, afc mkdir, afc rm';

test.each(commands.split(', '))('%s --help has an example', async (name) => {
  const { exitCode, stdout } = await runCli([...name.split(' '), '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`$ ios-backup ${name}`);
  expect(stdout).not.toMatch(/--password(?![-a-z])/);
});

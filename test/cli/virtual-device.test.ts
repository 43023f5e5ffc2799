import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Backup } from '../../src/entry/index.js';
import { buildBackup, createVirtualDevice, sampleBackupSpec } from '../../src/entry/testing.js';
import { describeWithPeers } from '../support/peers.js';
import { iosBackup } from '../support/command.js';
import { runCli } from './run-cli.js';

const run = promisify(execFile);

/** A process of the command line that ends with the test. */
function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess & { text: { out: string; err: string } } {
  const child = spawn(process.execPath, [...iosBackup, ...args], { env: { ...process.env, NODE_OPTIONS: '', ...env } });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.err += part));
  onTestFinished(() => void child.kill('SIGKILL'));
  return Object.assign(child, { text });
}

type Started = ReturnType<typeof start>;

/** Waits until the process has written something that matches, to either stream. */
async function until(child: Started, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(child.text.out) ?? pattern.exec(child.text.err);
    if (match !== null) return match;
    if (child.exitCode !== null) throw new Error(`It has ended with ${child.exitCode}: ${child.text.err}`);
    await Promise.race([
      once(child.stdout ?? child, 'data'),
      once(child.stderr ?? child, 'data'),
      once(child, 'close'),
    ]);
  }
}

async function virtualDevice(
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ child: Started; address: string }> {
  const child = start(['virtual-device', ...args], env);
  const [, address = ''] = await until(child, /^USBMUXD_SOCKET_ADDRESS=(\S+)\n/);
  return { child, address };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-virtual-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('virtual-device', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('prints one line, serves, and ends with 0 by %s', async (signal) => {
    const { child, address } = await virtualDevice(['--ios', '16.5', '--name', 'Test phone']);
    const env = { USBMUXD_SOCKET_ADDRESS: address };
    expect(await runCli(['pair'], { env })).toMatchObject({ exitCode: 0 });
    expect((await runCli(['devices'], { env })).stdout).toMatch(/\tpaired\tTest phone\tiPhone\d+,\d+\t16\.5\n$/);
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(child.text).toEqual({ out: `USBMUXD_SOCKET_ADDRESS=${address}\n`, err: '' });
  });

  test('has the files and names of a backup, and a password that is told where none is given', async () => {
    const folder = await temporaryFolder();
    const from = join(folder, 'from');
    const built = await buildBackup({ ...sampleBackupSpec(), password: 'pw' }, { to: from });
    const { address } = await virtualDevice(['--backup', from], { IOS_BACKUP_PASSWORD: 'pw' });
    const env = { USBMUXD_SOCKET_ADDRESS: address };
    await runCli(['pair'], { env });
    expect(await runCli(['backup', folder], { env })).toMatchObject({ exitCode: 0 });
    await using backup = await Backup.open(join(folder, built.udid));
    let count = 0;
    for await (const _file of backup.files.list()) count += 1;
    expect(count).toBe(built.fileCount);

    const { child, address: second } = await virtualDevice(['--encrypted']);
    const [, password] = await until(child, /Backup password of the device: (\S+)\n/);
    const secondEnv = { USBMUXD_SOCKET_ADDRESS: second, IOS_BACKUP_PASSWORD: password };
    await runCli(['pair'], { env: secondEnv });
    expect(await runCli(['encryption', 'off'], { env: secondEnv })).toMatchObject({ exitCode: 0 });
  });

  test('its owner answers on the input, and unlocks it after a restart', async () => {
    const folder = await temporaryFolder();
    const { child, address } = await virtualDevice(['--trust', 'ask', '--ios', '15.7']);
    const env = { USBMUXD_SOCKET_ADDRESS: address };
    const pairing = start(['pair'], env);
    await until(pairing, /Tap Trust/);
    child.stdin?.write('\n');
    expect(await once(pairing, 'close')).toEqual([0, null]);
    expect(await runCli(['backup', folder], { env })).toMatchObject({ exitCode: 0 });
    const watching = start(['watch'], env);
    await until(watching, /attached/);
    expect(await runCli(['restore', folder, '--yes'], { env })).toMatchObject({ exitCode: 0 });
    await until(watching, /detached[^]*attached/);
    expect(await runCli(['afc', 'ls'], { env })).toMatchObject({ exitCode: 0 });
  });

  test.each([[['--listen', 'nonsense']], [['--ios', '3.0']], [['--trust', 'maybe']]])(
    '%j ends with 2',
    async (args) => {
      expect(await runCli(['virtual-device', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
    },
  );
});

test('watch tells what comes and goes', async () => {
  const device = await createVirtualDevice();
  onTestFinished(async () => await device.close());
  const child = start(['watch'], { USBMUXD_SOCKET_ADDRESS: device.address });
  await until(child, /^attached\t/);
  await device.detach();
  await until(child, /\ndetached\t/);
  expect(child.text.out).toMatch(
    new RegExp(`^attached\t${device.udid}\tUSB\t(\\d+)\ndetached\t${device.udid}\tUSB\t\\1\n$`),
  );
});

test('Ctrl-C in a backup ends it at once, by the signal, and leaves the last backup as it was', async () => {
  const device = await createVirtualDevice({
    ios: '15.7',
    fileSystem: [{ domain: 'HomeDomain', relativePath: 'a', content: 'a' }],
  });
  onTestFinished(async () => await device.close());
  const folder = await temporaryFolder();
  const env = { USBMUXD_SOCKET_ADDRESS: device.address };
  await runCli(['pair'], { env });
  await runCli(['backup', folder], { env });
  device.fileSystem.add({ domain: 'HomeDomain', relativePath: 'b', content: { size: 50_000_000 } });
  device.faults.throttle({ service: 'com.apple.mobilebackup2', bytesPerSecond: 2_000_000 });
  const child = start(['backup', folder, '--json'], env);
  await until(child, /"type":"transfer"/);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([null, 'SIGINT']);
  expect(child.text.err).toBe('ios-backup: Interrupted\n');
  await using backup = await Backup.open(join(folder, device.udid));
  expect(await backup.files.get({ domain: 'HomeDomain', relativePath: 'a' })).toBeDefined();
  device.faults.clear();
  expect(await runCli(['backup', folder], { env })).toMatchObject({ exitCode: 0 });
  expect(await readdir(folder)).toEqual([device.udid]);
});

describeWithPeers(
  'libimobiledevice on `ios-backup virtual-device`:',
  ['idevicepair', 'ideviceinfo', 'idevicebackup2'],
  () => {
    test('pairs, reads and backs up, and our commands go on from there', async () => {
      const { address } = await virtualDevice(['--ios', '15.7', '--name', 'Test phone']);
      const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: address };
      const folder = await temporaryFolder();
      expect((await run('idevicepair', ['pair'], { env })).stdout).toContain('SUCCESS');
      expect((await run('ideviceinfo', ['-k', 'DeviceName'], { env })).stdout).toBe('Test phone\n');
      expect((await run('idevicebackup2', ['backup', folder], { env })).stdout).toContain('Backup Successful.');
      // The record of idevicepair serves here too, and its backup is added to.
      expect((await runCli(['backup', folder], { env })).stdout).toContain('\tincremental\t');
      expect((await run('idevicebackup2', ['backup', folder], { env })).stdout).toContain('Backup Successful.');
    });
  },
);

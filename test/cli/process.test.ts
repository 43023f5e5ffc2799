import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { buildBackup, createVirtualDevice } from '../../src/entry/testing.js';
import { iosBackup } from '../support/command.js';

// What only a process of its own shows: signals, closed pipes, descriptors, a terminal.

const env = { ...process.env, IOS_BACKUP_PASSWORD: 'pw', NODE_OPTIONS: '' };
let folder: string;
let backup: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-process-'));
  backup = join(folder, 'backup');
  const contacts = Array.from({ length: 3000 }, (_unused, index) => ({
    givenName: `Name ${index}`,
    note: 'x'.repeat(99),
  }));
  const files = [{ domain: 'HomeDomain', relativePath: 'big.bin', content: { size: 8 * 1024 * 1024 } }];
  await buildBackup({ password: 'pw', contacts, files }, { to: backup });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Collects what a process writes until it ends. */
async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('the exit code and the whole output get out', async () => {
  const child = spawn(process.execPath, [...iosBackup, 'contacts', backup, '--json'], { env });
  const { code, stdout, stderr } = await ended(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toHaveLength(3000);
});

test('a reader that leaves early ends it quietly', async () => {
  const child = spawn(process.execPath, [...iosBackup, 'cat', backup, '/HomeDomain/big.bin'], { env });
  child.stdout.once('data', () => child.stdout.destroy());
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test.each([['SIGINT'], ['SIGTERM']] as const)(
  '%s ends it with one line and by the same signal, as shells expect',
  async (signal) => {
    const child = spawn(process.execPath, [...iosBackup, 'cat', backup, '/HomeDomain/big.bin'], { env });
    // It cannot have ended: what is not read does not fit into the pipe.
    child.stdout.once('readable', () => {
      child.kill(signal);
      child.stdout.resume();
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    expect({ code, by }).toEqual({ code: null, by: signal });
    expect(stderr).toBe('ios-backup: Interrupted\n');
  },
);

test('the password comes from a file descriptor', async () => {
  const file = join(folder, 'password');
  await writeFile(file, 'pw\n');
  const handle = await open(file);
  const { IOS_BACKUP_PASSWORD: _password, ...without } = env;
  const child = spawn(process.execPath, [...iosBackup, 'ls', backup, '--password-fd', '3'], {
    env: without,
    stdio: ['ignore', 'pipe', 'pipe', handle.fd],
  });
  const { code, stdout } = await ended(child);
  await handle.close();
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('/HomeDomain') as string });
});

// `script` of util-linux gives a process a terminal of its own.
const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;

describe.skipIf(!hasScript)(
  `on a terminal${hasScript ? '' : ' [the command script of util-linux is absent: the prompt is not tested]'}`,
  () => {
    async function onTerminal(
      args: readonly string[],
      typed: readonly string[],
      more: NodeJS.ProcessEnv = {},
    ): Promise<{ code: number | null; screen: string }> {
      const command = [process.execPath, ...iosBackup, ...args].map((part) => `'${part}'`).join(' ');
      const { IOS_BACKUP_PASSWORD: _password, ...without } = env;
      const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        env: { ...without, ...more },
      });
      let screen = '';
      let asked = 0;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        screen += text;
        const prompts =
          screen.match(/(?:Password of the backup|New backup password|Once more|Type yes): /g)?.length ?? 0;
        while (asked < prompts) child.stdin.write(typed[asked++] ?? '');
      });
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, screen };
    }

    test('the password is asked for without echo, and again where it is wrong', async () => {
      const { code, screen } = await onTerminal(['ls', backup], ['wrong\r', 'px\u007fw\r']);
      expect(code).toBe(0);
      expect(screen).toContain('That is not the password of this backup; try again');
      expect(screen).toContain('/HomeDomain');
      expect(screen).not.toContain('wrong');
      expect(screen).not.toContain('px');
    });

    test('an empty password gives up with 3', async () => {
      const { code } = await onTerminal(['ls', backup], ['\r']);
      expect(code).toBe(3);
    });

    test('a new password is asked for twice, and a restore for consent', async () => {
      const device = await createVirtualDevice({
        ios: '15.7',
        backup: { profile: { restartDelayMs: 0, restartMs: 0 } },
      });
      onTestFinished(async () => await device.close());
      const address = { USBMUXD_SOCKET_ADDRESS: device.address };
      await onTerminal(['pair'], [], address);
      const on = await onTerminal(['encryption', 'on'], ['new\r', 'typo\r', 'new\r', 'new\r'], address);
      expect(on.code).toBe(0);
      expect(on.screen).toContain('These are not the same; try again');
      expect(device.backups.password).toBe('new');
      const root = join(folder, 'backups');
      const made = await onTerminal(['backup', root], [], address);
      expect(made).toMatchObject({ code: 0, screen: expect.stringContaining('Full backup, encrypted: ') as string });
      expect(await onTerminal(['restore', root], ['no\r'], address)).toMatchObject({ code: 2 });
      const restored = await onTerminal(['restore', root], ['yes\r', 'wrong\r', 'new\r'], address);
      expect(restored.code).toBe(0);
      expect(restored.screen).toContain('Restored: ');
      await device.backups.untilIdle();
      expect(device.backups.runs.at(-1)).toMatchObject({ request: 'Restore', errorCode: 0 });
    });

    test('Ctrl-C at the prompt ends it with 130', async () => {
      const { code, screen } = await onTerminal(['ls', backup], ['\u0003']);
      expect(code).toBe(130);
      expect(screen).toContain('Interrupted');
    });
  },
);

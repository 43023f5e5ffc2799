import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textWidth } from '../../src/cli/output/text.js';
import { Backup } from '../../src/entry/index.js';
import { buildBackup, type BackupSpec } from '../../src/entry/testing.js';
import { runCli } from './run-cli.js';

const evil = '\u001b]0;owned\u0007\u202egpj.exe';
const password = 'pässwörd 🔑';
const env = { IOS_BACKUP_PASSWORD: password };

const spec: BackupSpec = {
  ios: '17.4',
  password,
  device: { name: `Sam’s ${evil}` },
  files: [
    { domain: 'HomeDomain', relativePath: 'Library/Notes/a.txt', content: 'first line\n\u001b[2Jsecond' },
    { domain: 'HomeDomain', relativePath: 'Library/Notes-2/b.bin', content: new Uint8Array([0, 1, 2, 255]) },
    { domain: 'HomeDomain', relativePath: 'Library/link', kind: 'symlink', linkTarget: `Notes/${evil}` },
    { domain: 'HomeDomain', relativePath: `Library/${evil}`, content: 'x' },
    { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG', content: { size: 5000 } },
  ],
  contacts: [
    { givenName: 'Ada', familyName: 'Lovelace', phones: ['+1 555 0100', '+1 555 0101'], birthday: '--12-10' },
    { organization: `Works ${evil}`, kind: 'organization', emails: ['a@example.com'] },
    { phones: [{ value: '+1 555 0102', label: 999 }] },
  ],
  messages: [
    { text: 'Hello', chat: { participants: ['+15550100'] }, date: new Date('2024-01-02T03:04:05Z') },
    { text: `tab\tand\nline ${evil}`, from: '+15550100', date: new Date('2024-02-02T03:04:05Z') },
  ],
};

let folder: string;
let encrypted: string;
let plain: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-'));
  encrypted = join(folder, 'encrypted');
  plain = join(folder, 'plain');
  await buildBackup(spec, { to: encrypted });
  await buildBackup({ ...spec, password: undefined, encrypted: false }, { to: plain });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const recordsOf = (text: string): Record<string, unknown>[] =>
  linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>);

describe('list and info', () => {
  test('need no password and give one record for each backup', async () => {
    const { exitCode, stdout } = await runCli(['list', folder, '--json']);
    expect(exitCode).toBe(0);
    expect(recordsOf(stdout)).toMatchObject([
      { path: encrypted, deviceName: `Sam’s ${evil}`, isEncrypted: true, productVersion: '17.4' },
      { path: plain, isEncrypted: false },
    ]);
    const info = await runCli(['info', encrypted, '--json']);
    expect(recordsOf(info.stdout)).toMatchObject([{ isEncrypted: true, deviceName: `Sam’s ${evil}`, warnings: [] }]);
  });

  test('info gives keys and values in a pipe', async () => {
    const { stdout } = await runCli(['info', plain]);
    expect(linesOf(stdout)).toContain('productVersion\t17.4');
    expect(linesOf(stdout)).toContain('isEncrypted\tfalse');
  });

  test('a folder that is no backup ends with 4 and says what to do', async () => {
    for (const path of [join(folder, 'nothing'), '/']) {
      const { exitCode, stdout, stderr } = await runCli(['info', path]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
      expect(linesOf(stderr)).toHaveLength(1);
      expect(stderr).toMatch(/^ios-backup: .+; .+/);
    }
  });
});

describe('ls', () => {
  test('lists domains, then folders, then files, as paths that other commands take', async () => {
    const paths = async (...args: string[]): Promise<unknown[]> =>
      linesOf((await runCli(['ls', encrypted, ...args], { env })).stdout).map((line) => line.split('\t').at(-1));
    expect(await paths()).toEqual(['/CameraRollDomain', '/HomeDomain']);
    expect(await paths('/CameraRollDomain/Media/DCIM/')).toEqual(['/CameraRollDomain/Media/DCIM/100APPLE']);
    expect(await paths('/HomeDomain/Library/Notes')).toEqual(['/HomeDomain/Library/Notes/a.txt']);
    expect(await paths('/HomeDomain/Library/Notes/a.txt')).toEqual(['/HomeDomain/Library/Notes/a.txt']);
    expect(await paths('--glob', '**/*.{txt,JPG}')).toEqual([
      '/CameraRollDomain/Media/DCIM/100APPLE/IMG_0001.JPG',
      '/HomeDomain/Library/Notes/a.txt',
    ]);
    expect(await paths('/CameraRollDomain', '--recursive')).toHaveLength(5);
    expect(await paths('--domain', 'CameraRollDomain')).toHaveLength(5);
  });

  test('columns of a pipe are kind, size, time and path', async () => {
    const { stdout } = await runCli(['ls', plain, '/HomeDomain/Library/Notes']);
    expect(stdout).toMatch(/^file\t\d+\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\t\/HomeDomain\/Library\/Notes\/a\.txt\n$/);
  });

  test('JSON has the fields of the library', async () => {
    const { stdout } = await runCli(['ls', encrypted, '/HomeDomain/Library/Notes-2', '--json'], { env });
    expect(recordsOf(stdout)).toMatchObject([
      {
        path: '/HomeDomain/Library/Notes-2/b.bin',
        domain: 'HomeDomain',
        relativePath: 'Library/Notes-2/b.bin',
        kind: 'file',
        size: 4,
        mode: 0o100644,
        isEncrypted: true,
        problems: [],
      },
    ]);
  });

  test('names never reach a terminal as they are, and lines fit it', async () => {
    const { stdout } = await runCli(['ls', plain, '/HomeDomain/Library'], { columns: 60 });
    // oxlint-disable-next-line no-control-regex -- only the bold header may have escapes
    expect(stdout.replace(/^\u001b\[1m(.*)\u001b\[22m\n/, '$1\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(stdout).toContain('\\x07\\u202egpj.exe');
    for (const line of linesOf(stdout)) expect(textWidth(line)).toBeLessThanOrEqual(60);
  });

  test('a path that is not there ends with 4', async () => {
    const { exitCode, stderr } = await runCli(['ls', plain, '/HomeDomain/Nothing']);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('/HomeDomain/Nothing');
  });
});

describe('cat', () => {
  test('gives the bytes of a file', async () => {
    const { exitCode, bytes } = await runCli(['cat', encrypted, '/HomeDomain/Library/Notes-2/b.bin'], { env });
    expect(exitCode).toBe(0);
    expect(bytes).toEqual(new Uint8Array([0, 1, 2, 255]));
  });

  test('escapes control characters on a terminal', async () => {
    const { stdout } = await runCli(['cat', plain, '/HomeDomain/Library/Notes/a.txt'], { columns: 80 });
    expect(stdout).toBe('first line\n\\x1b[2Jsecond');
  });

  test.each([
    ['/HomeDomain/Library/Nothing', 4],
    ['/HomeDomain/Library/Notes', 1],
    ['/', 2],
    ['/HomeDomain/../x', 2],
  ])('of %s ends with %i', async (path, code) => {
    const { exitCode, stdout, stderr } = await runCli(['cat', plain, path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(linesOf(stderr)).toHaveLength(1);
  });
});

describe('contacts and messages', () => {
  test('come as records with --json, and issues are counted on the side', async () => {
    const { exitCode, stdout, stderr } = await runCli(['contacts', encrypted, '--json'], { env });
    expect(exitCode).toBe(0);
    expect(recordsOf(stdout)).toMatchObject([
      { rowId: 1, displayName: 'Ada Lovelace', phones: [{ value: '+1 555 0100' }, { value: '+1 555 0101' }] },
      { rowId: 2, kind: 'organization' },
      { rowId: 3, phones: [{ value: '+1 555 0102' }] },
    ]);
    expect(stderr).toBe('ios-backup: 1 field or row could not be decoded in full; --verbose lists them\n');
    const verbose = await runCli(['contacts', encrypted, '--verbose'], { env });
    expect(verbose.stderr).toContain('issue label-dangling (ABMultiValue 4 label)');
  });

  test('come as columns in a pipe', async () => {
    const contacts = await runCli(['contacts', plain]);
    expect(linesOf(contacts.stdout)[0]).toBe('1\tAda Lovelace\t\t+1 555 0100, +1 555 0101\t\t--12-10\t');
    const messages = await runCli(['messages', plain]);
    expect(linesOf(messages.stdout)).toHaveLength(2);
    expect(linesOf(messages.stdout)[0]).toMatch(/^\d+\t2024-01-02T03:04:05\.000Z\t.*\tme\tHello$/);
    expect(linesOf(messages.stdout)[1]).toContain('tab\\tand\\nline \\x1b]0;owned');
  });

  test('messages can be chosen by time and order', async () => {
    const since = await runCli(['messages', plain, '--since', '2024-02-01', '--json']);
    expect(recordsOf(since.stdout)).toMatchObject([{ text: expect.stringContaining('tab') as string }]);
    const newest = await runCli(['messages', plain, '--newest-first', '--json']);
    expect(recordsOf(newest.stdout).map((record) => record['date'])).toEqual([
      '2024-02-02T03:04:05.000Z',
      '2024-01-02T03:04:05.000Z',
    ]);
  });

  test('--strict fails at the first issue', async () => {
    const { exitCode, stderr } = await runCli(['contacts', plain, '--strict']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^ios-backup: The value refers to label 999/);
  });

  test('a backup without the dataset ends with 4', async () => {
    const empty = join(folder, 'empty', 'backup');
    await buildBackup({ encrypted: false }, { to: empty });
    const { exitCode, stderr } = await runCli(['contacts', empty]);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('AddressBook');
  });
});

describe('passwords', () => {
  test('are taken from a file, a variable and as a derived key', async () => {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, `${password}\nanother line\n`);
    const keyFile = join(folder, 'key');
    await using backup = await Backup.open(encrypted, { password });
    await writeFile(keyFile, `${Buffer.from(backup.exportKey() ?? []).toString('hex')}\n`);
    for (const args of [
      ['--password-file', passwordFile],
      ['--key-file', keyFile],
    ]) {
      const { exitCode, stdout } = await runCli(['ls', encrypted, ...args]);
      expect({ exitCode, lines: linesOf(stdout).length }).toEqual({ exitCode: 0, lines: 2 });
    }
    expect((await runCli(['ls', encrypted], { env })).exitCode).toBe(0);
  });

  test('that are missing or wrong end with 3', async () => {
    const missing = await runCli(['ls', encrypted]);
    expect(missing.exitCode).toBe(3);
    expect(missing.stderr).toContain('IOS_BACKUP_PASSWORD');
    const wrong = await runCli(['ls', encrypted], { env: { IOS_BACKUP_PASSWORD: 'wrong-secret' } });
    expect(wrong.exitCode).toBe(3);
    expect(wrong.stderr).not.toContain('wrong-secret');
  });

  test.each([['--password', 'secret'], ['--password=secret'], ['--password']])(
    'on the command line are refused, with the reason and without repeating them: %s',
    async (...args) => {
      const { exitCode, stderr } = await runCli(['ls', encrypted, ...args]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--password-file');
      expect(stderr).not.toContain('secret');
    },
  );

  test.each([
    ['--password-file', '/nonexistent/file'],
    ['--key-file', '/dev/null'],
    ['--password-fd', 'x'],
    ['--password-fd', '987'],
  ])('%s %s ends with 2', async (...args) => {
    const { exitCode, stderr } = await runCli(['ls', encrypted, ...args]);
    expect(exitCode).toBe(2);
    expect(linesOf(stderr)).toHaveLength(1);
  });
});

describe('the command line', () => {
  test.each([
    [[]],
    [['nothing']],
    [['ls']],
    [['ls', '--nothing']],
    [['extract', 'x']],
    [['messages', 'x', '--since', 'y']],
  ])('%j ends with 2 and prints nothing to the output', async (args) => {
    const { exitCode, stdout, stderr } = await runCli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  test.each(['list', 'info', 'ls', 'cat', 'extract', 'messages', 'contacts'])(
    '%s --help has an example',
    async (name) => {
      const { exitCode, stdout } = await runCli([name, '--help']);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`$ ios-backup ${name}`);
      expect(stdout).not.toMatch(/--password(?![-a-z])/);
    },
  );

  test('--version gives the version', async () => {
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('--verbose gives the code and the causes of an error', async () => {
    const { stderr } = await runCli(['cat', plain, '/HomeDomain/Library/Nothing', '--verbose']);
    expect(linesOf(stderr)[1]).toBe('  code: MANIFEST_FILE_NOT_FOUND');
    const secret = await runCli(['ls', encrypted, '--password-file', '/nonexistent/file', '--verbose']);
    expect(secret.stderr).toContain('caused by Error [ENOENT]');
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Backup, directoryTree } from '../../src/entry/index.js';
import { SnapshotStore } from '../../src/entry/snapshot.js';
import { buildBackup } from '../../src/entry/testing.js';
import { iosBackup } from '../support/command.js';
import { runCli, type CliResult } from './run-cli.js';

const udid = '00008120-000A11B22C33001E';
const other = '00008110-000B22C33D44002F';
const password = 'pw';
const env = { IOS_BACKUP_PASSWORD: password };
const domain = 'HomeDomain';

let folder: string;
/** A location with three versions; tests that change something have one of their own. */
let location: string;
let ids: readonly string[];

const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const rowsOf = (text: string): string[][] => linesOf(text).map((line) => line.split('\t'));
const recordsOf = (text: string): Record<string, unknown>[] =>
  linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>);
const contains = (text: string) => expect.stringContaining(text) as string;

/** Writes the newest backup of a device as another tool would: anew. */
async function writeBackup(
  root: string,
  day: number,
  { device = udid, encrypted = true }: { device?: string; encrypted?: boolean } = {},
): Promise<void> {
  const path = join(root, device);
  await rm(path, { recursive: true, force: true });
  await buildBackup(
    {
      seed: 'the same keys each day',
      ios: '17.4',
      device: { udid: device, name: 'Sam' },
      ...(encrypted ? { password, kdf: 'fast' } : { encrypted: false }),
      files: [
        { domain, relativePath: 'Library/day.txt', content: `day ${day}` },
        { domain, relativePath: 'Library/same.bin', content: { size: 50_000 } },
        ...(day === 2 ? [{ domain, relativePath: 'Library/once.txt', content: 'only on the second day' }] : []),
      ],
      messages: Array.from({ length: day }, (_unused, index) => ({ text: `message of day ${index + 1}` })),
      contacts: [{ givenName: 'Ada' }],
    },
    { to: path },
  );
}

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ios-backup-cli-versions-'));
  onTestFinished(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

/** Versions of days 1 to `days`, oldest first. */
async function makeLocation(root: string, days: number, options: { encrypted?: boolean } = {}): Promise<string[]> {
  const made: string[] = [];
  for (let day = 1; day <= days; day += 1) {
    await writeBackup(root, day, options);
    const { exitCode, stdout } = await runCli(['versions', 'capture', root, '--create']);
    expect(exitCode).toBe(0);
    made.push(rowsOf(stdout)[0]?.[0] ?? '');
  }
  return made;
}

async function versions(...args: string[]): Promise<CliResult> {
  return await runCli(['versions', ...args]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-versions-'));
  location = join(folder, 'backups');
  ids = await makeLocation(location, 3);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('versions capture', () => {
  test('begins only where that is asked for, and makes nothing of what has not changed', async () => {
    const root = await temporaryFolder();
    await writeBackup(root, 1);
    expect(await versions('capture', root)).toMatchObject({ exitCode: 4, stderr: contains('--create') });
    const made = await versions('capture', root, '--create', '--note', 'the first');
    expect(rowsOf(made.stdout)).toEqual([
      [expect.any(String), udid, ...Array<unknown>(10).fill(expect.any(String)), 'the first'],
    ]);
    const again = await versions('capture', root);
    expect(again).toMatchObject({ exitCode: 0, stderr: contains('Nothing has changed since') });
    expect(again.stdout).toBe(made.stdout);
    expect(await versions('capture', await temporaryFolder(), '--create')).toMatchObject({ exitCode: 4 });
  });

  test('a backup that is not finished makes no version, and says so', async () => {
    const root = await temporaryFolder();
    await writeBackup(root, 1);
    const code = 'SNAPSHOT_INCOMPLETE';
    const status = '<plist version="1.0"><dict><key>SnapshotState</key><string>uploading</string></dict></plist>';
    await writeFile(join(root, udid, 'Status.plist'), status);
    expect(await versions('capture', root, '--create', '--verbose')).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: contains(`code: ${code}`),
    });
  });

  test('takes all devices of a location, or the one that is named', async () => {
    const root = await temporaryFolder();
    await writeBackup(root, 1);
    await writeBackup(root, 2, { device: other });
    expect(rowsOf((await versions('capture', root, '--create')).stdout).map((row) => row[1])).toEqual([other, udid]);
    await writeBackup(root, 3);
    await writeBackup(root, 3, { device: other });
    expect(rowsOf((await versions('capture', join(root, other))).stdout).map((row) => row[1])).toEqual([other]);
    expect(rowsOf((await versions('list', root)).stdout)).toHaveLength(3);
    expect(await versions('show', root)).toMatchObject({ exitCode: 2, stderr: contains('--udid') });
    expect(await versions('show', root, '--udid', udid)).toMatchObject({ exitCode: 0 });
    expect(await versions('show', join(root, udid), '--udid', other)).toMatchObject({ exitCode: 2 });
  });
});

describe('versions list and show', () => {
  test('a line for each, newest first, and the records of the library', async () => {
    const { exitCode, stdout } = await versions('list', location);
    expect(exitCode).toBe(0);
    expect(rowsOf(stdout).map((row) => row[0])).toEqual(ids.toReversed());
    await using store = await SnapshotStore.open(location, { readOnly: true });
    const listed = await store.device(udid).list();
    const asJson = JSON.parse(JSON.stringify(listed)) as unknown;
    expect(recordsOf((await versions('list', location, '--json')).stdout)).toEqual(asJson);
  });

  test('--sizes and show tell the real cost', async () => {
    const rows = rowsOf((await versions('list', location, '--sizes')).stdout);
    for (const row of rows) expect(Number(row[6])).toBeLessThan(Number(row[5]));
    const [shown] = recordsOf((await versions('show', location, 'newest~1', '--json')).stdout);
    expect(shown).toMatchObject({ id: ids[1], ownBytes: Number(rows[1]?.[6]) });
    const usage = recordsOf((await versions('usage', location, '--json')).stdout)[0];
    expect(usage).toMatchObject({ devices: [{ udid, versions: [{ id: ids[2] }, { id: ids[1] }, { id: ids[0] }] }] });
  });

  test('on a terminal it is a table that fits, with short ids and a summary', async () => {
    const list = await runCli(['versions', 'list', location, '--sizes'], { columns: 80 });
    const [header, ...lines] = linesOf(list.stdout);
    expect(header).toContain('Version   Made              Age  Kind     ');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^[a-z2-7]{8}  \d{4}-\d\d-\d\d \d\d:\d\d  now  capture  +\S+ [kM]?B/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(list.stderr).toMatch(/^3 versions: .+ of history beside .+; as separate folders they would take .+\n$/);
    const show = await runCli(['versions', 'show', location, 'newest~2'], { columns: 80 });
    expect(show.stdout).toMatch(/Own +\S+ k?B of \S+ [kM]B\n/);
  });

  test('a version has many names, and a wrong one says what there is', async () => {
    const idOf = async (name: string): Promise<unknown> =>
      recordsOf((await versions('show', location, name, '--json')).stdout)[0]?.['id'];
    const [first = '', second = '', third = ''] = ids;
    const today = new Date(Date.now() + 3_600_000 * 24).toISOString().slice(0, 10);
    expect(await idOf('newest')).toBe(third);
    expect(await idOf('newest~2')).toBe(first);
    expect(await idOf(second)).toBe(second);
    expect(await idOf(second.slice(-8, -1))).toBe(second);
    expect(await idOf(today)).toBe(third);
    expect(await versions('show', location, 'newest~3')).toMatchObject({
      exitCode: 4,
      stderr: contains('versions list'),
    });
    expect(await versions('show', location, '2001-01-01')).toMatchObject({ exitCode: 4 });
    expect(await versions('show', location, '2')).toMatchObject({ exitCode: 2, stderr: contains('3 versions') });
    expect(await versions('show', location, 'first')).toMatchObject({ exitCode: 4 });
    expect(await versions('show', location, '1. 11.')).toMatchObject({ exitCode: 2, stderr: contains('newest~1') });
    expect(await versions('show', folder)).toMatchObject({ exitCode: 4, stderr: contains('no version store') });
    expect(await versions('list', location, '--udid', other)).toMatchObject({ exitCode: 4 });
  });

  test('locations finds it in a folder, and the folder above', async () => {
    for (const place of [location, folder])
      expect(rowsOf((await versions('locations', place)).stdout)).toEqual([['1', '3', expect.any(String), location]]);
    expect(await versions('locations', join(folder, 'nothing'))).toMatchObject({ exitCode: 0, stdout: '' });
  });
});

describe('--at', () => {
  const read = async (...args: string[]): Promise<CliResult> => await runCli(args, { env });

  test.each([['location'], ['device']])(
    'every reading command opens a version, by the folder of the %s',
    async (by) => {
      const path = by === 'location' ? location : join(location, udid);
      const messages = await read('messages', path, '--at', 'newest~1');
      expect(rowsOf(messages.stdout).map((row) => row.at(-1))).toEqual(['message of day 1', 'message of day 2']);
      const cat = await read('cat', path, `/${domain}/Library/once.txt`, '--at', ids[1]?.slice(-8, -3) ?? '');
      expect(cat).toMatchObject({ exitCode: 0, stdout: 'only on the second day', stderr: '' });
      const ls = await read('ls', path, `/${domain}/Library`, '--at', 'newest~2');
      expect(ls.stdout).toContain('day.txt');
      expect(ls.stdout).not.toContain('once.txt');
      expect((await read('contacts', path, '--at', 'newest')).stdout).toContain('Ada');
      expect((await read('info', path, '--at', 'newest~1')).stdout).toContain(`udid\t${udid}\n`);
      const out = join(await temporaryFolder(), 'out');
      expect(await read('extract', path, '--at', 'newest~2', '--out', out)).toMatchObject({ exitCode: 0 });
      expect(await readFile(join(out, domain, 'Library/day.txt'), 'utf8')).toBe('day 1');
    },
  );

  test('the password is needed, and must be right', async () => {
    expect(await runCli(['ls', location, '--at', 'newest~1'])).toMatchObject({ exitCode: 3 });
    const wrong = { IOS_BACKUP_PASSWORD: 'x' };
    expect(await runCli(['ls', location, '--at', 'newest~1'], { env: wrong })).toMatchObject({ exitCode: 3 });
  });

  test('reads from a store that nobody may write to', async () => {
    const root = await temporaryFolder();
    await makeLocation(root, 2);
    const parts = (await readdir(root, { recursive: true })).map((name) => join(root, name));
    for (const path of [root, ...parts]) await chmod(path, 0o555);
    const { exitCode, stdout } = await read('cat', root, `/${domain}/Library/day.txt`, '--at', 'newest~1');
    for (const path of [root, ...parts]) await chmod(path, 0o755);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'day 1' });
  });

  test('a folder without a store, and a name that is none', async () => {
    expect(await read('ls', folder, '--at', 'newest')).toMatchObject({
      exitCode: 4,
      stderr: contains('no version store'),
    });
    expect(await read('ls', location, '--at', 'yesterday!')).toMatchObject({ exitCode: 2 });
  });
});

describe('versions diff', () => {
  test('has the names of the device with the password, and those of the folder without', async () => {
    const named = await runCli(['versions', 'diff', location, 'newest~1'], { env });
    expect(named.exitCode).toBe(0);
    const rows = rowsOf(named.stdout);
    expect(rows.map(([change, , , path]) => [change, path])).toEqual(
      expect.arrayContaining([
        ['modified', `/${domain}/Library/day.txt`],
        ['removed', `/${domain}/Library/once.txt`],
        ['modified', '/HomeDomain/Library/SMS/sms.db'],
      ]),
    );
    expect(named.stderr).toMatch(/0 added, \d+ changed, 1 removed: .+ less\n$/);
    const blobs = await versions('diff', location, 'newest~1', 'newest', '--json');
    expect(recordsOf(blobs.stdout)).toHaveLength(rows.length);
    expect(blobs.stdout).not.toContain('once.txt');
    expect(blobs.stderr).toContain('need the password');
    expect(await versions('diff', location, 'newest')).toMatchObject({ exitCode: 0, stdout: '' });
  });
});

describe('what changes a store', () => {
  let root: string;
  let made: readonly string[];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ios-backup-cli-versions-'));
    made = await makeLocation(root, 3, { encrypted: false });
    onTestFinished(async () => await rm(root, { recursive: true, force: true }));
  });

  test('pin, note, delete and undelete', async () => {
    const [first = '', second = ''] = made;
    expect((await versions('pin', root, second, '--note', 'before the update')).stdout).toContain(
      '\tpinned\t\tbefore the update\n',
    );
    expect((await versions('note', root, first, 'the first')).stdout).toMatch(/\tthe first\n$/);
    expect(await versions('delete', root, first)).toMatchObject({ exitCode: 2, stderr: contains('--yes') });
    expect(await versions('delete', root, second)).toMatchObject({ exitCode: 1, stderr: contains('unpin it first') });
    expect(await versions('delete', root, second, '--yes')).toMatchObject({ exitCode: 1, stderr: contains('pinned') });
    expect((await versions('unpin', root, second)).stdout).toMatch(/\t\t\tbefore the update\n$/);
    expect(await versions('delete', root, first, 'newest~1', '--yes')).toMatchObject({
      exitCode: 0,
      stderr: contains('7 days'),
    });
    expect(rowsOf((await versions('list', root)).stdout)).toHaveLength(1);
    expect(rowsOf((await versions('list', root, '--deleted')).stdout).map((row) => row[11])).toEqual([
      '',
      'deleted',
      'deleted',
    ]);
    expect((await runCli(['cat', root, `/${domain}/Library/day.txt`, '--at', first])).stdout).toBe('day 1');
    expect(await versions('undelete', root, first)).toMatchObject({ exitCode: 0 });
    expect(await versions('delete', root, first, '--permanently', '--yes')).toMatchObject({
      exitCode: 0,
      stderr: contains('are free again'),
    });
    expect(await versions('undelete', root, first)).toMatchObject({ exitCode: 4 });
    expect(await versions('delete', root, 'newest', '--yes')).toMatchObject({
      exitCode: 1,
      stderr: contains('all versions'),
    });
    expect(await versions('delete', root, '--yes')).toMatchObject({ exitCode: 2 });
    expect(await versions('delete', root, '--all', '--yes')).toMatchObject({ exitCode: 0 });
    expect(await readdir(root)).toContain(udid);
  });

  test('prune says what would go and why, and does it with --yes', async () => {
    const policy = ['--keep-last', '1', '--hourly', '0', '--daily', '0', '--weekly', '0', '--monthly', '0'];
    const dry = await versions('prune', root, ...policy);
    expect(rowsOf(dry.stdout).map((row) => [row[0], row[5]])).toEqual([
      ['keep', 'newest,last'],
      ['drop', 'no-rule'],
      ['drop', 'no-rule'],
    ]);
    for (const row of rowsOf(dry.stdout).slice(1)) expect(Number(row[4])).toBeGreaterThan(0);
    expect(dry.stderr).toMatch(/^2 versions would go, and .+ become free; nothing was changed, --yes does it\n$/);
    expect(rowsOf((await versions('list', root)).stdout)).toHaveLength(3);
    expect((await versions('prune', root)).stderr).toBe('Every version stays\n');
    await versions('prune', root, ...policy, '--save');
    expect((await versions('prune', root)).stderr).toContain('2 versions would go');
    const done = await versions('prune', root, '--yes', '--json');
    expect(recordsOf(done.stdout)).toMatchObject([
      {
        udid,
        applied: true,
        policy: { keepLast: 1 },
        keep: [{ id: made[2] }],
        drop: [{ id: made[1] }, { id: made[0] }],
      },
      { purged: { versions: [] } },
    ]);
    expect(rowsOf((await versions('list', root)).stdout)).toHaveLength(1);
    expect(await versions('prune', root, '--min-free', 'much')).toMatchObject({ exitCode: 2 });
    expect(await versions('prune', root, '--keep-within', 'long')).toMatchObject({
      exitCode: 2,
      stderr: contains('P30D'),
    });
    expect(await versions('prune', root, '--time-zone', 'Mars/Base')).toMatchObject({ exitCode: 2 });
  });

  test('rollback makes the newest backup what a version is, and can be taken back', async () => {
    expect(await versions('rollback', root, 'newest~2')).toMatchObject({ exitCode: 2, stderr: contains('--yes') });
    expect(await versions('rollback', root, 'newest~2', '--yes')).toMatchObject({ exitCode: 0 });
    expect((await runCli(['cat', join(root, udid), `/${domain}/Library/day.txt`])).stdout).toBe('day 1');
    expect(await versions('rollback', root, 'newest~1', '--yes')).toMatchObject({ exitCode: 0 });
    expect((await runCli(['cat', join(root, udid), `/${domain}/Library/day.txt`])).stdout).toBe('day 3');
  });

  test('export gives a backup of its own, and import takes it in another location, dated as it was made', async () => {
    const out = await temporaryFolder();
    const { exitCode, stdout } = await versions('export', root, 'newest~1', '--to', out);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${join(out, udid)}\n` });
    await using backup = await Backup.open(directoryTree(join(out, udid)));
    expect(await backup.fs.readFile(`/${domain}/Library/once.txt`, 'utf8')).toBe('only on the second day');
    expect(await versions('export', root, 'newest', '--to', out)).toMatchObject({
      exitCode: 1,
      stderr: contains('is there already'),
    });
    const target = join(await temporaryFolder(), 'new');
    const imported = await versions('import', target, out, root, '--create', '--json');
    expect(imported.exitCode).toBe(0);
    expect(recordsOf(imported.stdout).map(({ kind }) => kind)).toEqual(['import', 'import']);
    const rows = rowsOf((await versions('list', target)).stdout);
    expect(rows.map((row) => row[3])).toEqual(['import', 'import']);
    expect(await versions('import', target, await temporaryFolder())).toMatchObject({ exitCode: 4 });
    for (const format of ['tar', 'zip']) {
      const file = join(out, `iphone.${format}`);
      expect(await versions('export', root, 'newest~2', `--${format}`, file)).toMatchObject({ exitCode: 0 });
      expect(await versions('export', root, 'newest~2', `--${format}`, file)).toMatchObject({ exitCode: 1 });
      const { bytes } = await versions('export', root, 'newest~2', `--${format}`, '-');
      expect(bytes.length).toBe((await stat(file)).size);
      expect(await versions('import', target, file)).toMatchObject({ exitCode: 0 });
      expect(await runCli(['cat', target, `/${domain}/Library/day.txt`, '--at', 'newest'])).toMatchObject({
        exitCode: 0,
      });
    }
    expect((await readdir(out)).sort()).toEqual([udid, 'iphone.tar', 'iphone.zip']);
    expect(await versions('import', target, join(root, '.ios-backup-kit/README.txt'))).toMatchObject({ exitCode: 1 });
    expect(await versions('export', root, 'newest')).toMatchObject({ exitCode: 2 });
  });

  test('verify ends with 0 where all is whole, and with 13 where something is lost, which a copy mends', async () => {
    expect(await versions('verify', root, '--level', 'full')).toMatchObject({ exitCode: 0, stdout: '' });
    const copy = join(await temporaryFolder(), 'copy');
    expect(rowsOf((await versions('copy', root, copy)).stdout)).toHaveLength(3);
    expect(await versions('copy', root, copy)).toMatchObject({ stdout: '', stderr: contains('3 were there already') });
    const objects = join(root, '.ios-backup-kit/objects');
    const names = (await readdir(objects, { recursive: true })).filter((name) => name.length > 60);
    for (const name of names) {
      await chmod(join(objects, name), 0o644);
      await writeFile(join(objects, name), 'x');
    }
    const { exitCode, stderr, stdout } = await versions('verify', root);
    expect({ exitCode, stderr }).toEqual({ exitCode: 13, stderr: contains('versions lack something') });
    expect(rowsOf(stdout).map((row) => row[0])).toContain('error');
    const read = await runCli(['cat', root, `/${domain}/Library/day.txt`, '--at', 'newest~2']);
    expect(read).toMatchObject({ exitCode: 13, stderr: contains('versions verify') });
    const repair = await versions('repair', root, '--from', copy);
    expect(repair).toMatchObject({ exitCode: 0, stderr: contains('can be mended; nothing was changed') });
    expect(await versions('verify', root)).toMatchObject({ exitCode: 13 });
    expect(await versions('repair', root, '--from', copy, '--yes')).toMatchObject({ exitCode: 0 });
    expect(await versions('verify', root, '--level', 'full')).toMatchObject({ exitCode: 0 });
  });
});

describe('versions open', () => {
  /** Opens a version in a process of its own, and gives its path. */
  async function open(args: readonly string[]) {
    const child = spawn(process.execPath, [...iosBackup, 'versions', 'open', ...args], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', () => output.includes('\n') && resolve());
      child.once('close', () => reject(new Error('It ended before it was ready')));
    });
    return { child, line: output.trimEnd() };
  }

  test('makes a folder until it is asked to end, and keeps others from removing the version', async () => {
    const { child, line } = await open([location, 'newest~1']);
    expect(await readdir(line)).toContain('Manifest.db');
    expect((await runCli(['cat', line, `/${domain}/Library/day.txt`], { env })).stdout).toBe('day 2');
    expect(await versions('delete', location, 'newest~1', '--yes')).toMatchObject({ exitCode: 11 });
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(existsSync(line)).toBe(false);
  });

  test('--writable --save makes a version of what other tools have changed', async () => {
    const root = await temporaryFolder();
    await makeLocation(root, 1);
    expect(await versions('open', root, 'newest', '--save')).toMatchObject({ exitCode: 2 });
    const { child, line } = await open([root, 'newest', '--writable', '--allow-copy', '--save', '--json']);
    const { path = '' } = JSON.parse(line) as { path?: string };
    await writeFile(join(path, 'note-of-another-tool.txt'), 'changed');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    const out = await temporaryFolder();
    await versions('export', root, 'newest', '--to', out);
    expect(await readFile(join(out, udid, 'note-of-another-tool.txt'), 'utf8')).toBe('changed');
    expect(await readdir(join(root, udid))).not.toContain('note-of-another-tool.txt');
  });
});

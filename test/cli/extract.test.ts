import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildBackup } from '../../src/entry/testing.js';
import { runCli } from './run-cli.js';

const env = { IOS_BACKUP_PASSWORD: 'pw' };
let folder: string;
let backup: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ios-backup-cli-extract-'));
  backup = join(folder, 'backup');
  await buildBackup(
    {
      password: 'pw',
      files: [
        {
          domain: 'HomeDomain',
          relativePath: 'Library/a.txt',
          content: 'a',
          modified: new Date('2020-01-02T03:04:05Z'),
        },
        { domain: 'HomeDomain', relativePath: 'Library/deep/b.txt', content: 'bb' },
        { domain: 'HomeDomain', relativePath: 'Library/lost.txt', content: 'gone', damage: ['content-missing'] },
        { domain: 'MediaDomain', relativePath: 'Media/c.txt', content: 'ccc' },
      ],
    },
    { to: backup },
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const filesIn = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort((a, b) => (a < b ? -1 : 1));

test('a domain goes to a folder with its names and times', async () => {
  const out = join(folder, 'media');
  const { exitCode, stdout, stderr } = await runCli(['extract', backup, '--out', out, '--domain', 'MediaDomain'], {
    env,
  });
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: '1 files, 3 B\n' });
  expect(await filesIn(out)).toEqual(['MediaDomain/Media/c.txt']);
});

test('paths name files and folders', async () => {
  const out = join(folder, 'paths');
  const places = ['/HomeDomain/Library/a.txt', '/HomeDomain/Library/deep'];
  const { exitCode } = await runCli(['extract', backup, ...places, '--out', out], { env });
  expect(exitCode).toBe(0);
  expect(await filesIn(out)).toEqual(['HomeDomain/Library/a.txt', 'HomeDomain/Library/deep/b.txt']);
  expect(await readFile(join(out, 'HomeDomain/Library/deep/b.txt'), 'utf8')).toBe('bb');
  expect((await stat(join(out, 'HomeDomain/Library/a.txt'))).mtime).toEqual(new Date('2020-01-02T03:04:05Z'));
});

test('files that cannot be extracted are named, the rest is written, and it ends with 5', async () => {
  const out = join(folder, 'all');
  const { exitCode, stdout, stderr } = await runCli(['extract', backup, '--out', out, '--json'], { env });
  expect(exitCode).toBe(5);
  expect(await filesIn(out)).toHaveLength(3);
  expect(stderr).toMatch(
    /^not-extracted \/HomeDomain\/Library\/lost\.txt \(content-missing\): .+\n3 files, 6 B; 1 not extracted\n$/,
  );
  expect(JSON.parse(stdout)).toMatchObject({
    files: 3,
    bytes: 6,
    counts: { 'not-extracted': 1 },
    issues: [{ domain: 'HomeDomain', relativePath: 'Library/lost.txt', reason: 'content-missing' }],
  });
});

test('globs choose files, and the layout how they lie', async () => {
  const out = join(folder, 'glob');
  await runCli(['extract', backup, '--out', out, '--glob', '**/[bc].txt', '--layout', 'flat'], { env });
  expect(await filesIn(out)).toEqual(['b.txt', 'c.txt']);
});

test('existing files are an error, until something else is asked for', async () => {
  const out = join(folder, 'again');
  const args = ['extract', backup, '--out', out, '--domain', 'MediaDomain'];
  await runCli(args, { env });
  const again = await runCli(args, { env });
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toContain('--on-existing');
  expect((await runCli([...args, '--on-existing', 'overwrite'], { env })).exitCode).toBe(0);
});

test('archives go to a file by its ending, or to the output', async () => {
  const zip = join(folder, 'out.zip');
  expect((await runCli(['extract', backup, '--out', zip, '--domain', 'MediaDomain'], { env })).exitCode).toBe(0);
  expect((await readFile(zip)).subarray(0, 4)).toEqual(Buffer.from('PK\u0003\u0004'));
  const args = ['extract', backup, '--out', '-', '--format', 'tar', '--domain', 'MediaDomain'];
  const { exitCode, bytes } = await runCli(args, { env });
  expect(exitCode).toBe(0);
  expect(Buffer.from(bytes.subarray(257, 262)).toString()).toBe('ustar');
  expect(Buffer.from(bytes).toString('latin1')).toContain('MediaDomain/Media/c.txt');
});

test.each([
  [['--out', '-']],
  [['--out', '-', '--format', 'tar', '--json']],
  [['--out', 'x.zip', '--on-existing', 'skip']],
  [['--out', 'x', '--layout', 'nothing']],
  [['/', '--out', 'x']],
  [['/HomeDomain', '--out', 'x', '--glob', '*']],
])('%j is refused before anything is opened', async (args) => {
  const { exitCode, stdout } = await runCli(['extract', join(folder, 'nothing'), ...args]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

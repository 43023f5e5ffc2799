import { spawn } from 'node:child_process';
import { once as onceEvent } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directorySink } from '../../src/folder/directory-sink.js';
import { utf8Encode } from '../../src/core/bytes.js';
import type { BackupSink } from '../../src/core/backup-tree.js';
import { contentsOf, temporaryFolder } from '../backup/support.js';

const udid = '00008110-000A1B2C3D4E5F60';
const at = (path: string): string => `${udid}/${path}`;

async function* chunk(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

async function textOf(sink: BackupSink, path: string): Promise<string | undefined> {
  const source = await sink.open(path);
  if (source === undefined) return undefined;
  const bytes = await source.read(0, source.size);
  await source.close();
  return new TextDecoder().decode(bytes);
}

describe('directorySink()', () => {
  it('refuses paths and folders that are none', () => {
    expect(() => directorySink('')).toThrow(TypeError);
    for (const name of ['', '..', 'a/b', 'a\\b', 'a\0'])
      expect(() => directorySink('/tmp/x', { udid: name })).toThrow(TypeError);
  });

  it('changes nothing in the folder before commit, and leaves nothing of its own after close', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, udid));
    await writeFile(join(folder, udid, 'Status.plist'), 'old');
    const before = await stat(join(folder, udid));
    {
      await using sink = directorySink(folder, { udid });
      await sink.write(at('Status.plist'), chunk('new'));
      await sink.remove(at('absent'));
      await sink.makeDirectory(at('Snapshot'));
      expect(await textOf(sink, at('Status.plist'))).toBe('new');
      expect(await readFile(join(folder, udid, 'Status.plist'), 'utf8')).toBe('old');
    }
    expect((await stat(join(folder, udid))).mtimeMs).toBe(before.mtimeMs);
    expect(await readdir(folder)).toEqual([udid]);
    expect(await readdir(join(folder, udid))).toEqual(['Status.plist']);
  });

  it.each([true, false])('commits many files, with the command that syncs all at once: %s', async (hasCommand) => {
    const folder = await temporaryFolder();
    const { PATH } = process.env;
    if (!hasCommand) process.env['PATH'] = join(folder, 'nothing');
    try {
      await using sink = directorySink(folder, { udid });
      for (let index = 0; index < 300; index += 1) await sink.write(at(`aa/${index}`), chunk(`content ${index}`));
      await sink.commit();
    } finally {
      process.env['PATH'] = PATH;
    }
    expect((await readdir(join(folder, udid, 'aa'))).length).toBe(300);
    expect(await readFile(join(folder, at('aa/299')), 'utf8')).toBe('content 299');
  });

  it('moves what lies in a folder that was moved before', async () => {
    const folder = await temporaryFolder();
    await using sink = directorySink(folder, { udid });
    await sink.write(at('a/b/c/file'), chunk('x'));
    await sink.makeDirectory(at('other'));
    await sink.move(at('a'), at('d'));
    await sink.move(at('d/b'), at('other/b'));
    await sink.move(at('other/b/c/file'), at('other/file'));
    await sink.move(at('other/b/c'), at('other/c'));
    await sink.commit();
    expect((await readdir(join(folder, udid), { recursive: true })).toSorted()).toEqual(
      ['d', 'other', 'other/b', 'other/c', 'other/file'].map((path) => join(path)),
    );
  });

  it('tells when files were changed', async () => {
    await using sink = directorySink(await temporaryFolder(), { udid });
    const start = Date.now() - 5000;
    await sink.write(at('file'), chunk('x'));
    for await (const entry of sink.list(udid)) {
      expect(entry.modified?.getTime()).toBeGreaterThan(start);
      expect(entry.modified?.getTime()).toBeLessThan(Date.now() + 5000);
    }
    expect.assertions(2);
  });

  it('reaches only the folder of its device, and never its own', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'another'));
    await writeFile(join(folder, 'another', 'secret'), 'secret');
    await using sink = directorySink(folder, { udid });
    await sink.write(at('file'), chunk('x'));
    for (const path of ['another/secret', `.ios-backup-kit-${udid}/lock`, udid.toLowerCase()]) {
      await expect(sink.open(path)).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
      await expect(sink.move(at('file'), path)).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
    }
    expect(await contentsOf(sink)).toEqual([`${udid}/`, at('file 1')]);
    await using whole = directorySink(await temporaryFolder());
    for (const path of ['.ios-backup-kit/lock', '.IOS-Backup-Kit/x', '.ios-backup-kit-0/x'])
      await expect(whole.write(path, chunk('x'))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
  });

  it('does not follow links, wherever they lie and whatever they point at', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'victim'), 'untouched');
    await mkdir(join(folder, udid, 'aa'), { recursive: true });
    await symlink(outside, join(folder, udid, 'linked'));
    await symlink(join(outside, 'victim'), join(folder, udid, 'aa', 'file'));
    await symlink('absent', join(folder, udid, 'dangling'));
    await using sink = directorySink(folder, { udid });
    for (const path of ['linked/victim', 'linked/new', 'aa/file', 'dangling', 'linked']) {
      await expect(sink.open(at(path))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
      await expect(sink.write(at(path), chunk('x'))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
      await expect(sink.remove(at(path))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
    }
    expect(await contentsOf(sink)).toEqual([`${udid}/`, at('aa/')]);
    await sink.write(at('aa/other'), chunk('x'));
    await sink.commit();
    expect(await readdir(outside)).toEqual(['victim']);
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('untouched');
  });

  it('refuses a folder of the device that is a link', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await symlink(outside, join(folder, udid));
    await using sink = directorySink(folder, { udid });
    await expect(sink.write(at('file'), chunk('x'))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('is refused while another sink of this process has the folder, and free again afterwards', async () => {
    const folder = await temporaryFolder();
    const first = directorySink(folder, { udid });
    await first.write(at('file'), chunk('x'));
    await using second = directorySink(folder, { udid });
    await expect(second.open(at('file'))).rejects.toMatchObject({ code: 'BACKUP_IN_USE', transient: true });
    await using other = directorySink(folder, { udid: 'another' });
    await expect(other.open('another/file')).resolves.toBeUndefined();
    await first.close();
    await using third = directorySink(folder, { udid });
    await expect(third.open(at('file'))).resolves.toBeUndefined();
  });

  it('respects the lock of a process that lives, and of another computer, and not that of one that has ended', async () => {
    const folder = await temporaryFolder();
    const work = join(folder, `.ios-backup-kit-${udid}`);
    await mkdir(work);
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const look = async (): Promise<unknown> => {
      await using sink = directorySink(folder, { udid });
      return await sink.open(at('file'));
    };
    await writeFile(join(work, 'lock'), `${child.pid}\n${hostname()}\nx\n`);
    await expect(look()).rejects.toMatchObject({ code: 'BACKUP_IN_USE' });
    child.kill('SIGKILL');
    await onceEvent(child, 'exit');
    await expect(look()).resolves.toBeUndefined();
    await mkdir(work);
    await writeFile(join(work, 'lock'), `1\nanother-computer\nx\n`);
    await expect(look()).rejects.toThrow(join(work, 'lock'));
    for (const left of ['', 'nonsense', `${2 ** 40}\n${hostname()}\nx\n`]) {
      await mkdir(work, { recursive: true });
      await writeFile(join(work, 'lock'), left);
      await expect(look()).resolves.toBeUndefined();
    }
  });

  it('rejects calls after close', async () => {
    const sink = directorySink(await temporaryFolder(), { udid });
    await sink.write(at('file'), chunk('x'));
    await sink.close();
    await sink.close();
    await expect(sink.open(at('file'))).rejects.toMatchObject({ code: 'IO_FAILED' });
    await expect(sink.commit()).rejects.toMatchObject({ code: 'IO_FAILED' });
  });

  it.skipIf(process.getuid?.() === 0)('reads from a folder that cannot be written to [not as root]', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, udid));
    await writeFile(join(folder, udid, 'file'), 'content');
    await chmod(folder, 0o500);
    await using sink = directorySink(folder, { udid });
    expect(await textOf(sink, at('file'))).toBe('content');
    await expect(sink.write(at('file'), chunk('x'))).rejects.toMatchObject({ code: 'IO_ACCESS_DENIED' });
    await chmod(folder, 0o700);
  });

  it('replaces a link or a file that came in the way of a new folder meanwhile', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await using sink = directorySink(folder, { udid });
    await sink.write(at('aa/file'), chunk('x'));
    await mkdir(join(folder, udid));
    await symlink(outside, join(folder, udid, 'aa'));
    await sink.commit();
    expect(await readFile(join(folder, udid, 'aa', 'file'), 'utf8')).toBe('x');
    expect(await readdir(outside)).toEqual([]);
  });
});

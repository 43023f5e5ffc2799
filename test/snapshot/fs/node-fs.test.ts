import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8Decode, utf8Encode } from '../../../src/core/bytes.js';
import { errnoOf } from '../../../src/core/errno.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';

let folder: string;
const at = (name: string): string => join(folder, name);
let made = 0;
const fresh = (text = 'content'): string => {
  made += 1;
  const path = at(`file-${made}`);
  writeFileSync(path, text);
  return path;
};
const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
    return 'no error';
  } catch (error) {
    return errnoOf(error);
  }
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-fs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('times', () => {
  const year = (number: number): number => Date.UTC(number, 0) * 1000;
  // Ext4 with small inodes ends in 2038.
  test.each([
    ['from 1970 to 2038', 0, year(2038)],
    ['of our days', year(2024), year(2030)],
    ['before 1970', year(1902), -1],
  ])('a time that was set is read back to the microsecond: %s', (_name, min, max) => {
    const path = fresh();
    fc.assert(
      fc.property(fc.integer({ min, max }), (us) => {
        nodeFs.setTime(path, us);
        expect(nodeFs.facts(path)?.modifiedUs).toBe(us);
      }),
      { numRuns: 20_000 },
    );
  });

  test('a time that the disk gave is kept when it is set again', () => {
    for (let i = 0; i < 500; i += 1) {
      const path = fresh();
      const us = nodeFs.facts(path)?.modifiedUs ?? 0;
      // Rounded down, as archives and other tools do: also of 999 nanoseconds.
      expect(BigInt(us)).toBe(lstatSync(path, { bigint: true }).mtimeNs / 1000n);
      nodeFs.setTime(path, us);
      expect(nodeFs.facts(path)?.modifiedUs).toBe(us);
    }
  });
});

describe('names', () => {
  test('facts tell kind, size and links, and do not follow a link', () => {
    const path = fresh('four');
    nodeFs.link(path, at('second'));
    const facts = nodeFs.facts(path);
    expect(facts).toMatchObject({ kind: 'file', size: 4, links: 2 });
    expect(nodeFs.facts(at('second'))).toEqual(facts);
    expect(nodeFs.facts(folder)?.kind).toBe('directory');
    expect(nodeFs.facts(folder)?.volume).toBe(facts?.volume);
    symlinkSync(path, at('symlink'));
    expect(nodeFs.facts(at('symlink'))?.kind).toBe('other');
    expect(nodeFs.facts(at('absent'))).toBeUndefined();
    expect(nodeFs.facts(join(path, 'below'))).toBeUndefined();
  });

  test('entries tell names and kinds, and nothing of what is no folder', () => {
    mkdirSync(at('entries/folder'), { recursive: true });
    writeFileSync(at('entries/file'), '');
    symlinkSync('file', at('entries/link'));
    expect(nodeFs.entries(at('entries')).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'file', kind: 'file' },
      { name: 'folder', kind: 'directory' },
      { name: 'link', kind: 'other' },
    ]);
    expect(nodeFs.entries(at('absent'))).toEqual([]);
    expect(nodeFs.entries(at('entries/file'))).toEqual([]);
  });

  test('what makes a name refuses one that is there; a rename replaces it', () => {
    const [a, b] = [fresh('a'), fresh('b')];
    expect(codeOf(() => nodeFs.create(a))).toBe('EEXIST');
    expect(codeOf(() => nodeFs.copy(a, b))).toBe('EEXIST');
    expect(codeOf(() => nodeFs.link(a, b))).toBe('EEXIST');
    expect(readFileSync(b, 'utf8')).toBe('b');
    nodeFs.rename(a, b);
    expect(readFileSync(b, 'utf8')).toBe('a');
    expect(nodeFs.facts(a)).toBeUndefined();
  });

  test('a clone is one, or fails and leaves nothing', () => {
    const to = at('clone');
    const code = codeOf(() => nodeFs.clone(fresh(), to));
    if (code === 'no error') expect(readFileSync(to, 'utf8')).toBe('content');
    else expect(nodeFs.facts(to)).toBeUndefined();
  });

  test('removing nothing is no harm, a folder that is not empty stays', () => {
    nodeFs.unlink(at('absent'));
    nodeFs.removeFolder(at('absent'));
    nodeFs.makeFolder(at('x/y'));
    nodeFs.makeFolder(at('x/y'));
    expect(codeOf(() => nodeFs.removeFolder(at('x')))).toBe('ENOTEMPTY');
    nodeFs.removeFolder(at('x/y'));
    nodeFs.removeFolder(at('x'));
    expect(nodeFs.facts(at('x'))).toBeUndefined();
  });

  test('modes are set', () => {
    const path = fresh();
    nodeFs.setMode(path, 0o444);
    expect(nodeFs.facts(path)?.mode).toBe(0o444);
  });
});

describe('contents', () => {
  test('a file is written in parts, synced, closed twice and read', async () => {
    const path = at('written');
    const writer = nodeFs.create(path, 0o600);
    writer.write(utf8Encode('one '));
    writer.write(new Uint8Array());
    writer.write(utf8Encode('two'));
    writer.sync();
    writer.close();
    writer.close();
    expect(nodeFs.facts(path)).toMatchObject({ size: 7, mode: 0o600 });
    expect(utf8Decode(nodeFs.read(path, 7) ?? new Uint8Array())).toBe('one two');
    const source = nodeFs.open(path);
    expect(utf8Decode((await source?.read(4, 100)) ?? new Uint8Array())).toBe('two');
    await source?.close();
    await source?.close();
    expect(() => source?.readSync?.(0, new Uint8Array(1))).toThrow('was closed');
    await expect(source?.read(0, 1)).rejects.toMatchObject({ code: 'IO_FAILED' });
  });

  test('a file beyond the limit is refused', () => {
    expect(() => nodeFs.read(fresh('12345678'), 7)).toThrow(expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }));
  });

  test('links, folders, pipes and nothing are no files', () => {
    symlinkSync(fresh(), at('link-to-file'));
    execFileSync('mkfifo', [at('pipe')]);
    for (const path of [at('link-to-file'), folder, at('pipe'), at('absent'), join(fresh(), 'below')]) {
      expect(nodeFs.open(path)).toBeUndefined();
      expect(nodeFs.read(path, 100)).toBeUndefined();
    }
  });

  test('files, folders and volumes are brought to the disk; nothing is an error', async () => {
    nodeFs.sync(fresh());
    nodeFs.sync(folder);
    expect(codeOf(() => nodeFs.sync(at('absent')))).toBe('ENOENT');
    expect(await nodeFs.syncVolume(folder)).toBe(process.platform === 'linux');
    expect(await nodeFs.syncVolume(at('absent'))).toBe(false);
  });

  test('space is told in bytes', () => {
    const { free, total } = nodeFs.space(folder);
    expect(free).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(free);
  });
});

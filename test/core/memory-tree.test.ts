import { describe, expect, it } from 'vitest';
import { utf8Encode } from '../../src/core/bytes.js';
import { memoryTree, readTreeFile, type MemoryTree } from '../../src/core/memory-tree.js';

const one = async function* (text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
};
const names = async (tree: MemoryTree, path: string): Promise<string[]> => {
  const entries: string[] = [];
  for await (const entry of tree.list(path)) entries.push(`${entry.kind} ${entry.path} ${entry.size}`);
  return entries.sort();
};

describe('memoryTree()', () => {
  it('writes, lists, moves, copies and removes files and directories', async () => {
    const tree = memoryTree([['a/b/1', utf8Encode('one')]]);
    await tree.write('a/2', one('two'));
    await tree.makeDirectory('empty/inner');
    expect(await names(tree, '')).toEqual(['directory a 0', 'directory empty 0']);
    expect(await names(tree, 'a')).toEqual(['directory a/b 0', 'file a/2 3']);
    await tree.copy('a', 'copy');
    await tree.move('a/b', 'moved');
    await tree.move('a/2', 'copy/b/1');
    expect([...tree.files.keys()].sort()).toEqual(['copy/2', 'copy/b/1', 'moved/1']);
    await tree.remove('copy');
    await tree.remove('nothing');
    await tree.commit();
    expect(await names(tree, '')).toEqual(['directory a 0', 'directory empty 0', 'directory moved 0']);
    expect(await names(tree, 'nothing')).toEqual([]);
    expect(await tree.freeSpace()).toBeGreaterThan(2 ** 40);
  });

  it('opens files only, and reads them whole within a limit', async () => {
    const tree = memoryTree([['a/1', utf8Encode('one')]]);
    expect(await tree.open('a')).toBeUndefined();
    expect(await readTreeFile(tree, 'a/1', { limit: 3 })).toEqual(utf8Encode('one'));
    expect(await readTreeFile(tree, 'a/2', { limit: 3 })).toBeUndefined();
    await expect(readTreeFile(tree, 'a/1', { limit: 2 })).rejects.toMatchObject({ code: 'FORMAT_LIMIT_EXCEEDED' });
  });

  it('refuses unsafe paths and sources that do not exist', async () => {
    const tree = memoryTree();
    await expect(tree.open('../x')).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
    await expect(tree.write('/x', one('y'))).rejects.toMatchObject({ code: 'IO_UNSAFE_PATH' });
    await expect(tree.move('x', 'y')).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'ENOENT' });
    expect(() => memoryTree([['a/../b', new Uint8Array()]])).toThrow(
      expect.objectContaining({ code: 'IO_UNSAFE_PATH' }),
    );
  });

  it('keeps the former content until a write has ended', async () => {
    const tree = memoryTree([['a', utf8Encode('old')]]);
    const reason = new Error('cable');
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield utf8Encode('new');
      throw reason;
    };
    await expect(tree.write('a', broken())).rejects.toBe(reason);
    expect(tree.files.get('a')).toEqual(utf8Encode('old'));
  });
});

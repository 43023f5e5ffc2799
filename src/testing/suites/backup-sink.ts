import assert from 'node:assert/strict';
import type { BackupSink, TreeEntry } from '../../core/backup-tree.js';
import { concatBytes, utf8Decode, utf8Encode } from '../../core/bytes.js';
import type { ConformanceCase } from './conformance-case.js';

/** Gives an empty sink for one case; it is disposed of afterwards where it can be. */
export type SinkMaker = () => Promise<BackupSink & Partial<AsyncDisposable>>;

/** One requirement. */
type Check = (sink: BackupSink) => Promise<void>;

/** Folder of a device: everything in the cases lies below it, for sinks that take one device's paths only. */
const top = '00008110-000A1B2C3D4E5F60';
const at = (path: string): string => `${top}/${path}`;

const cases: Readonly<Record<string, Check>> = {
  'a file that was written is read back, and its folders are there': async (sink) => {
    await write(sink, 'Snapshot/ab/abcd', 'content');
    assert.equal(await read(sink, 'Snapshot/ab/abcd'), 'content');
    assert.deepEqual(await names(sink, 'Snapshot'), ['ab/']);
  },
  'an empty file is a file': async (sink) => {
    await write(sink, 'empty', '');
    assert.equal(await read(sink, 'empty'), '');
    assert.deepEqual(await names(sink, ''), ['empty']);
  },
  'a file in many chunks is whole, and any range of it can be read': async (sink) => {
    const chunk = new Uint8Array(100_000).map((_, index) => index % 251);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 30; i += 1) yield chunk.slice();
    }
    await sink.write(at('big'), chunks());
    const source = await sink.open(at('big'));
    assert.ok(source !== undefined);
    try {
      assert.equal(source.size, 3_000_000);
      assert.deepEqual(await source.read(299_990, 20), concatBytes([chunk.slice(-10), chunk.slice(0, 10)]));
      assert.equal((await source.read(2_999_999, 10)).length, 1);
    } finally {
      await source.close();
    }
  },
  'writing again replaces the whole content': async (sink) => {
    await write(sink, 'file', 'a longer content');
    await write(sink, 'file', 'short');
    assert.equal(await read(sink, 'file'), 'short');
  },
  'a write that fails leaves the former content, and no trace where there was none': async (sink) => {
    await write(sink, 'file', 'before');
    const failure = new Error('cable');
    for (const path of ['file', 'other'])
      await assert.rejects(sink.write(at(path), failing(failure)), (error) => error === failure);
    assert.equal(await read(sink, 'file'), 'before');
    assert.deepEqual(await names(sink, ''), ['file']);
  },
  'a write that is aborted rejects with the reason and leaves the former content': async (sink) => {
    await write(sink, 'file', 'before');
    const reason = new Error('stop');
    await assert.rejects(
      sink.write(at('file'), once('after'), { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
    const controller = new AbortController();
    async function* abortingAfterOne(): AsyncGenerator<Uint8Array> {
      yield utf8Encode('half');
      controller.abort(reason);
      yield utf8Encode('other half');
    }
    await assert.rejects(
      sink.write(at('file'), abortingAfterOne(), { signal: controller.signal }),
      (error) => error === reason,
    );
    assert.equal(await read(sink, 'file'), 'before');
  },
  'what is being written is not seen before it is whole': async (sink) => {
    let seen: string | undefined = 'nothing';
    async function* looking(): AsyncGenerator<Uint8Array> {
      yield utf8Encode('half');
      seen = await read(sink, 'file');
      yield utf8Encode(', whole');
    }
    await sink.write(at('file'), looking());
    assert.equal(seen, undefined);
    assert.equal(await read(sink, 'file'), 'half, whole');
  },
  'several files can be written at once': async (sink) => {
    const paths = Array.from({ length: 40 }, (_, index) => `${index % 7}/f${index}`);
    await Promise.all(paths.map(async (path) => await write(sink, path, path)));
    for (const path of paths) assert.equal(await read(sink, path), path);
  },
  'a move takes the file away and replaces what was there': async (sink) => {
    await write(sink, 'Snapshot/a', 'new');
    await write(sink, 'a', 'old');
    await sink.move(at('Snapshot/a'), at('a'));
    assert.equal(await read(sink, 'a'), 'new');
    assert.equal(await read(sink, 'Snapshot/a'), undefined);
  },
  'a move makes the folders that it needs': async (sink) => {
    await write(sink, 'a', 'content');
    await sink.move(at('a'), at('x/y/z'));
    assert.equal(await read(sink, 'x/y/z'), 'content');
  },
  'a folder moves with what is in it and replaces a folder': async (sink) => {
    await write(sink, 'from/a', 'a');
    await write(sink, 'from/sub/b', 'b');
    await write(sink, 'to/c', 'c');
    await sink.move(at('from'), at('to'));
    assert.deepEqual(await names(sink, ''), ['to/']);
    assert.deepEqual(await names(sink, 'to'), ['a', 'sub/']);
    assert.equal(await read(sink, 'to/sub/b'), 'b');
  },
  'a file replaces a folder in a move, and a folder a file': async (sink) => {
    await write(sink, 'file', 'file');
    await write(sink, 'folder/inside', 'inside');
    await write(sink, 'folder2/inside', 'inside');
    await sink.move(at('file'), at('folder'));
    assert.equal(await read(sink, 'folder'), 'file');
    assert.equal(await read(sink, 'folder/inside'), undefined);
    await sink.move(at('folder2'), at('folder'));
    assert.equal(await read(sink, 'folder/inside'), 'inside');
  },
  'moving or copying what is not there fails with ENOENT': async (sink) => {
    await assert.rejects(sink.move(at('a'), at('b')), { errno: 'ENOENT' });
    await assert.rejects(sink.copy(at('a'), at('b')), { errno: 'ENOENT' });
  },
  'moving a file onto itself keeps it': async (sink) => {
    await write(sink, 'a', 'content');
    await sink.move(at('a'), at('a'));
    assert.equal(await read(sink, 'a'), 'content');
  },
  'moving or copying a folder into itself is refused': async (sink) => {
    await write(sink, 'a/b', 'content');
    await assert.rejects(sink.move(at('a'), at('a/c')), { errno: 'EINVAL' });
    await assert.rejects(sink.copy(at('a'), at('a/c')), { errno: 'EINVAL' });
    assert.equal(await read(sink, 'a/b'), 'content');
  },
  'a copy leaves the original, and later changes to one do not show in the other': async (sink) => {
    await write(sink, 'a/b', 'content');
    await sink.copy(at('a'), at('c'));
    await write(sink, 'a/b', 'changed');
    assert.equal(await read(sink, 'c/b'), 'content');
    assert.equal(await read(sink, 'a/b'), 'changed');
  },
  'a file and a folder with what is in it are removed, and nothing is no harm': async (sink) => {
    await write(sink, 'a', 'a');
    await write(sink, 'b/c/d', 'd');
    await sink.remove(at('a'));
    await sink.remove(at('b'));
    await sink.remove(at('never/there'));
    assert.deepEqual(await names(sink, ''), []);
    assert.equal(await read(sink, 'b/c/d'), undefined);
  },
  'a folder that is made again after its removal is empty': async (sink) => {
    await write(sink, 'a/b', 'b');
    await sink.commit();
    await sink.remove(at('a'));
    await sink.makeDirectory(at('a'));
    assert.deepEqual(await names(sink, 'a'), []);
    await write(sink, 'a/c', 'c');
    await sink.commit();
    assert.deepEqual(await names(sink, 'a'), ['c']);
  },
  'making a folder makes those above it, and once more is no harm': async (sink) => {
    await sink.makeDirectory(at('a/b/c'));
    await sink.makeDirectory(at('a/b/c'));
    await sink.makeDirectory(at('a'));
    assert.deepEqual(await names(sink, 'a/b'), ['c/']);
  },
  'a folder in place of a file, and a file in place of a folder, are refused': async (sink) => {
    await write(sink, 'file', 'content');
    await write(sink, 'folder/inside', 'inside');
    await assert.rejects(write(sink, 'file/below', 'x'), { errno: 'ENOTDIR' });
    await assert.rejects(sink.makeDirectory(at('file')), { errno: 'ENOTDIR' });
    await assert.rejects(write(sink, 'folder', 'x'), { errno: 'EISDIR' });
    assert.equal(await read(sink, 'file'), 'content');
    assert.equal(await read(sink, 'folder/inside'), 'inside');
  },
  'names that differ only by case are two files or an error, never one content for both': async (sink) => {
    await write(sink, 'name', 'lower');
    const second = await write(sink, 'NAME', 'upper').then(
      () => 'upper',
      () => undefined,
    );
    assert.equal(await read(sink, 'name'), 'lower');
    if (second !== undefined) assert.equal(await read(sink, 'NAME'), second);
  },
  'a list tells kinds, sizes and children, and nothing of what is not there': async (sink) => {
    await write(sink, 'a/file', 'four');
    await sink.makeDirectory(at('a/folder'));
    const entries = await list(sink, 'a');
    assert.deepEqual(
      entries.map(({ path, kind, size }) => ({ path, kind, size })),
      [
        { path: at('a/file'), kind: 'file', size: 4 },
        { path: at('a/folder'), kind: 'directory', size: 0 },
      ],
    );
    assert.deepEqual(await list(sink, 'absent'), []);
  },
  'after a commit everything is as before it, and can be changed again': async (sink) => {
    await write(sink, 'a/b', 'first');
    await write(sink, 'a/gone', 'gone');
    await write(sink, 'c/d', 'd');
    await sink.commit();
    assert.equal(await read(sink, 'a/b'), 'first');
    await write(sink, 'Snapshot/b', 'second');
    await sink.move(at('Snapshot/b'), at('a/b'));
    await sink.remove(at('a/gone'));
    await sink.move(at('c'), at('e'));
    const check = async (): Promise<void> => {
      assert.equal(await read(sink, 'a/b'), 'second');
      assert.deepEqual(await names(sink, 'a'), ['b']);
      assert.deepEqual(await names(sink, ''), ['Snapshot/', 'a/', 'e/']);
      assert.equal(await read(sink, 'e/d'), 'd');
    };
    await check();
    await sink.commit();
    await check();
  },
  'paths that lead out of the tree are refused by every call': async (sink) => {
    await write(sink, 'file', 'content');
    const hostile = [
      '..',
      `../${top}`,
      at('../x'),
      at('a/../../x'),
      '/etc/passwd',
      at('nul\0'),
      at('a\\b'),
      at('a//b'),
      at('./a'),
      'C:/x',
      at('x'.repeat(70_000)),
    ];
    for (const path of hostile) {
      const refused = { code: 'IO_UNSAFE_PATH' };
      await assert.rejects(sink.write(path, once('x')), refused, path);
      await assert.rejects(sink.open(path), refused, path);
      await assert.rejects(sink.remove(path), refused, path);
      await assert.rejects(sink.makeDirectory(path), refused, path);
      await assert.rejects(sink.move(path, at('y')), refused, path);
      await assert.rejects(sink.move(at('file'), path), refused, path);
      await assert.rejects(sink.copy(at('file'), path), refused, path);
      await assert.rejects(
        async () => {
          for await (const _ of sink.list(path)) return;
        },
        refused,
        path,
      );
    }
    assert.deepEqual(await names(sink, ''), ['file']);
  },
  'a signal that is aborted already rejects reads with its reason': async (sink) => {
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(sink.open(at('a'), { signal }), (error) => error === reason);
    await assert.rejects(
      async () => {
        for await (const _ of sink.list(top, { signal })) return;
      },
      (error) => error === reason,
    );
  },
  'free space is a number of bytes': async (sink) => {
    const bytes = await sink.freeSpace();
    assert.ok(Number.isFinite(bytes) && bytes >= 0);
  },
};

/**
 * What every {@link BackupSink} must do, as cases to run in any order with any test framework.
 *
 * @example
 * for (const { title, run } of backupSinkSuite(async () => mySink())) test(title, run);
 */
export function backupSinkSuite(make: SinkMaker): readonly ConformanceCase[] {
  return Object.entries(cases).map(([title, check]) => ({
    title,
    async run() {
      const sink = await make();
      try {
        await check(sink);
      } finally {
        await sink[Symbol.asyncDispose]?.();
      }
    },
  }));
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield utf8Encode(text);
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield utf8Encode('half');
  throw error;
}

async function write(sink: BackupSink, path: string, text: string): Promise<void> {
  await sink.write(at(path), once(text));
}

async function read(sink: BackupSink, path: string): Promise<string | undefined> {
  const source = await sink.open(at(path));
  if (source === undefined) return undefined;
  try {
    return utf8Decode(await source.read(0, source.size));
  } finally {
    await source.close();
  }
}

async function list(sink: BackupSink, path: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for await (const entry of sink.list(path === '' ? top : at(path))) entries.push(entry);
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Names in a folder, in order; folders end with a slash. */
async function names(sink: BackupSink, path: string): Promise<string[]> {
  return (await list(sink, path)).map(
    (entry) => entry.path.slice((path === '' ? top : at(path)).length + 1) + (entry.kind === 'directory' ? '/' : ''),
  );
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ByteRange } from '../../core/byte-source.js';
import { concatBytes, utf8Decode, utf8Encode } from '../../core/bytes.js';
import type { BlobStore } from '../../snapshot/blobs/blob-store.js';
import type { ConformanceCase } from './conformance-case.js';

/** Gives an empty store for one case; it is closed afterwards, and disposed of where it can be. */
export type BlobStoreMaker = () => Promise<BlobStore & Partial<AsyncDisposable>>;

const cases: Readonly<Record<string, (store: BlobStore) => Promise<void>>> = {
  'a blob that was put is read back': async (store) => {
    assert.equal(await put(store, 'objects/ab/abcd', 'content'), true);
    assert.equal(await read(store, 'objects/ab/abcd'), 'content');
    assert.deepEqual(await store.head('objects/ab/abcd'), { key: 'objects/ab/abcd', size: 7 });
  },
  'an empty blob is a blob': async (store) => {
    assert.equal(await put(store, 'empty', ''), true);
    assert.equal(await read(store, 'empty'), '');
    assert.deepEqual(await store.head('empty'), { key: 'empty', size: 0 });
  },
  'nothing is undefined, not an error': async (store) => {
    await put(store, 'a/b', 'content');
    for (const key of ['absent', 'a', 'a/b/c', 'a/bb']) {
      assert.equal(await store.get(key), undefined);
      assert.equal(await store.head(key), undefined);
      assert.equal(await store.open?.(key), undefined);
    }
    await store.delete(['absent', 'a/c']);
    await store.delete([]);
    assert.equal(await read(store, 'a/b'), 'content');
  },
  'a blob in many chunks is whole, and any range of it can be read': async (store) => {
    const chunk = new Uint8Array(100_000).map((_, index) => index % 251);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 12; i += 1) yield chunk.slice();
    }
    await store.put('packs/big', chunks(), { size: 1_200_000 });
    assert.equal((await bytes(store, 'packs/big'))?.length, 1_200_000);
    const across = concatBytes([chunk.slice(-10), chunk.slice(0, 10)]);
    assert.deepEqual(await bytes(store, 'packs/big', { offset: 299_990, length: 20 }), across);
    assert.equal((await bytes(store, 'packs/big', { offset: 1_199_999 }))?.length, 1);
    assert.equal((await bytes(store, 'packs/big', { offset: 1_199_999, length: 100 }))?.length, 1);
    assert.equal((await bytes(store, 'packs/big', { offset: 9_000_000, length: 100 }))?.length, 0);
    assert.equal((await bytes(store, 'packs/big', { length: 0 }))?.length, 0);
    const source = await store.open?.('packs/big');
    if (source === undefined) return;
    try {
      assert.equal(source.size, 1_200_000);
      assert.deepEqual(await source.read(299_990, 20), across);
    } finally {
      await source.close();
    }
  },
  'putting again replaces the whole blob': async (store) => {
    await put(store, 'blob', 'a longer content');
    assert.equal(await put(store, 'blob', 'short'), true);
    assert.equal(await read(store, 'blob'), 'short');
  },
  'a blob that is there stays where it was to be absent': async (store) => {
    assert.equal(await put(store, 'blob', 'first', { ifAbsent: true }), true);
    assert.equal(await put(store, 'blob', 'another', { ifAbsent: true }), false);
    assert.equal(await read(store, 'blob'), 'first');
    assert.deepEqual(await keys(store, ''), ['blob']);
  },
  'of several that put an absent blob at once one is first': async (store) => {
    const contents = Array.from({ length: 8 }, (_, index) => `content ${index}`);
    const wins = await Promise.all(contents.map(async (text) => await put(store, 'a/blob', text, { ifAbsent: true })));
    if (store.capabilities.conditionalPut) assert.equal(wins.filter(Boolean).length, 1);
    assert.ok(wins.includes(true));
    assert.ok(contents.includes((await read(store, 'a/blob')) ?? ''));
  },
  'a content of another size than said is refused, and nothing of it stays': async (store) => {
    await put(store, 'before', 'before');
    for (const key of ['before', 'new'])
      for (const size of [0, 4, 6, 7_000_000])
        for (const content of [utf8Encode('12345'), once('12345')])
          await assert.rejects(store.put(key, content, { size }), { code: 'IO_FAILED' });
    assert.equal(await read(store, 'before'), 'before');
    assert.deepEqual(await keys(store, ''), ['before']);
  },
  'a content of another hash than said is refused': async (store) => {
    const sha256 = createHash('sha256').update('right').digest();
    assert.equal(await put(store, 'right', 'right', { sha256 }), true);
    await assert.rejects(put(store, 'wrong', 'wrong', { sha256 }), { code: 'IO_FAILED' });
    assert.deepEqual(await keys(store, ''), ['right']);
  },
  'a content that fails leaves the former blob, and no trace where there was none': async (store) => {
    await put(store, 'blob', 'before');
    const failure = new Error('cable');
    for (const key of ['blob', 'other'])
      await assert.rejects(store.put(key, failing(failure), { size: 100 }), (error) => error === failure);
    assert.equal(await read(store, 'blob'), 'before');
    assert.deepEqual(await keys(store, ''), ['blob']);
  },
  'a put that is aborted rejects with the reason and leaves the former blob': async (store) => {
    await put(store, 'blob', 'before');
    const reason = new Error('stop');
    const controller = new AbortController();
    async function* aborting(): AsyncGenerator<Uint8Array> {
      yield utf8Encode('half');
      controller.abort(reason);
      yield utf8Encode('half');
    }
    const options = { size: 8, signal: controller.signal };
    await assert.rejects(store.put('blob', aborting(), options), (error) => error === reason);
    await assert.rejects(store.put('other', once('12345678'), options), (error) => error === reason);
    assert.equal(await read(store, 'blob'), 'before');
    assert.deepEqual(await keys(store, ''), ['blob']);
  },
  'what is being put is not seen before it is whole': async (store) => {
    let seen: unknown[] = ['nothing looked'];
    async function* looking(): AsyncGenerator<Uint8Array> {
      yield utf8Encode('half');
      seen = [await store.head('a/blob'), await store.get('a/blob'), ...(await keys(store, ''))];
      yield utf8Encode(', whole');
    }
    await store.put('a/blob', looking(), { size: 11 });
    assert.deepEqual(seen, [undefined, undefined]);
    assert.equal(await read(store, 'a/blob'), 'half, whole');
  },
  'arrays that were given, or taken, may be changed': async (store) => {
    const given = utf8Encode('content');
    await store.put('blob', given, { size: 7 });
    given.fill(0);
    (await bytes(store, 'blob'))?.fill(0);
    assert.equal(await read(store, 'blob'), 'content');
  },
  'several blobs can be put at once': async (store) => {
    const names = Array.from({ length: 40 }, (_, index) => `${index % 7}/b${index}`);
    await Promise.all(names.map(async (key) => await put(store, key, key)));
    for (const key of names) assert.equal(await read(store, key), key);
  },
  'a list has the blobs whose names begin with the prefix, and no folders': async (store) => {
    const all = ['a', 'ab/cd/e', 'ab/cd/f', 'ab/ce/g', 'abc/h', 'b/i'];
    for (const key of all) await put(store, key, key);
    assert.deepEqual(await keys(store, ''), all);
    assert.deepEqual(await keys(store, 'ab/cd/'), ['ab/cd/e', 'ab/cd/f']);
    assert.deepEqual(await keys(store, 'ab/c'), ['ab/cd/e', 'ab/cd/f', 'ab/ce/g']);
    assert.deepEqual(await keys(store, 'ab'), ['ab/cd/e', 'ab/cd/f', 'ab/ce/g', 'abc/h']);
    assert.deepEqual(await keys(store, 'ab/cd/e'), ['ab/cd/e']);
    assert.deepEqual(await keys(store, 'ab/cd/e/'), []);
    assert.deepEqual(await keys(store, 'x/y'), []);
  },
  'a list tells sizes, has many blobs, and can be left early': async (store) => {
    for (let i = 0; i < 120; i += 1) await put(store, `t/${i % 3}/${i}`, 'x'.repeat(i));
    let [count, size] = [0, 0];
    for await (const blob of store.list('t/')) {
      count += 1;
      size += blob.size;
    }
    assert.deepEqual([count, size], [120, (119 * 120) / 2]);
    for await (const _ of store.list('t/')) break;
  },
  'blobs may be removed while they are listed': async (store) => {
    for (let i = 0; i < 20; i += 1) await put(store, `t/${i}`, 'x');
    for await (const { key } of store.list('t/')) await store.delete([key]);
    assert.deepEqual(await keys(store, ''), []);
  },
  'blobs are removed, and only those': async (store) => {
    for (const key of ['a/b', 'a/c', 'd']) await put(store, key, key);
    await store.delete(['a/b', 'd', 'never/there']);
    assert.deepEqual(await keys(store, ''), ['a/c']);
    assert.equal(await store.head('d'), undefined);
  },
  'a copy is a blob of its own': async (store) => {
    if (store.copy === undefined) return;
    await put(store, 'a/b', 'content');
    await put(store, 'there', 'before');
    await store.copy('a/b', 'c/d');
    await store.copy('a/b', 'there');
    await store.delete(['a/b']);
    assert.equal(await read(store, 'c/d'), 'content');
    assert.equal(await read(store, 'there'), 'content');
    await assert.rejects(store.copy('absent', 'e'), { errno: 'ENOENT' });
    assert.deepEqual(await keys(store, ''), ['c/d', 'there']);
  },
  'a stream that is left early, or never read, is no harm': async (store) => {
    await put(store, 'blob', 'x'.repeat(1_000_000));
    for await (const chunk of (await store.get('blob')) ?? []) {
      assert.ok(chunk.length > 0);
      break;
    }
    await store.get('blob');
    await store.delete(['blob']);
    assert.equal(await store.head('blob'), undefined);
  },
  'keys that lead out of the store are refused by every call': async (store) => {
    await put(store, 'blob', 'content');
    for (const key of ['..', '../x', 'a/../../x', '/etc/passwd', 'nul\0', 'a\\b', 'a//b', './a', 'C:/x', 'a/']) {
      const refused = { code: 'IO_UNSAFE_PATH' };
      await assert.rejects(put(store, key, 'x'), refused, key);
      await assert.rejects(store.get(key), refused, key);
      await assert.rejects(store.head(key), refused, key);
      await assert.rejects(store.delete([key]), refused, key);
      if (store.open !== undefined) await assert.rejects(store.open(key), refused, key);
      if (store.copy !== undefined) {
        await assert.rejects(store.copy(key, 'y'), refused, key);
        await assert.rejects(store.copy('blob', key), refused, key);
      }
      if (key !== 'a/') await assert.rejects(keys(store, key), refused, key);
    }
    await assert.rejects(put(store, '', 'x'), { code: 'IO_UNSAFE_PATH' });
    assert.deepEqual(await keys(store, ''), ['blob']);
  },
  'a signal that is aborted already rejects with its reason': async (store) => {
    await put(store, 'blob', 'content');
    const reason = new Error('stop');
    const signal = AbortSignal.abort(reason);
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(store.get('blob', undefined, { signal }), isReason);
    await assert.rejects(store.head('blob', { signal }), isReason);
    await assert.rejects(async () => {
      for await (const _ of store.list('', { signal })) return;
    }, isReason);
  },
};

/**
 * What every {@link BlobStore} must do, as cases to run in any order with any test framework.
 *
 * @example
 * for (const { title, run } of blobStoreSuite(async () => myStore())) test(title, run);
 */
export function blobStoreSuite(make: BlobStoreMaker): readonly ConformanceCase[] {
  return Object.entries(cases).map(([title, check]) => ({
    title,
    async run() {
      const store = await make();
      try {
        await check(store);
      } finally {
        await store.close();
        await store.close();
        await store[Symbol.asyncDispose]?.();
      }
    },
  }));
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield utf8Encode('half');
  throw error;
}

async function put(
  store: BlobStore,
  key: string,
  text: string,
  options: { ifAbsent?: boolean; sha256?: Uint8Array } = {},
): Promise<boolean> {
  const content = utf8Encode(text);
  return await store.put(key, content, { ...options, size: content.length });
}

async function bytes(store: BlobStore, key: string, range?: ByteRange): Promise<Uint8Array | undefined> {
  const stream = await store.get(key, range);
  if (stream === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const chunk of stream) parts.push(chunk);
  return concatBytes(parts);
}

async function read(store: BlobStore, key: string): Promise<string | undefined> {
  const content = await bytes(store, key);
  return content === undefined ? undefined : utf8Decode(content);
}

/** Names of blobs, in order. */
async function keys(store: BlobStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found.toSorted();
}

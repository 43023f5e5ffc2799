import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/core/byte-source.js';
import { utf8Decode, utf8Encode } from '../../../src/core/bytes.js';
import { buildDelta } from '../../../src/snapshot/contents/build-delta.js';
import { openDelta } from '../../../src/snapshot/contents/delta-source.js';
import { readPackDirectory } from '../../../src/snapshot/contents/pack-directory.js';
import { openPackedContent } from '../../../src/snapshot/contents/packed-content.js';
import { contentOf, makePack, sha256 } from './pack-support.js';

const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const target = 'b4dddecf813201f4a83f2ae71f6fa1a03ea961c3738e3da7fff94859c5ad1c17';
const base = 'cecb167b9c3a1a729be0b8523c04c8839feb32eb38cc99ed98402b2616283890';

const headers = [
  `49424b4500003c00 ${hello} 0500000000000000 0500000000000000 3a167f46`,
  `49424b4500003c00 ${empty} 0000000000000000 0000000000000000 26bdf179`,
  `49424b4501006800 ${target} 0900000000000000 2300000000000000 ${base} 0800000000000000 02000000 8f144dd1`,
];

/** The contents `hello` and nothing, and a delta that gives `old bytes` from `odd byte` with pages of two bytes. */
const golden = [
  // Header of the pack.
  '49424b50 01000000',
  // One chunk, raw, and the chunk table.
  headers[0],
  '7a00ac5c 050000 00 68656c6c6f',
  '7a00ac5c 050000 00 5c5151fc',
  // No chunks.
  headers[1],
  '00000000',
  // Extents (0, 2) and (8, 1), and their bytes.
  headers[2],
  '00cafc62 230000 00',
  '0000000000000000 0200000000000000',
  '0800000000000000 0100000000000000',
  '6f6c 73',
  '00cafc62 230000 00 33e26a3e',
  // Directory.
  `0800000000000000 5500000000000000 ${headers[0]}`,
  `5d00000000000000 4000000000000000 ${headers[1]}`,
  `9d00000000000000 9f00000000000000 ${headers[2]}`,
  // Footer.
  '3c01000000000000 10010000 03000000 01000000',
  '2c22ca132edc669a547c8d277bde9613a81a44984caaeb1509dfc0094fb69001',
  '49424b5a',
];

/** A content of 1000 zeros, compressed by the release of zlib that wrote it. */
const deflated = [
  '49424b50 01000000',
  '49424b4500003c00 541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53',
  'e803000000000000 e803000000000000 bb3fb5e0',
  '44178a52 0b0000 02 63601805a360140c770000',
  '44178a52 0b0000 02 06fc7bae',
  '0800000000000000 5b00000000000000',
  '49424b4500003c00 541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53',
  'e803000000000000 e803000000000000 bb3fb5e0',
  '6300000000000000 4c000000 01000000 01000000',
  'b8e6bfbe7b2d9d515f3f69c4448a1c06001fb294f2c40dde62e875a5d5ad3c47',
  '49424b5a',
];

/** The same, compressed by brotli as stores of the first months are. */
const brotli = [
  '49424b50 01000000',
  '49424b4500003c00 541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53',
  'e803000000000000 e803000000000000 bb3fb5e0',
  '8914b447 140000 01 83f301002000d8000e5cc3496536800b7058fe6c',
  '8914b447 140000 01 21dc3379',
  '0800000000000000 6400000000000000',
  '49424b4500003c00 541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53',
  'e803000000000000 e803000000000000 bb3fb5e0',
  '6c00000000000000 4c000000 01000000 01000000',
  '2c159b29b41d98469c4848d2dccf7b2f43e1dcce4174fc7e14a1315ca9ec9f8c',
  '49424b5a',
];

const bytesOf = (lines: readonly (string | undefined)[]): Uint8Array =>
  new Uint8Array(Buffer.from(lines.join('').replaceAll(' ', ''), 'hex'));
const source = (text: string) => memorySource(utf8Encode(text));
const named = (text: string) => ({ hash: sha256(utf8Encode(text)), source: source(text) });

describe('the format of packs', () => {
  it('is written as ever', async () => {
    const { bytes } = await makePack(async (writer) => {
      await writer.addContent(named('hello').hash, source('hello'));
      await writer.addContent(named('').hash, source(''));
      await buildDelta(named('old bytes'), named('odd byte'), writer, { pageSize: 2, limitShare: 1 });
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.from(bytesOf(golden)).toString('hex'));
  });

  it('is read as ever', async () => {
    const pack = memorySource(bytesOf(golden));
    const { entries, salvaged } = await readPackDirectory(pack);
    const [first, second, delta] = entries;
    if (first === undefined || second === undefined || delta === undefined) throw new Error('entries are missing');
    expect(salvaged).toBe(false);
    expect(utf8Decode(await contentOf(await openPackedContent(pack, first)))).toBe('hello');
    expect(await contentOf(await openPackedContent(pack, second))).toEqual(new Uint8Array(0));
    expect(utf8Decode(await contentOf(await openDelta(pack, delta, source('odd byte'))))).toBe('old bytes');
    expect(delta).toMatchObject({ kind: 1, size: 9, offset: 157, length: 159, base: { size: 8, extents: 2 } });
  });

  it.each([
    ['deflate', deflated],
    ['brotli', brotli],
  ])('is read as ever where it is compressed with %s', async (_codec, lines) => {
    const pack = memorySource(bytesOf(lines));
    const [entry] = (await readPackDirectory(pack)).entries;
    if (entry === undefined) throw new Error('no entry');
    expect(await contentOf(await openPackedContent(pack, entry))).toEqual(new Uint8Array(1000));
  });

  it('is written with deflate where that saves something', async () => {
    const zeros = new Uint8Array(1000);
    const { bytes } = await makePack(async (writer) => {
      await writer.addContent(sha256(zeros), memorySource(zeros));
    });
    // Behind the headers of pack and entry: checksum and length of the chunk, and its codec.
    expect(bytes[8 + 60 + 7]).toBe(2);
  });
});

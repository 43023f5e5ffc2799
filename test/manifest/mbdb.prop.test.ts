import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { memoryTree } from '../../src/core/memory-tree.js';
import { Backup } from '../../src/manifest/backup.js';
import { MbdbManifest } from '../../src/manifest/mbdb-manifest.js';
import { MbdbRecord, scanMbdb } from '../../src/manifest/mbdb.js';
import { all, codeOf, issueLog, names } from './support.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const part = (value: string | Uint8Array | undefined): number[] => {
  if (value === undefined) return [0xff, 0xff];
  const bytes = typeof value === 'string' ? encode(value) : value;
  return [...u16(bytes.length), ...bytes];
};
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];

interface Fields {
  domain?: string | undefined;
  path?: string | undefined;
  target?: string;
  mode?: number;
  size?: number;
  userId?: number;
  attributes?: [string | undefined, Uint8Array | undefined][];
}

const record = ({
  domain,
  path,
  target,
  mode = 0o100644,
  size = 3,
  userId = 501,
  attributes = [],
}: Fields): number[] => [
  ...part(domain),
  ...part(path),
  ...part(target),
  ...part(undefined),
  ...part(undefined),
  ...u16(mode),
  ...u32(0),
  ...u32(77),
  ...u32(userId),
  ...u32(501),
  ...u32(1_500_000_000),
  ...u32(1_500_000_001),
  ...u32(1_500_000_002),
  ...u32(0),
  ...u32(size),
  0x13,
  attributes.length,
  ...attributes.flatMap(([name, value]) => [...part(name), ...part(value)]),
];

const header = [0x6d, 0x62, 0x64, 0x62, 5, 0];
const mbdb = (...records: number[][]): Uint8Array => Uint8Array.from([...header, ...records.flat()]);
const a = record({ domain: 'HomeDomain', path: 'a' });
const b = record({
  domain: 'HomeDomain',
  path: 'b',
  attributes: [
    ['x', new Uint8Array([1])],
    ['y', undefined],
  ],
});
const open = async (bytes: Uint8Array, onIssue?: (issue: object) => void): Promise<Backup> =>
  await Backup.open(memoryTree([['Manifest.mbdb', bytes]]), { onIssue });

describe('Manifest.mbdb', () => {
  test('has its fields where the format says', async () => {
    const { bytes, offsets } = await scanMbdb(mbdb(a, b));
    const read = new MbdbRecord(bytes, offsets[1] ?? 0);
    expect([read.number('Mode'), read.number('InodeNumber'), read.number('Size')]).toEqual([0o100644, 77, 3]);
    expect([read.number('LastModified'), read.number('LastStatusChange'), read.number('Birth')]).toEqual([
      1_500_000_000, 1_500_000_001, 1_500_000_002,
    ]);
    expect(read.number('ProtectionClass')).toBe(3);
    expect([...read.extendedAttributes()]).toEqual([
      ['x', new Uint8Array([1])],
      ['y', new Uint8Array(0)],
    ]);
  });

  test('has signed owners: nobody is -2', async () => {
    const { bytes, offsets } = await scanMbdb(mbdb(record({ domain: 'D', path: 'p', userId: 0xfffffffe })));
    expect(new MbdbRecord(bytes, offsets[0] ?? 0).number('UserID')).toBe(-2);
  });

  test('gives what comes before damage, and reports the rest', async () => {
    const { issues, onIssue } = issueLog();
    await using backup = await open(mbdb(a, b.slice(0, -1)), onIssue as never);
    expect(names(await all(backup.files))).toEqual(['HomeDomain/a']);
    expect(issues).toMatchObject([{ kind: 'manifest-damaged', message: expect.stringContaining('offset') as unknown }]);
    expect(backup.summary.warnings.some((warning) => warning.startsWith('Manifest.mbdb is damaged'))).toBe(true);
  });

  test('keeps two records of one path, the later one counting', async () => {
    const { issues, onIssue } = issueLog();
    const later = record({ domain: 'HomeDomain', path: 'a', size: 9 });
    await using backup = await open(mbdb(a, later, b), onIssue as never);
    expect((await all(backup.files)).map(({ size }) => size)).toEqual([3, 9, 3]);
    expect((await backup.files.get({ domain: 'HomeDomain', relativePath: 'a' }))?.size).toBe(9);
    expect(issues.map(({ kind }) => kind)).toEqual(['duplicate-path']);
  });

  test('leaves out records without domain or path, and reports them', async () => {
    const { issues, onIssue } = issueLog();
    await using backup = await open(mbdb(record({ path: 'x' }), a, record({ domain: 'HomeDomain' })), onIssue as never);
    expect(names(await all(backup.files))).toEqual(['HomeDomain/a']);
    expect(issues.map(({ kind }) => kind)).toEqual(['row-unusable', 'row-unusable']);
  });

  test('has hostile and very long names as data', async () => {
    const long = 'x'.repeat(60_000);
    await using backup = await open(
      mbdb(record({ domain: '..', path: '../../etc' }), record({ domain: 'HomeDomain', path: long })),
    );
    const listed = await all(backup.files);
    expect(listed.map(({ problems }) => problems)).toEqual([['path-unsafe'], ['path-unsafe']]);
    expect(await codeOf(listed[0]?.read() ?? Promise.resolve())).toBe('MANIFEST_FILE_MISSING');
  });

  test('is told by its first bytes', async () => {
    expect(await codeOf(open(Uint8Array.from([0x6d, 0x62, 0x64, 0x62, 6, 0])))).toBe('MANIFEST_VERSION_UNSUPPORTED');
    expect(await codeOf(open(encode('mbd')))).toBe('MANIFEST_CORRUPT');
    expect(await codeOf(open(encode('something else')))).toBe('MANIFEST_CORRUPT');
    await using empty = await open(mbdb());
    expect(await empty.files.count()).toBe(0);
  });

  test('whatever was changed in it gives records or our own errors, in bounded time', async () => {
    const sound = mbdb(a, b, record({ domain: 'AppDomain-x', path: 'link', target: 'a', mode: 0o120777 }));
    const edits = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(sound.length), async (changes, cut) => {
        const bytes = sound.slice();
        for (const [at, value] of changes) bytes[at] = value;
        for (const input of [bytes, bytes.slice(0, cut)]) {
          try {
            const manifest = new MbdbManifest(await scanMbdb(input));
            for (const row of (await all(manifest.rows({}, {}))).flat()) {
              expect(row.id.blobNames).toHaveLength(1);
              expect(row.record()?.extendedAttributes()).toBeInstanceOf(Map);
              // A name that is not UTF-8 is shown with replacement characters, by which it cannot be asked for.
              if (`${row.domain}${row.relativePath}`.includes('\uFFFD')) continue;
              expect(await manifest.find(row.domain, [row.relativePath])).toBeDefined();
            }
            for (const domain of await manifest.domains())
              expect(await all(manifest.children(domain, ''))).toBeInstanceOf(Array);
          } catch (error) {
            if (!isBackupKitError(error, 'MANIFEST_CORRUPT', 'MANIFEST_VERSION_UNSUPPORTED')) throw error;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

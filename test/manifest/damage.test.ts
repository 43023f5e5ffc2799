import { describe, expect, test } from 'vitest';
import type { BackupFile } from '../../src/manifest/types.js';
import type { FileDamage, FileSpec } from '../../src/testing/backup-builder/types.js';
import { all, codeOf, openBuilt } from './support.js';

const bytes = Uint8Array.from({ length: 1000 }, (_value, index) => index % 251);

interface Outcome {
  /** What the listing says. */
  problems?: readonly string[];
  /** What opening finds in addition. */
  found?: readonly string[];
  /** Code of the error of `read()`; the content is whole where there is none. */
  code?: string;
  /** Length that `recover` gives; an error with that code too where there is none. */
  recovered?: number;
}

/** The rules of docs/format/blobs.md and docs/format/manifest-db.md, one by one. */
const encrypted: Record<FileDamage, Outcome> = {
  'content-missing': { code: 'MANIFEST_FILE_MISSING' },
  'content-empty': { found: ['placeholder'], code: 'MANIFEST_FILE_MISSING', recovered: 0 },
  'content-truncated': { found: ['incomplete'], code: 'MANIFEST_FILE_DAMAGED' },
  'content-truncated-block': { found: ['incomplete'], code: 'MANIFEST_FILE_DAMAGED' },
  'padding-missing': {},
  'padding-zeros': {},
  'size-larger': { found: ['size-differs'] },
  'size-smaller': { found: ['size-differs'] },
  'size-absurd': { problems: ['size-invalid'] },
  'size-absent': { problems: ['size-invalid'] },
  'key-missing': { problems: ['key-unavailable'], code: 'MANIFEST_KEY_UNAVAILABLE' },
  'key-short': { problems: ['key-unavailable'], code: 'MANIFEST_FILE_DAMAGED' },
  'key-corrupt': { problems: ['key-unavailable'], code: 'MANIFEST_FILE_DAMAGED' },
  'class-unknown': { problems: ['key-unavailable'], code: 'MANIFEST_KEY_UNAVAILABLE' },
  'record-null': { problems: ['record-damaged'], code: 'MANIFEST_FILE_DAMAGED' },
  'record-empty': { problems: ['record-damaged'], code: 'MANIFEST_FILE_DAMAGED' },
  'record-truncated': { problems: ['record-damaged'], code: 'MANIFEST_FILE_DAMAGED' },
  'record-xml': { problems: [] },
  'record-cyclic': { problems: ['record-damaged'], code: 'MANIFEST_FILE_DAMAGED' },
  'file-id-blob': {},
  'file-id-upper-case': {},
  'file-id-traversal': { problems: ['file-id-invalid'], code: 'MANIFEST_FILE_MISSING' },
  'flags-zero': {},
  'digest-wrong': {},
};

/** Without encryption neither padding nor keys count, and a cut content cannot be told from one that changed. */
const plain: Record<string, Outcome> = {
  ...encrypted,
  'content-truncated': { found: ['size-differs'] },
  'record-null': { problems: ['record-damaged'] },
  'record-empty': { problems: ['record-damaged'] },
  'record-truncated': { problems: ['record-damaged'] },
  'record-cyclic': { problems: ['record-damaged'] },
};
for (const name of [
  'content-truncated-block',
  'padding-missing',
  'padding-zeros',
  'key-missing',
  'key-short',
  'key-corrupt',
  'class-unknown',
])
  delete plain[name];

const cases = [
  ...Object.entries(encrypted).map(([damage, outcome]) => ({ state: 'encrypted', damage, outcome })),
  ...Object.entries(plain).map(([damage, outcome]) => ({ state: 'plain', damage, outcome })),
];

describe.each(cases)('in an $state backup, a file with $damage', ({ state, damage, outcome }) => {
  const { problems = [], found = [], code, recovered } = outcome;
  const content = damage === 'padding-missing' ? bytes.slice(0, 992) : bytes;
  const sound: FileSpec = { domain: 'HomeDomain', relativePath: 'sound', content: 'sound' };
  const spec = {
    encrypted: state === 'encrypted',
    files: [{ domain: 'HomeDomain', relativePath: 'damaged', content, damage: [damage as FileDamage] }, sound],
  };
  const cut = damage.startsWith('content-truncated');

  const withFile = async (use: (file: BackupFile) => Promise<void>): Promise<void> => {
    await using backup = await openBuilt(spec);
    const [, file, other] = await all(backup.files);
    expect([file?.relativePath, new TextDecoder().decode(await other?.read())]).toEqual(['damaged', 'sound']);
    if (file !== undefined) await use(file);
  };

  test('is listed with what is wrong, and harms no other file', async () => {
    await withFile(async (file) => {
      expect([file.kind, file.problems]).toEqual(['file', problems]);
      expect(file.isEncrypted).toBe(
        state === 'encrypted' && !['key-missing'].includes(damage) && !problems.includes('record-damaged'),
      );
    });
  });

  test(`is read whole, or not at all: ${code ?? 'whole'}`, async () => {
    await withFile(async (file) => {
      if (code === undefined) {
        expect(cut ? (await file.read()).length : await file.read()).toEqual(cut ? expect.any(Number) : content);
        const opened = await file.open();
        expect(opened.problems).toEqual([...problems, ...found]);
        await opened.close();
      } else {
        expect(await codeOf(file.read())).toBe(code);
        expect(await codeOf(file.open())).toBe(code);
        expect(await codeOf(all(file.stream()))).toBe(code);
      }
    });
  });

  test('gives with recover what is left, and nothing that is made up', async () => {
    await withFile(async (file) => {
      if (code !== undefined && recovered === undefined && !cut)
        expect(await codeOf(file.read({ recover: true }))).toBe(code);
      else {
        const left = await file.read({ recover: true });
        expect(left).toEqual(content.slice(0, left.length));
        if (recovered !== undefined) expect(left.length).toBe(recovered);
        if (cut) expect(left.length).toBeGreaterThan(400);
      }
    });
  });
});

describe('file contents', () => {
  const big = Uint8Array.from({ length: 5_000_011 }, (_value, index) => (index * 31) % 253);
  const files = [
    { domain: 'D', relativePath: 'big', content: big },
    { domain: 'D', relativePath: 'empty', content: '' },
    { domain: 'D', relativePath: 'folder', kind: 'directory' as const },
  ];

  test.each([true, false])('of any size come whole and by range, encrypted: %s', async (isEncrypted) => {
    await using backup = await openBuilt({ encrypted: isEncrypted, files });
    const file = await backup.files.get({ domain: 'D', relativePath: 'big' });
    expect(Buffer.compare((await file?.read()) ?? new Uint8Array(0), big)).toBe(0);
    for (const [offset, length] of [
      [0, 10],
      [17, 300_000],
      [4_999_990, 100],
      [6_000_000, 5],
      [31, 0],
    ] as const) {
      const chunks = file === undefined ? [] : await all(file.stream({ offset, length }));
      expect(Buffer.compare(Buffer.concat(chunks), big.slice(offset, offset + length))).toBe(0);
      expect(chunks.every((chunk) => chunk.length <= 256 * 1024 && chunk.length > 0)).toBe(true);
      const opened = await file?.open();
      expect(
        Buffer.compare((await opened?.read(offset, length)) ?? new Uint8Array(1), big.slice(offset, offset + length)),
      ).toBe(0);
      const target = new Uint8Array(length);
      expect(opened?.readSync?.(offset, target)).toBe(big.slice(offset, offset + length).length);
      await opened?.close();
    }
    expect(await (await backup.files.get({ domain: 'D', relativePath: 'empty' }))?.read()).toEqual(new Uint8Array(0));
  });

  test('are not asked of folders, nor by ranges that are none', async () => {
    await using backup = await openBuilt({ files });
    const folder = await backup.files.get({ domain: 'D', relativePath: 'folder' });
    expect(await codeOf(folder?.read() ?? Promise.resolve())).toBe('MANIFEST_NOT_A_FILE');
    const file = await backup.files.get({ domain: 'D', relativePath: 'big' });
    if (file !== undefined) await expect(all(file.stream({ offset: -1 }))).rejects.toThrow(RangeError);
    expect(file?.size).toBe(big.length);
  });
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backup } from '../../src/entry/index.js';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';

/** `.` and `..` are names that the reader reports as unsafe, which other tests look at. */
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map((text) => text.replaceAll(/[/\\]|^\.{1,2}$/g, '_'));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const domain = fc.constantFrom('HomeDomain', 'CameraRollDomain', 'AppDomain-com.example.a', 'MediaDomain');
const seconds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const file: fc.Arbitrary<FileSpec> = fc.record(
  {
    domain: fc.constant('HomeDomain'),
    relativePath: fc.constant(''),
    content: fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.string(), fc.record({ size: fc.nat({ max: 5000 }) })),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    userId: fc.constantFrom(0, 33, 501, -2),
    groupId: fc.constantFrom(0, 501, -2),
    inode: fc.bigInt({ min: 1n, max: 2n ** 62n }),
    modified: seconds.map((value) => new Date(value * 1000)),
    created: seconds.map((value) => new Date(value * 1000)),
    protectionClass: fc.integer({ min: 1, max: 4 }),
    extendedAttributes: fc.dictionary(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).filter((key) => key !== '__proto__'),
      fc.uint8Array({ maxLength: 20 }),
      { maxKeys: 3 },
    ),
  },
  { requiredKeys: ['domain', 'relativePath'] },
);

/** Files at different places, none of which is the folder of another one. */
const files = fc
  .uniqueArray(fc.tuple(domain, path, file), { maxLength: 8, selector: ([where, at]) => `${where}-${at}` })
  .map((all) => all.map(([where, at, spec]) => ({ ...spec, domain: where, relativePath: at })))
  .filter((all) =>
    all.every((a) => all.every((b) => a.domain !== b.domain || !b.relativePath.startsWith(`${a.relativePath}/`))),
  );

test('whatever is in a backup, the reader finds it', async () => {
  await fc.assert(
    fc.asyncProperty(
      files,
      fc.constantFrom('4.0', '9.3', '10.0.1', '10.1', '17.4'),
      fc.option(fc.string({ unit: 'grapheme', maxLength: 10 }), { nil: undefined }),
      async (specs, ios, password) => {
        const built = await buildBackup({ ios, password, files: specs });
        await using backup = await Backup.open(built.tree, { password });
        expect(await backup.files.count()).toBe(built.fileCount);
        for (const truth of built.files) {
          const found = await backup.files.getById(truth.fileId);
          expect(found).toMatchObject({
            domain: truth.domain,
            relativePath: truth.relativePath,
            kind: truth.kind,
            size: truth.size,
            mode: truth.mode,
            userId: truth.userId,
            groupId: truth.groupId,
            inode: truth.inode,
            modified: truth.modified,
            created: truth.created,
            protectionClass: truth.protectionClass,
            digest: truth.digest,
            problems: [],
          });
          expect(Object.fromEntries(found?.extendedAttributes ?? [])).toEqual(truth.extendedAttributes);
          if (found?.kind !== 'file') continue;
          const sha256 = createHash('sha256')
            .update(await found.read())
            .digest('hex');
          expect(sha256).toBe(truth.sha256);
        }
      },
    ),
    { numRuns: 60 },
  );
});

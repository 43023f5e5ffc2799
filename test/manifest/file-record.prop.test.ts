import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { readArchivedRecord, type FileRecord, type RecordNumber } from '../../src/manifest/file-record.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { PlistReal, PlistUid, type PlistInput } from '../../src/plist/types.js';

const uid = (index: number): PlistUid => new PlistUid(index);

/** An archive as devices write them, with `fields` in the file and `objects` behind it, from index 6 on. */
function archive(fields: Record<string, PlistInput>, objects: readonly PlistInput[] = []): Uint8Array {
  return writeBinaryPlist({
    $version: 100000,
    $archiver: 'NSKeyedArchiver',
    $top: { root: uid(1) },
    $objects: [
      '$null',
      { $class: uid(5), RelativePath: uid(2), EncryptionKey: uid(3), Size: 12, Mode: 0o100644, UserID: -2, ...fields },
      'Library/a.txt',
      { 'NS.data': new Uint8Array(44).fill(7), $class: uid(4) },
      { $classname: 'NSMutableData', $classes: ['NSMutableData', 'NSData', 'NSObject'] },
      { $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] },
      ...objects,
    ],
  });
}

const numbers: readonly RecordNumber[] = [
  'Mode',
  'InodeNumber',
  'UserID',
  'GroupID',
  'LastModified',
  'Size',
  'ProtectionClass',
  'Flags',
];

/** Reads everything that a record has. */
function readAll(record: FileRecord): unknown[] {
  return [
    ...numbers.map((field) => record.number(field)),
    record.text('RelativePath'),
    record.text('Target'),
    record.data('EncryptionKey'),
    record.data('Digest'),
    record.extendedAttributes(),
  ];
}

describe('a record of Manifest.db', () => {
  test('gives its fields, and undefined for what it lacks', () => {
    const record = readArchivedRecord(archive({ InodeNumber: 2n ** 60n }));
    expect([record.number('Size'), record.number('UserID'), record.number('InodeNumber')]).toEqual([12, -2, 2n ** 60n]);
    expect([record.text('RelativePath'), record.text('Target')]).toEqual(['Library/a.txt', undefined]);
    expect([record.data('EncryptionKey')?.length, record.data('Digest'), record.number('Birth')]).toEqual([
      44,
      undefined,
      undefined,
    ]);
    expect(record.extendedAttributes().size).toBe(0);
  });

  test('may have numbers behind references, as reals, and data as it likes', () => {
    const attributes = writeBinaryPlist({ a: new Uint8Array([1]), b: new Uint8Array(0) });
    const record = readArchivedRecord(
      archive(
        {
          Size: uid(6),
          Mode: new PlistReal(33188),
          EncryptionKey: uid(7),
          Digest: uid(8),
          ExtendedAttributes: uid(10),
          Target: uid(0),
        },
        [99, new Uint8Array([1, 2]), { 'NS.data': uid(9) }, new Uint8Array(20), attributes],
      ),
    );
    expect([record.number('Size'), record.number('Mode'), record.text('Target')]).toEqual([99, 33188, undefined]);
    expect([record.data('EncryptionKey'), record.data('Digest')]).toEqual([new Uint8Array([1, 2]), new Uint8Array(20)]);
    expect([...record.extendedAttributes()]).toEqual([
      ['a', new Uint8Array([1])],
      ['b', new Uint8Array(0)],
    ]);
  });

  test('may be XML', () => {
    const xml = `<?xml version="1.0"?><plist version="1.0"><dict><key>$top</key><dict><key>root</key><dict><key>CF$UID</key><integer>1</integer></dict></dict>
      <key>$objects</key><array><string>$null</string><dict><key>Size</key><integer>5</integer><key>RelativePath</key><dict><key>CF$UID</key><integer>2</integer></dict></dict><string>x</string></array></dict></plist>`;
    const record = readArchivedRecord(new TextEncoder().encode(xml));
    expect([record.number('Size'), record.text('RelativePath')]).toEqual([5, 'x']);
  });

  test.each<[string, Record<string, PlistInput>, readonly PlistInput[]]>([
    ['a number is a string', { Size: 'large' }, []],
    ['a string is a number', { RelativePath: 5 }, []],
    ['data is a string', { EncryptionKey: 'key' }, []],
    ['a reference leads nowhere', { Size: uid(99) }, []],
    ['references lead in a circle', { Size: uid(6) }, [uid(7), uid(6)]],
    ['attributes are no dictionary', { ExtendedAttributes: uid(6) }, [writeBinaryPlist([1])]],
    ['an attribute is no data', { ExtendedAttributes: uid(6) }, [writeBinaryPlist({ a: 'text' })]],
  ])('is damaged where %s', (_what, fields, objects) => {
    expect(() => readAll(readArchivedRecord(archive(fields, objects)))).toThrow(
      expect.objectContaining({ code: 'FORMAT_INVALID' }) as Error,
    );
  });

  test.each([
    ['it is empty', new Uint8Array(0)],
    ['it has no root', writeBinaryPlist({ $objects: ['$null'] })],
    ['its root is nil', writeBinaryPlist({ $top: { root: uid(0) }, $objects: ['$null'] })],
    ['its root is a string', writeBinaryPlist({ $top: { root: uid(1) }, $objects: ['$null', 'x'] })],
    ['its top is an array', writeBinaryPlist([1])],
  ])('is no record where %s', (_what, bytes) => {
    expect(() => readArchivedRecord(bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }) as Error);
  });

  test('gives values or our own errors, whatever was changed in it', () => {
    const sound = archive({ Digest: uid(6), ExtendedAttributes: uid(7) }, [
      new Uint8Array(20),
      writeBinaryPlist({ a: new Uint8Array(3) }),
    ]);
    const changes = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.nat(sound.length), (edits, cut) => {
        const bytes = sound.slice();
        for (const [at, value] of edits) bytes[at] = value;
        for (const input of [bytes, bytes.slice(0, cut)]) {
          try {
            expect(readAll(readArchivedRecord(input))).toHaveLength(13);
          } catch (error) {
            expect(isBackupKitError(error, 'FORMAT_INVALID', 'FORMAT_UNSUPPORTED', 'FORMAT_LIMIT_EXCEEDED')).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

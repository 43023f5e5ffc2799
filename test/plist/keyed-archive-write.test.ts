import { describe, expect, test } from 'vitest';
import { archivedField, type ArchivedObject, type ArchivedValue } from '../../src/plist/archived-value.js';
import { KeyedArchive } from '../../src/plist/keyed-archive.js';
import {
  ArchiveInline,
  archiveMutableData,
  ArchiveObject,
  archiveUrl,
  keyedArchivePlist,
  writeKeyedArchive,
  type ArchiveInput,
} from '../../src/plist/keyed-archive-write.js';
import { PlistReal, PlistUid, type PlistValue } from '../../src/plist/types.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';

const roundTrip = (value: ArchiveInput): ArchivedValue => KeyedArchive.parse(writeKeyedArchive(value)).root;
const uid = (index: number): PlistUid => new PlistUid(index);
const dict = (entries: Record<string, PlistValue>): Map<string, PlistValue> => new Map(Object.entries(entries));

describe('keyedArchivePlist', () => {
  test('lays out the record of a file as iOS does', () => {
    const record = new ArchiveObject(['MBFile', 'NSObject'], {
      LastModified: 1_600_000_000,
      RelativePath: 'Library/SMS/sms.db',
      UserID: -2,
      Digest: Uint8Array.of(1, 2),
      EncryptionKey: archiveMutableData(Uint8Array.of(3, 4)),
      ExtendedAttributes: Uint8Array.of(5),
      Target: undefined,
    });
    expect(keyedArchivePlist(record)).toStrictEqual(
      dict({
        $version: 100_000,
        $archiver: 'NSKeyedArchiver',
        $top: dict({ root: uid(1) }),
        $objects: [
          '$null',
          dict({
            LastModified: 1_600_000_000,
            RelativePath: uid(2),
            UserID: -2,
            Digest: uid(3),
            EncryptionKey: uid(4),
            ExtendedAttributes: uid(6),
            Target: uid(0),
            $class: uid(7),
          }),
          'Library/SMS/sms.db',
          Uint8Array.of(1, 2),
          dict({ 'NS.data': Uint8Array.of(3, 4), $class: uid(5) }),
          dict({ $classname: 'NSMutableData', $classes: ['NSMutableData', 'NSData', 'NSObject'] }),
          Uint8Array.of(5),
          dict({ $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] }),
        ],
      }),
    );
  });

  test('puts elements of collections behind references, each value and class once', () => {
    const objects = keyedArchivePlist(['a', 1, 'a', ['a']]).get('$objects');
    expect(objects).toStrictEqual([
      '$null',
      dict({ 'NS.objects': [uid(2), uid(3), uid(2), uid(4)], $class: uid(5) }),
      'a',
      1,
      dict({ 'NS.objects': [uid(2)], $class: uid(5) }),
      dict({ $classname: 'NSArray', $classes: ['NSArray', 'NSObject'] }),
    ]);
  });
});

describe('what is written', () => {
  test.each<[string, ArchiveInput, ArchivedValue]>([
    ['nil', undefined, undefined],
    ['NSNull', null, null],
    ['a string', 'text', 'text'],
    ['an integer', -5, -5],
    ['a large integer', 2n ** 63n, 2n ** 63n],
    ['a real', 0.5, 0.5],
    ['a real without a fraction', new PlistReal(2), 2],
    ['a date', new Date(1_234_567_890_123), new Date(1_234_567_890_123)],
    ['data', Uint8Array.of(1), Uint8Array.of(1)],
    ['mutable data', archiveMutableData(Uint8Array.of(1)), Uint8Array.of(1)],
    ['a URL', archiveUrl('https://a.example/'), 'https://a.example/'],
    ['an array with nil', [undefined, null, [true]], [undefined, null, [true]]],
    ['a plain object', { a: { b: 1 } }, new Map([['a', new Map([['b', 1]])]])],
    [
      'a Map with any keys',
      new Map<ArchiveInput, ArchiveInput>([
        [1, 'a'],
        ['1', 'b'],
      ]),
      new Map<ArchivedValue, ArchivedValue>([
        [1, 'a'],
        ['1', 'b'],
      ]),
    ],
  ])('%s is read back', (_title, value, expected) => {
    expect(roundTrip(value)).toStrictEqual(expected);
  });

  test('objects keep their class, fields and identity, also in circles', () => {
    const fields: Record<string, ArchiveInput | ArchiveInline> = { title: 'A', raw: new ArchiveInline([1, 'x']) };
    const link = new ArchiveObject(['LPLinkMetadata', 'NSObject'], fields);
    fields['self'] = link;
    const root = roundTrip({ richLinkMetadata: link });
    const read = archivedField(root, 'richLinkMetadata') as ArchivedObject;
    expect(read.classes).toEqual(['LPLinkMetadata', 'NSObject']);
    expect(read.get('self')).toBe(read);
    expect(read.get('raw')).toEqual([1, 'x']);
  });

  test('can be XML', () => {
    const bytes = writeXmlPlist(keyedArchivePlist({ a: [1, 'b'] }));
    expect(KeyedArchive.parse(bytes).root).toEqual(new Map([['a', [1, 'b']]]));
  });
});

describe('what is refused', () => {
  test.each<[string, unknown, new () => Error]>([
    ['a function', [() => 1], TypeError],
    ['an instance of a class', { url: new URL('https://a.example/') }, TypeError],
    ['a UID', [uid(1)], TypeError],
    ['a field that begins with $', new ArchiveObject(['X'], { $class: 1 }), TypeError],
    ['an invalid date', new Date(Number.NaN), RangeError],
    ['an integer beyond 16 bytes', [2n ** 127n], RangeError],
  ])('%s', (_title, value, error) => {
    expect(() => writeKeyedArchive(value as ArchiveInput)).toThrow(error);
  });

  test('nesting beyond the limit', () => {
    let value: ArchiveInput = 'x';
    for (let i = 0; i < 100_000; i += 1) value = [value];
    expect(() => writeKeyedArchive(value)).toThrow(RangeError);
  });
});

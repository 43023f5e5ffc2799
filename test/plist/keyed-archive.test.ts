import { describe, expect, test } from 'vitest';
import { limits } from '../../src/core/limits.js';
import { archivedField, ArchivedObject, ArchivedText, type ArchivedValue } from '../../src/plist/archived-value.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { KeyedArchive } from '../../src/plist/keyed-archive.js';
import { PlistReal, PlistUid, type PlistInput } from '../../src/plist/types.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';

const uid = (index: number): PlistUid => new PlistUid(index);
const classOf = (...names: string[]): PlistInput => ({ $classname: names[0] ?? '', $classes: names });
const archivePlist = (objects: PlistInput[], top: PlistInput = { root: uid(1) }): PlistInput => ({
  $version: 100_000,
  $archiver: 'NSKeyedArchiver',
  $top: top,
  $objects: ['$null', ...objects],
});
const archive = (objects: PlistInput[], top?: PlistInput): KeyedArchive =>
  KeyedArchive.parse(writeBinaryPlist(archivePlist(objects, top)));
/** One object with these fields and this class; more objects from index 3 on. */
const instance = (classes: string[], fields: Record<string, PlistInput>, ...more: PlistInput[]): ArchivedValue =>
  archive([{ ...fields, $class: uid(2) }, classOf(...classes), ...more]).root;

const invalid = expect.objectContaining({ name: 'FormatError', code: 'FORMAT_INVALID', format: 'keyed-archive' });

describe('Foundation classes', () => {
  const uuid = Uint8Array.from({ length: 16 }, (_, i) => i * 17);

  test.each<[string, ArchivedValue, ArchivedValue]>([
    ['NSMutableString', instance(['NSMutableString', 'NSString', 'NSObject'], { 'NS.string': 'text' }), 'text'],
    ['NSString of bytes', instance(['NSString'], { 'NS.bytes': new TextEncoder().encode('ä') }), 'ä'],
    ['NSMutableData', instance(['NSMutableData', 'NSData'], { 'NS.data': Uint8Array.of(1) }), Uint8Array.of(1)],
    ['NSData behind a reference', instance(['NSData'], { 'NS.data': uid(3) }, Uint8Array.of(1)), Uint8Array.of(1)],
    ['NSDate', instance(['NSDate'], { 'NS.time': new PlistReal(-978_307_200.5) }), new Date(-500)],
    ['NSDate with an integer', instance(['NSDate'], { 'NS.time': 0 }), new Date('2001-01-01')],
    ['NSDate that no Date holds', instance(['NSDate'], { 'NS.time': new PlistReal(Number.NaN) }), undefined],
    [
      'NSURL',
      instance(['NSURL'], { 'NS.base': uid(0), 'NS.relative': uid(3) }, 'https://a.example/b'),
      'https://a.example/b',
    ],
    [
      'NSURL with a base',
      instance(['NSURL'], { 'NS.base': uid(4), 'NS.relative': uid(3) }, '../c', {
        'NS.base': uid(0),
        'NS.relative': 'https://a.example/b/d',
        $class: uid(2),
      }),
      'https://a.example/c',
    ],
    ['NSURL with a base that is none', instance(['NSURL'], { 'NS.base': 'x', 'NS.relative': 'c' }), 'c'],
    ['NSUUID', instance(['NSUUID'], { 'NS.uuidbytes': uuid }), '00112233-4455-6677-8899-AABBCCDDEEFF'],
    ['NSUUID of a wrong length', instance(['NSUUID'], { 'NS.uuidbytes': Uint8Array.of(1) }), undefined],
    ['NSNull', instance(['NSNull'], {}), null],
    ['NSNumber, integer', instance(['NSNumber', 'NSValue'], { 'NS.intval': 2n ** 60n }), 2n ** 60n],
    ['NSNumber, real', instance(['NSNumber'], { 'NS.dblval': new PlistReal(0.5) }), 0.5],
    ['NSNumber, boolean', instance(['NSNumber'], { 'NS.boolval': false }), false],
    [
      'NSArray',
      instance(['NSMutableArray', 'NSArray'], { 'NS.objects': [uid(3), uid(0), 5] }, 'a'),
      ['a', undefined, 5],
    ],
    ['NSSet', instance(['NSSet'], { 'NS.objects': [uid(3)] }, 'a'), ['a']],
    ['NSOrderedSet', instance(['NSOrderedSet'], { 'NS.object.0': uid(3), 'NS.object.1': 2 }, 'a'), ['a', 2]],
    [
      'NSDictionary',
      instance(['NSDictionary'], { 'NS.keys': [uid(3), 7], 'NS.objects': [uid(0), uid(3)] }, 'a'),
      new Map<ArchivedValue, ArchivedValue>([
        ['a', undefined],
        [7, 'a'],
      ]),
    ],
    [
      'NSDictionary with too few values',
      instance(['NSDictionary'], { 'NS.keys': ['a'], 'NS.objects': [] }),
      new Map([['a', undefined]]),
    ],
    ['a subclass that adds nothing', instance(['MyList', 'NSArray'], { 'NS.objects': [1] }), [1]],
  ])('%s', (_title, value, expected) => {
    expect(value).toStrictEqual(expected);
  });

  test('a subclass with fields of its own is an object, so that none is lost', () => {
    const number = instance(['NSDecimalNumber', 'NSNumber', 'NSObject'], { 'NS.mantissa': Uint8Array.of(1) });
    expect(number).toBeInstanceOf(ArchivedObject);
    expect(archivedField(number, 'NS.mantissa')).toEqual(Uint8Array.of(1));
  });

  test('an attributed string with one set of attributes', () => {
    const value = instance(['NSAttributedString'], { NSString: 'text', NSAttributes: { a: 1 } });
    expect(value).toEqual(new ArchivedText('text', [{ start: 0, length: 4, attributes: new Map([['a', 1]]) }]));
  });

  test('an attributed string with several runs, one of them longer than 127', () => {
    const info = Uint8Array.of(0x82, 0x01, 0x01, 0x02, 0x00);
    const text = 'x'.repeat(132);
    const attributes = [{ a: 1 }, { b: 2 }];
    const value = instance(['NSMutableAttributedString', 'NSAttributedString'], {
      NSString: text,
      NSAttributes: attributes,
      NSAttributeInfo: info,
    });
    expect((value as ArchivedText).runs).toEqual([
      { start: 0, length: 130, attributes: new Map([['b', 2]]) },
      { start: 130, length: 2, attributes: new Map([['a', 1]]) },
    ]);
  });

  test('runs that leave the text or name no attributes are cut or left out', () => {
    const info = Uint8Array.of(1, 9, 0xff, 0x7f, 0, 5, 0, 0x80);
    const value = instance(['NSAttributedString'], {
      NSString: 'abc',
      NSAttributes: [{ a: 1 }],
      NSAttributeInfo: info,
    });
    expect((value as ArchivedText).runs).toEqual([{ start: 1, length: 2, attributes: new Map([['a', 1]]) }]);
  });
});

describe('objects of other classes', () => {
  const metadata = archive([
    { title: uid(3), size: 5, parent: uid(1), absent: uid(0), $class: uid(2) },
    classOf('LPLinkMetadata', 'NSObject'),
    'A title',
  ]).root as ArchivedObject;

  test('have a class, ancestors and fields in order', () => {
    expect(metadata).toBeInstanceOf(ArchivedObject);
    expect(metadata.className).toBe('LPLinkMetadata');
    expect(metadata.classes).toEqual(['LPLinkMetadata', 'NSObject']);
    expect(metadata.fieldNames).toEqual(['title', 'size', 'parent', 'absent']);
    expect(metadata.get('title')).toBe('A title');
    expect([...metadata.fields.keys()]).toEqual(metadata.fieldNames);
  });

  test('give undefined for fields that are nil, absent, or not fields', () => {
    for (const name of ['absent', 'other', '$class', '__proto__']) expect(metadata.get(name)).toBeUndefined();
  });

  test('may refer to one another in circles, and are the same object each time', () => {
    expect(metadata.get('parent')).toBe(metadata);
    expect(archivedField(metadata, 'parent', 'parent', 'title')).toBe('A title');
  });

  test('are found by path through dictionaries too', () => {
    const root = archive([
      { 'NS.keys': ['link'], 'NS.objects': [uid(3)], $class: uid(2) },
      classOf('NSDictionary'),
      { url: 'u', $class: uid(4) },
      classOf('X'),
    ]).root;
    expect(archivedField(root, 'link', 'url')).toBe('u');
    expect(archivedField(root, 'link', 'url', 'more')).toBeUndefined();
    expect(archivedField(root)).toBe(root);
  });

  test('fail only when a damaged field is asked for', () => {
    const value = instance(['X'], { good: 1, bad: uid(99) }) as ArchivedObject;
    expect(value.get('good')).toBe(1);
    expect(() => value.get('bad')).toThrow(invalid);
    expect(() => value.fields).toThrow(invalid);
  });
});

describe('the top', () => {
  test('has names and inline values', () => {
    const several = archive(['a'], { Version: 3, Title: uid(1) });
    expect(several.topNames).toEqual(['Version', 'Title']);
    expect([several.top('Version'), several.top('Title'), several.top('other'), several.root]).toEqual([
      3,
      'a',
      undefined,
      undefined,
    ]);
  });

  test('gives its only value as root, whatever its name', () => {
    expect(archive(['a'], { $0: uid(1) }).root).toBe('a');
    expect(archive(['a'], {}).root).toBeUndefined();
  });

  test('nil is undefined', () => {
    expect(archive([], { root: uid(0) }).root).toBeUndefined();
  });
});

describe('what other writers do', () => {
  const objects = [{ name: uid(3), $class: uid(2) }, classOf('X', 'NSObject'), 'a'];

  test('XML archives', () => {
    expect(archivedField(KeyedArchive.parse(writeXmlPlist(archivePlist(objects))).root, 'name')).toBe('a');
  });

  test('CF$UID dictionaries in binary archives', () => {
    const value = archive([{ name: { CF$UID: 3 }, $class: { CF$UID: 2 } }, ...objects.slice(1)]).root;
    expect(archivedField(value, 'name')).toBe('a');
  });

  test('another order, no $version and no $archiver', () => {
    const plist = { $objects: ['$null', ...objects], $top: { root: uid(1) } };
    expect(archivedField(KeyedArchive.parse(writeBinaryPlist(plist)).root, 'name')).toBe('a');
  });

  test('references to references', () => {
    expect(archive([uid(2), uid(3), 'a']).root).toBe('a');
  });

  test('classes without ancestors, and inline classes', () => {
    expect((archive([{ $class: uid(2) }, { $classname: 'X' }]).root as ArchivedObject).classes).toEqual(['X']);
    expect((archive([{ $class: classOf('Y') }]).root as ArchivedObject).className).toBe('Y');
  });

  test('dictionaries without a class', () => {
    expect(archive([{ a: uid(2) }, 'b']).root).toEqual(new Map([['a', 'b']]));
  });
});

describe('damage', () => {
  test.each<[string, PlistInput]>([
    ['no dictionary', []],
    ['no $top', { $objects: [] }],
    ['no $objects', { $top: {} }],
    ['$objects of another kind', { $top: {}, $objects: {} }],
  ])('%s is no archive', (_title, plist) => {
    expect(() => KeyedArchive.parse(writeBinaryPlist(plist))).toThrow(invalid);
  });

  test('another version is unsupported', () => {
    expect(() => KeyedArchive.parse(writeBinaryPlist({ $version: 1, $top: {}, $objects: [] }))).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' }),
    );
  });

  test.each<[string, PlistInput[]]>([
    ['a reference that leads nowhere', [uid(7)]],
    ['a reference to itself', [uid(1)]],
    ['references in a circle', [uid(2), uid(1)]],
    ['an array in itself', [{ 'NS.objects': [uid(1)], $class: uid(2) }, classOf('NSArray')]],
    [
      'a dictionary as its own key',
      [{ 'NS.keys': [uid(1)], 'NS.objects': [1], $class: uid(2) }, classOf('NSDictionary')],
    ],
    ['a class that is a string', [{ $class: uid(2) }, 'X']],
    ['a class without a name', [{ $class: uid(2) }, {}]],
    ['a class that is nil', [{ $class: uid(0) }]],
    ['a URL that is its own base', [{ 'NS.base': uid(1), 'NS.relative': 'x', $class: uid(2) }, classOf('NSURL')]],
  ])('%s is rejected', (_title, objects) => {
    const damaged = archive(objects);
    expect(() => damaged.root).toThrow(invalid);
  });
});

describe('bombs', () => {
  const chain = (levels: number): KeyedArchive => {
    const lists = Array.from({ length: levels }, (_, i) => ({ 'NS.objects': [uid(i + 3)], $class: uid(1) }));
    return archive([classOf('NSArray'), ...lists, 'end'], { root: uid(2) });
  };

  test('collections nest up to the limit', () => {
    // An NSArray is two levels: the object and the list in it.
    expect(chain(limits.nestingDepth / 2).root).toBeDefined();
    expect(() => chain(limits.nestingDepth / 2 + 1).root).toThrow(
      expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }),
    );
  });

  test('sharing does not nest deeper than the limit', () => {
    const levels = limits.nestingDepth;
    const lists = Array.from({ length: levels }, (_, i) => ({ 'NS.objects': [uid(i + 3)], $class: uid(1) }));
    const order = Array.from({ length: 8 }, (_, i) => uid(2 + Math.floor((levels * (7 - i)) / 8)));
    const shared = archive([classOf('NSArray'), ...lists, 'end'], { root: order });
    expect(() => shared.root).toThrow(expect.objectContaining({ code: 'FORMAT_LIMIT_EXCEEDED' }));
  });

  test('chains of objects of other classes have no limit', () => {
    const levels = 5000;
    const links = Array.from({ length: levels }, (_, i) => ({ next: uid(i + 3), $class: uid(1) }));
    let value = archive([classOf('Link'), ...links, 'end'], { root: uid(2) }).root;
    for (let i = 0; i < levels; i += 1) value = archivedField(value, 'next');
    expect(value).toBe('end');
  });

  test('references shared on every level cost nothing', () => {
    const lists = Array.from({ length: 100 }, (_, i) => ({
      'NS.objects': Array<PlistInput>(20).fill(uid(i + 3)),
      $class: uid(1),
    }));
    let value = archive([classOf('NSArray'), ...lists, 'end'], { root: uid(2) }).root;
    for (let i = 0; i < 100; i += 1) value = (value as ArchivedValue[])[19];
    expect(value).toBe('end');
  });
});

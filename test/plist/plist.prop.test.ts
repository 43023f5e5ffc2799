import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBackupKitError } from '../../src/core/errors.js';
import { ArchivedObject, ArchivedText, type ArchivedValue } from '../../src/plist/archived-value.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { BinaryPlistReader, KeyTable } from '../../src/plist/binary-reader.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { KeyedArchive } from '../../src/plist/keyed-archive.js';
import {
  ArchiveObject,
  archiveMutableData,
  archiveUrl,
  keyedArchivePlist,
  writeKeyedArchive,
} from '../../src/plist/keyed-archive-write.js';
import { parsePlist } from '../../src/plist/parse.js';
import { toPlain } from '../../src/plist/to-plain.js';
import { PlistReal, PlistUid, type PlistInput, type PlistValue } from '../../src/plist/types.js';
import { parseXmlPlist } from '../../src/plist/xml-parse.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';
import { binaryValues, mutations, xmlValues } from './support.js';
import { cpuTimer } from '../support/cpu-timer.js';

/** What `Map` equality leaves out. */
function keyOrder(value: PlistValue): unknown {
  if (Array.isArray(value)) return value.map(keyOrder);
  return value instanceof Map ? Array.from(value, ([key, child]) => [key, keyOrder(child)]) : null;
}

function expectSame(actual: PlistValue, expected: PlistValue): void {
  expect(actual).toStrictEqual(expected);
  expect(keyOrder(actual)).toEqual(keyOrder(expected));
}

describe('round trips', () => {
  test('any value survives the binary form', () => {
    fc.assert(
      fc.property(binaryValues, (value) => {
        expectSame(parseBinaryPlist(writeBinaryPlist(value)), value);
      }),
      { numRuns: 200 },
    );
  });

  test('any value that XML can express survives it, and the way through the binary form', () => {
    fc.assert(
      fc.property(xmlValues, (value) => {
        const read = parseXmlPlist(writeXmlPlist(value));
        expectSame(read, value);
        expectSame(parsePlist(writeXmlPlist(parsePlist(writeBinaryPlist(read)))), value);
      }),
      { numRuns: 200 },
    );
  });

  test('any value can be shown as JSON', () => {
    fc.assert(
      fc.property(binaryValues, (value) => {
        const plain = toPlain(value);
        expect(JSON.parse(JSON.stringify(plain))).toEqual(plain);
      }),
    );
  });
});

const sample: PlistInput = {
  name: 'Gerät 📱',
  'a longer ASCII key than fifteen characters': [1, -1, 70_000, 2n ** 62n, 2n ** 64n, 1.5, new PlistReal(2)],
  when: new Date(1_600_000_000_000),
  icon: new Uint8Array(300),
  nested: { a: { b: [{}, [], true, false, new PlistUid(3)] } },
};
const sampleArchive = {
  link: new ArchiveObject(['LPLinkMetadata', 'NSObject'], {
    title: 'A title',
    url: archiveUrl('https://a.example/'),
    icon: archiveMutableData(new Uint8Array(20)),
    version: 1,
  }),
  when: new Date(0),
  list: ['a', 1, null, undefined, [2]],
  text: new ArchiveObject(['NSAttributedString', 'NSObject'], {
    NSString: 'text',
    NSAttributes: [{ a: 1 }, { b: 2 }],
    NSAttributeInfo: Uint8Array.of(2, 1, 2, 0),
  }),
};

/** Runs what may fail with one of our errors and nothing else, within a bound of time. */
function expectTotal(run: () => void): void {
  const cpu = cpuTimer();
  try {
    run();
  } catch (error) {
    if (!isBackupKitError(error, 'FORMAT_INVALID', 'FORMAT_UNSUPPORTED', 'FORMAT_LIMIT_EXCEEDED')) throw error;
  }
  expect(cpu()).toBeLessThan(5000);
}

/** Asks for everything that an archive holds, once. */
function visit(value: ArchivedValue, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof ArchivedText) for (const run of value.runs) visit(run.attributes, seen);
  if (value instanceof ArchivedObject) {
    for (const name of value.fieldNames)
      expectTotal(() => {
        visit(value.get(name), seen);
      });
  }
  if (Array.isArray(value)) for (const element of value as ArchivedValue[]) visit(element, seen);
  if (value instanceof Map) {
    for (const [key, element] of value as ReadonlyMap<ArchivedValue, ArchivedValue>) {
      visit(key, seen);
      visit(element, seen);
    }
  }
}

describe('totality', () => {
  test('any damage to a binary property list gives a value that can be written again, or our error', () => {
    fc.assert(
      fc.property(mutations([writeBinaryPlist(sample), writeKeyedArchive(sampleArchive)]), (bytes) =>
        expectTotal(() => {
          const value = parseBinaryPlist(bytes);
          toPlain(value);
          expectSame(parseBinaryPlist(writeBinaryPlist(value)), value);
        }),
      ),
      { numRuns: 1000 },
    );
  });

  test('any damage to an XML property list gives a value that can be written again, or our error', () => {
    fc.assert(
      fc.property(mutations([writeXmlPlist(sample), writeXmlPlist(keyedArchivePlist(sampleArchive))]), (bytes) =>
        expectTotal(() => {
          const value = parseXmlPlist(bytes);
          expectSame(parseXmlPlist(writeXmlPlist(value)), value);
        }),
      ),
      { numRuns: 500 },
    );
  });

  test('any damage to an archive leaves what can be asked for, or our error', () => {
    const inputs = [writeKeyedArchive(sampleArchive), writeXmlPlist(keyedArchivePlist(sampleArchive))];
    fc.assert(
      fc.property(mutations(inputs), (bytes) =>
        expectTotal(() => {
          const archive = KeyedArchive.parse(bytes);
          for (const name of archive.topNames) visit(archive.top(name));
          visit(archive.root);
        }),
      ),
      { numRuns: 1000 },
    );
  });

  test('any damage lets single objects be read in place, or gives our error', () => {
    fc.assert(
      fc.property(mutations([writeBinaryPlist(sample)]), (bytes) =>
        expectTotal(() => {
          const reader = new BinaryPlistReader(bytes);
          const names = new KeyTable(['name']);
          for (let index = 0; index < reader.objectCount; index += 1) {
            expectTotal(() => {
              reader.references(index);
              reader.find(index, 'name');
            });
            expectTotal(() => {
              reader.element(index, 1);
              const found = reader.findAll(index, names);
              expect(found?.[0]).toBe(found && (reader.find(index, 'name') ?? -1));
            });
            expectTotal(() => [reader.string(index), reader.data(index), reader.integer(index), reader.uid(index)]);
            expectTotal(() => [
              reader.real(index),
              reader.dateSeconds(index),
              reader.boolean(index),
              reader.length(index),
            ]);
          }
        }),
      ),
      { numRuns: 500 },
    );
  });

  test('random bytes give a value or our error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectTotal(() => parsePlist(bytes))));
  });

  test('references between objects at random give a value or our error', () => {
    const index = fc.integer({ min: 0, max: 12 });
    const object = fc.oneof(
      fc.array(index, { maxLength: 5 }).map((elements): PlistInput => elements.map((i) => new PlistUid(i))),
      fc
        .record({ $class: index, 'NS.objects': fc.array(index), 'NS.keys': fc.array(index), 'NS.string': index })
        .map((fields): PlistInput => ({
          $class: new PlistUid(fields.$class),
          'NS.objects': fields['NS.objects'].map((i) => new PlistUid(i)),
          'NS.keys': fields['NS.keys'].map((i) => new PlistUid(i)),
          'NS.string': new PlistUid(fields['NS.string']),
        })),
      fc
        .constantFrom('NSArray', 'NSDictionary', 'NSURL', 'NSString', 'NSAttributedString', 'X')
        .map((name): PlistInput => ({ $classname: name, $classes: [name, 'NSObject'] })),
      index.map((i): PlistInput => new PlistUid(i)),
    );
    fc.assert(
      fc.property(fc.array(object, { minLength: 3, maxLength: 12 }), (objects) =>
        expectTotal(() => {
          const archive = KeyedArchive.parse(
            writeBinaryPlist({ $top: { root: new PlistUid(1) }, $objects: ['$null', ...objects] }),
          );
          visit(archive.root);
        }),
      ),
      { numRuns: 500 },
    );
  });
});

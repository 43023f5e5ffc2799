import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readArchivedRecord, type RecordNumber } from '../../src/manifest/file-record.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { PlistUid } from '../../src/plist/types.js';

const record = writeBinaryPlist({
  $version: 100000,
  $archiver: 'NSKeyedArchiver',
  $top: { root: new PlistUid(1) },
  $objects: [
    '$null',
    { Size: 12, Mode: 0o100644, InodeNumber: 99, UserID: 501, RelativePath: new PlistUid(2), $class: new PlistUid(3) },
    'Library/a.txt',
    { $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] },
  ],
});
const numbers: readonly RecordNumber[] = ['Size', 'Mode', 'InodeNumber', 'UserID', 'GroupID'];

/** What the reading of `fields`, in this order, gives for the last one. */
function lastOf(bytes: Uint8Array, fields: readonly RecordNumber[]): unknown {
  let value: unknown;
  let reader: ReturnType<typeof readArchivedRecord> | undefined;
  for (const field of fields) {
    try {
      reader ??= readArchivedRecord(bytes);
      value = reader.number(field);
    } catch (error) {
      value = (error as Error).name;
    }
  }
  return value;
}

test('a field of a damaged record reads the same whether it is asked for first or after others', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: record.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      fc.shuffledSubarray([...numbers], { minLength: 3 }),
      (at, byte, order) => {
        const bytes = record.slice();
        bytes[at] = byte;
        expect(lastOf(bytes, order)).toEqual(lastOf(bytes, order.slice(-1)));
      },
    ),
    { numRuns: 3000 },
  );
});

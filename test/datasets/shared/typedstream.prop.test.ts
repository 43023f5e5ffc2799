import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBackupKitError } from '../../../src/core/errors.js';
import { readBody } from '../../../src/datasets/messages/body.js';
import { decodeFoundation } from '../../../src/datasets/shared/foundation.js';
import { salvageText } from '../../../src/datasets/shared/salvage-text.js';
import { readTypedStream } from '../../../src/datasets/shared/typedstream.js';
import { attributedBody } from '../../../src/testing/backup-builder/stores/message-payloads.js';
import {
  writeTypedStream,
  type ArchivableValue,
} from '../../../src/testing/backup-builder/stores/typedstream-writer.js';

const { value: archivable } = fc.letrec<{ value: ArchivableValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
  ),
}));

/** A valid stream with some bytes changed, put in or taken out. */
const mutated = fc
  .tuple(
    fc.constantFrom(
      attributedBody('Hello 🌍', {
        spans: [{ start: 0, length: 5, attributes: { a: 'b', link: new URL('https://x.y/') } }],
      }),
      attributedBody('x'.repeat(300)),
      writeTypedStream(
        new Map<string, ArchivableValue>([
          ['a', ['b', 1, 2.5, new Uint8Array(9)]],
          ['d', new Date(0)],
        ]),
      ),
    ),
    fc.array(
      fc.record({ at: fc.nat(400), byte: fc.nat(255), kind: fc.constantFrom('set', 'insert', 'remove', 'cut') }),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  )
  .map(([valid, changes]) => {
    let bytes = [...valid];
    for (const { at, byte, kind } of changes) {
      const index = at % Math.max(1, bytes.length);
      if (kind === 'set') bytes[index] = byte;
      else if (kind === 'insert') bytes.splice(index, 0, byte);
      else if (kind === 'remove') bytes.splice(index, 1);
      else bytes = bytes.slice(0, index);
    }
    return Uint8Array.from(bytes);
  });

describe('typedstreams', () => {
  it('come back as they were written, in both byte orders', () => {
    fc.assert(
      fc.property(archivable, fc.boolean(), (value, littleEndian) => {
        const stream = readTypedStream(writeTypedStream(value, { littleEndian }));
        expect(decodeFoundation(stream.groups[0]?.values[0])).toEqual(value);
      }),
    );
  });

  it('that are damaged give a value or a FormatError, and the salvage of their text never throws', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        expect(['string', 'undefined']).toContain(typeof salvageText(bytes));
        try {
          decodeFoundation(readTypedStream(bytes).groups[0]?.values[0]);
        } catch (error) {
          expect(isBackupKitError(error, 'FORMAT_INVALID', 'FORMAT_UNSUPPORTED', 'FORMAT_LIMIT_EXCEEDED')).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that are any bytes at all give a body in a known state, and a report where it is not sound', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array()), (bytes) => {
        const problems: string[] = [];
        const body = readBody(undefined, bytes, (kind) => problems.push(kind));
        expect(['attributed', 'empty', 'salvaged', 'undecoded']).toContain(body.bodyState);
        expect(problems.length).toBe(body.bodyState === 'salvaged' || body.bodyState === 'undecoded' ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRow, makeTable, rowKind, Table, type TableRow } from '../../../src/snapshot/format/table.js';
import { changesBetween, removedRow } from '../../../src/snapshot/format/table-changes.js';
import { decodeTable, encodeTable } from '../../../src/snapshot/format/record.js';

/** Few paths, so that tables have some in common; among them such as sort another way as text than as bytes. */
const path = fc.oneof(
  fc.stringMatching(/^[ab]\/[a-d]{1,2}$/),
  fc.constantFrom('x', 'x-', 'x/y', 'x0', 'ﬀ', '𐀀', 'ÿ', 'Manifest.db'),
);
const row = fc.record({
  kind: fc.constant(rowKind.file),
  path,
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  size: fc.nat(3),
  modifiedUs: fc.integer({ min: -3, max: 3 }),
});
const rows = fc.array(row, { maxLength: 12 });
const changes = fc.array(fc.oneof(row, path.map(removedRow)), { maxLength: 6 });

/** What a table is to hold, in the plainest way. */
function model(steps: readonly (readonly TableRow[])[]): Buffer[] {
  const byPath = new Map<string, TableRow>();
  for (const one of steps)
    for (const change of one) {
      if (change.kind === rowKind.removed) byPath.delete(change.path);
      else byPath.set(change.path, change);
    }
  return [...byPath.values()]
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
    .map((one) => encodeRow(one));
}

const tableOf = (start: readonly TableRow[], steps: readonly (readonly TableRow[])[]): Table => {
  let table = makeTable(start);
  for (const step of steps) table = Table.changed(table, makeTable(step));
  return table;
};

describe('a table to which changes were made', () => {
  it('is in every way the table of the rows that it has then', () => {
    fc.assert(
      fc.property(
        rows,
        fc.array(changes, { maxLength: 4 }),
        fc.array(path, { maxLength: 4 }),
        (start, steps, asked) => {
          const table = tableOf(start, steps);
          const expected = model([start, ...steps]);
          const bytes = Buffer.concat(expected);
          expect(Array.from({ length: table.length }, (_, index) => table.rowBytes(index))).toEqual(expected);
          expect(Buffer.concat([...table.runs()])).toEqual(bytes);
          expect(table.digest()).toEqual(createHash('sha256').update(bytes).digest());
          for (const [index, one] of [...table].entries()) {
            expect(encodeRow(one)).toEqual(expected[index]);
            expect(table.find(one.path)).toBe(index);
            expect([table.kind(index), table.size(index)]).toEqual([one.kind, one.size]);
            const { size, modifiedUs } = one;
            expect(table.stamp(index)).toEqual(one.kind === rowKind.file ? { size, modifiedUs } : undefined);
            expect(table.hash(index)).toEqual(one.hash);
            expect(table.pathBytes(index).toString()).toBe(one.path);
          }
          const paths = new Set([...table].map((one) => one.path));
          for (const name of asked) expect(table.find(name) !== undefined).toBe(paths.has(name));
          expect([...decodeTable(encodeTable(table), 'table')]).toEqual([...table]);
        },
      ),
    );
  });

  it('knows which rows it does not share with another one of the same base', () => {
    fc.assert(
      fc.property(rows, changes, changes, rows, (start, step, otherStep, strange) => {
        const base = makeTable(start);
        const [table, other] = [Table.changed(base, makeTable(step)), Table.changed(base, makeTable(otherStep))];
        const changed = new Set([...step, ...otherStep].map((one) => one.path));
        const shared = Array.from({ length: table.length }, (_, index) => index).filter((index) => {
          const path = table.row(index).path;
          return base.find(path) !== undefined && !changed.has(path);
        });
        const apart = [...table.apartFrom(other)];
        expect(apart).toEqual(Array.from({ length: table.length }, (_, i) => i).filter((i) => !shared.includes(i)));
        expect(
          [...table.apartFrom(base)].every((index) => step.some((one) => one.path === table.row(index).path)),
        ).toBe(true);
        expect([...table.apartFrom(undefined)]).toHaveLength(table.length);
        expect([...table.apartFrom(makeTable(strange))]).toHaveLength(table.length);
      }),
    );
  });

  it('frees only what is its own', () => {
    const row = (path: string): TableRow => ({
      kind: rowKind.file,
      path,
      hash: new Uint8Array(32),
      size: 1,
      modifiedUs: 1,
    });
    const base = makeTable(Array.from({ length: 5000 }, (_, index) => row(`a/${index}`)));
    const bytes = encodeTable(base);
    const read = (): Table => makeTable(Array.from({ length: 500 }, (_, index) => row(`b/${index}`)));
    const [first, second] = [Table.changed(base, read()), Table.changed(base, read())];
    first.release();
    base.release();
    expect(encodeTable(base)).toEqual(bytes);
    expect([...second]).toHaveLength(5500);
    expect(first).toHaveLength(0);
    // A table without changes is its base under another name, whatever that was made of.
    Table.changed(second, Table.empty).release();
    expect([...second]).toHaveLength(5500);
    const third = Table.changed(second, read());
    third.release();
    expect([...second]).toHaveLength(5500);
  });

  it('differs from another one by what turns one into the other', () => {
    fc.assert(
      fc.property(rows, changes, rows, changes, (start, step, otherStart, otherStep) => {
        const [before, after] = [tableOf(start, [step]), tableOf(otherStart, [otherStep])];
        const between = changesBetween(before, after);
        expect([...Table.changed(before, between)]).toEqual([...after]);
        if (between.length === 0) expect(before.digest()).toEqual(after.digest());
      }),
    );
  });
});

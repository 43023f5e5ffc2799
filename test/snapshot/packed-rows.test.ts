import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hexEncode } from '../../src/core/bytes.js';
import { PackRows } from '../../src/snapshot/contents/pack-rows.js';
import { packKinds, type PackEntry } from '../../src/snapshot/format/pack-format.js';
import { makeTable, rowKind } from '../../src/snapshot/format/table.js';
import { PackedEntries } from '../../src/snapshot/store/packed-entries.js';
import { attachedFiles, PackedRows } from '../../src/snapshot/work/packed-rows.js';

const hashOf = (name: string): Uint8Array => new Uint8Array(createHash('sha256').update(name).digest());

/** Three packs whose entries lie one after the other, and a table whose rows come in another order. */
function example(): { packed: PackedRows; paths: string[] } {
  const entries = new PackedEntries();
  const paths: string[] = [];
  for (const pack of ['packs/aa', 'packs/bb', 'packs/cc']) {
    const inPack: PackEntry[] = [];
    for (let number = 0; number < 40; number += 1) {
      const path = `${(number * 7) % 40}/${pack.at(-1)}`;
      paths.push(path);
      inPack.push({
        kind: packKinds.content,
        target: hashOf(path),
        size: 10 + number,
        dataBytes: 10 + number,
        base: undefined,
        extra: new Uint8Array(0),
        offset: 1000 * number,
        headerBytes: 64,
        length: 900,
      });
    }
    entries.add(pack, PackRows.of(inPack));
  }
  const sizes = new Map(paths.map((path, position) => [path, entries.size(position)]));
  const table = makeTable(
    paths.map((path) => ({
      kind: rowKind.file,
      path,
      hash: hashOf(path),
      size: sizes.get(path) ?? 0,
      modifiedUs: -1_234_567,
    })),
  );
  const packed = new PackedRows(table, { entries, to: '/folder' });
  for (let index = 0; index < table.length; index += 1) packed.add(index, paths.indexOf(table.path(index)));
  packed.sort();
  return { packed, paths };
}

describe('PackedRows', () => {
  it('gives files in the order in which their contents lie', () => {
    const { packed, paths } = example();
    const files = Array.from({ length: packed.length }, (_, at) => packed.file(at));
    expect(files.map(({ row }) => row.path)).toEqual(paths);
    expect(files.map(({ full }) => full)).toEqual(paths.map((path) => `/folder/${path}`));
    // It would get lost.
    expect(() => packed.add(0, 0)).toThrow(TypeError);
    for (const { row, packed: found } of files) {
      expect(hexEncode(found.entry.target)).toBe(hexEncode(row.hash));
      expect(found.entry.size).toBe(row.size);
    }
  });

  it('hands files to another thread without the tables that they come from', () => {
    const { packed } = example();
    const detached = structuredClone(packed.detach(35, 90));
    expect(detached.rows.buffer.byteLength).toBe(detached.rows.length);
    expect(detached.entries.buffer.byteLength).toBe(detached.entries.length);
    expect(detached.packs).toEqual([
      { name: 'packs/aa', files: 5 },
      { name: 'packs/bb', files: 40 },
      { name: 'packs/cc', files: 10 },
    ]);
    const expected = Array.from({ length: 55 }, (_, at) => packed.file(35 + at));
    expect([...attachedFiles(detached)]).toEqual(expected);
  });
});

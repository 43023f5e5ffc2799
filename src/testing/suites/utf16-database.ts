import { concatBytes, utf8Encode } from '../../core/bytes.js';

const pageSize = 1024;

/**
 * A database whose text is UTF-16, made by hand since the engine of this package cannot write one: a table
 * `notes(id INTEGER PRIMARY KEY, text TEXT)` with `texts` under the ids from 1 on. All must fit into one page.
 *
 * Format: https://www.sqlite.org/fileformat2.html
 */
export function utf16Database(texts: readonly string[], encoding: 'utf-16le' | 'utf-16be'): Uint8Array {
  const text = (value: string): Uint8Array => {
    const bytes = new Uint8Array(value.length * 2);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < value.length; i++) view.setUint16(i * 2, value.charCodeAt(i), encoding === 'utf-16le');
    return bytes;
  };
  const schema = record([
    text('table'),
    text('notes'),
    text('notes'),
    2,
    text('CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)'),
  ]);
  const database = new Uint8Array(2 * pageSize);
  database.set(leafPage([cell(1, schema)], 100));
  const rows = texts.map((value, index) => cell(index + 1, record([null, text(value)])));
  database.set(leafPage(rows, 0), pageSize);
  database.set(utf8Encode('SQLite format 3\0'));
  const header = new DataView(database.buffer);
  header.setUint16(16, pageSize);
  database.set([1, 1, 0, 64, 32, 32], 18);
  header.setUint32(24, 1); // change counter
  header.setUint32(28, 2); // size in pages
  header.setUint32(40, 1); // schema cookie
  header.setUint32(44, 4); // schema format
  header.setUint32(56, encoding === 'utf-16le' ? 2 : 3);
  header.setUint32(92, 1); // change counter for which the size is valid
  header.setUint32(96, 3_040_000);
  return database;
}

/** A record of NULLs, small integers and text. */
function record(values: readonly (null | number | Uint8Array)[]): Uint8Array {
  const types = values.map((value) => {
    if (value === null) return [0];
    return typeof value === 'number' ? [1] : varint(value.length * 2 + 13);
  });
  const body = values.map((value) => (typeof value === 'number' ? Uint8Array.of(value) : (value ?? new Uint8Array(0))));
  const header = types.flat();
  return concatBytes([Uint8Array.from([header.length + 1, ...header]), ...body]);
}

function cell(rowid: number, payload: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from([...varint(payload.length), ...varint(rowid)]), payload]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value >> 7), value & 0x7f];
}

function leafPage(cells: readonly Uint8Array[], headerAt: number): Uint8Array {
  const page = new Uint8Array(pageSize);
  const view = new DataView(page.buffer);
  let end = pageSize;
  for (const [index, content] of cells.entries()) {
    end -= content.length;
    page.set(content, end);
    view.setUint16(headerAt + 8 + index * 2, end);
  }
  if (end < headerAt + 8 + cells.length * 2) throw new RangeError('The texts do not fit into one page');
  page[headerAt] = 13;
  view.setUint16(headerAt + 3, cells.length);
  view.setUint16(headerAt + 5, end);
  return page;
}

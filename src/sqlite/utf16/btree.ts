import { ByteReader } from '../../core/bytes.js';
import { DatabaseError } from '../../core/errors.js';
import type { SqliteValue } from '../driver.js';
import type { DatabaseImage } from '../image/database-image.js';
import { resultCode } from '../sqlite-errors.js';
import { decodeRecord, readVarint } from './record.js';

/** One entry of a b-tree: the rowid (`undefined` in an index, and in a table WITHOUT ROWID) and the stored values. */
export interface BtreeEntry {
  readonly rowid: bigint | undefined;
  readonly values: readonly SqliteValue[];
}

/** Page types. Source: https://www.sqlite.org/fileformat2.html#b_tree_pages */
const pageType = { indexInterior: 2, tableInterior: 5, indexLeaf: 10, tableLeaf: 13 } as const;
/** SQLite's own bound on the depth of a tree. */
const maxDepth = 20;

/**
 * The entries of a b-tree in its order. Every page is visited at most once, so that even a damaged tree ends.
 *
 * @throws {@link DatabaseError} with code `DATABASE_CORRUPT`.
 */
export function* readBtree(image: DatabaseImage, rootPage: number): Generator<BtreeEntry, void, undefined> {
  yield* new Btree(image).entries(rootPage, 0);
}

class Btree {
  readonly #image: DatabaseImage;
  readonly #usableBytes: number;
  readonly #decodeText: (bytes: Uint8Array) => string;
  readonly #visited = new Set<number>();

  constructor(image: DatabaseImage) {
    this.#image = image;
    const reserved = new Uint8Array(1);
    image.read(20, reserved);
    this.#usableBytes = image.pageSize - (reserved[0] ?? 0);
    const decoder = new TextDecoder(image.textEncoding, { ignoreBOM: true });
    this.#decodeText = (bytes) => decoder.decode(bytes);
  }

  *entries(pageNumber: number, depth: number): Generator<BtreeEntry, void, undefined> {
    if (depth > maxDepth) throw damaged(`the b-tree is deeper than ${maxDepth} pages`);
    const page = this.#page(pageNumber);
    const headerAt = pageNumber === 1 ? 100 : 0;
    page.seek(headerAt);
    const type = page.u8();
    const isInterior = type === pageType.tableInterior || type === pageType.indexInterior;
    if (!isInterior && type !== pageType.tableLeaf && type !== pageType.indexLeaf)
      throw damaged(`page ${pageNumber} is not one of a b-tree`);
    page.seek(headerAt + 3);
    const cellCount = page.u16();
    page.skip(3);
    const rightChild = isInterior ? page.u32() : undefined;
    const cells = Array.from({ length: cellCount }, () => page.u16());
    for (const cell of cells) {
      page.seek(cell);
      if (isInterior) yield* this.entries(page.u32(), depth + 1);
      if (type !== pageType.tableInterior) yield this.#entry(page, type === pageType.tableLeaf);
    }
    if (rightChild !== undefined) yield* this.entries(rightChild, depth + 1);
  }

  #page(pageNumber: number): ByteReader {
    if (this.#visited.has(pageNumber)) throw damaged(`page ${pageNumber} is used twice`);
    this.#visited.add(pageNumber);
    const bytes = new Uint8Array(this.#image.pageSize);
    const filled = pageNumber < 1 ? 0 : this.#image.read((pageNumber - 1) * bytes.length, bytes);
    if (filled < bytes.length) throw damaged(`there is no page ${pageNumber}`);
    return new ByteReader(bytes, 'sqlite');
  }

  #entry(page: ByteReader, isTable: boolean): BtreeEntry {
    const length = Number(readVarint(page));
    const rowid = isTable ? readVarint(page) : undefined;
    return { rowid, values: decodeRecord(this.#payload(page, length, isTable), this.#decodeText) };
  }

  /** Source: https://www.sqlite.org/fileformat2.html#cell_payload_overflow_pages */
  #payload(page: ByteReader, length: number, isTable: boolean): Uint8Array {
    if (length < 0 || length > this.#image.size) throw damaged(`a row states ${length} bytes`);
    const usable = this.#usableBytes;
    const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
    if (length <= most) return page.bytes(length);
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const preferred = least + ((length - least) % (usable - 4));
    const local = page.bytes(preferred <= most ? preferred : least);
    const payload = new Uint8Array(length);
    payload.set(local);
    let next = page.u32();
    for (let filled = local.length; filled < length;) {
      const overflow = this.#page(next);
      next = overflow.u32();
      const part = overflow.bytes(Math.min(usable - 4, length - filled));
      payload.set(part, filled);
      filled += part.length;
    }
    return payload;
  }
}

function damaged(what: string): DatabaseError {
  return new DatabaseError('DATABASE_CORRUPT', `The database is damaged (${what})`, { sqliteCode: resultCode.corrupt });
}

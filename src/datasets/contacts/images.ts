import { isBackupKitError } from '../../core/errors.js';
import type { BackupReader } from '../../manifest/types.js';
import type { SqliteDatabase, SqliteRow, SqliteValue } from '../../sqlite/driver.js';
import { readSchema, type Schema } from '../shared/schema.js';
import type { DatasetContext } from '../shared/session.js';
import { bytesOf, numberOf } from '../shared/values.js';
import { noRows } from './owned-rows.js';
import { imagesRef } from './schema.js';
import type { ContactImage, ContactImageOptions } from './types.js';

const fullTable = 'ABFullSizeImage';
const thumbnailTable = 'ABThumbnailImage';

/** First bytes by media type. */
const signatures: readonly (readonly [NonNullable<ContactImage['mediaType']>, readonly number[], number])[] = [
  ['image/jpeg', [0xff, 0xd8, 0xff], 0],
  ['image/png', [0x89, 0x50, 0x4e, 0x47], 0],
  ['image/gif', [0x47, 0x49, 0x46, 0x38], 0],
  ['image/tiff', [0x49, 0x49, 0x2a, 0x00], 0],
  ['image/tiff', [0x4d, 0x4d, 0x00, 0x2a], 0],
  // `ftyp` follows the length of the box.
  ['image/heic', [0x66, 0x74, 0x79, 0x70], 4],
];

/** One row for each image of a contact that has data. */
export interface ImageRow extends SqliteRow {
  record_id: SqliteValue;
}

/** The images database: used in place while contacts are being read, opened anew for what is asked for later. */
export class ContactImages {
  readonly #backup: BackupReader;
  readonly #schema: Schema;
  #live: SqliteDatabase | undefined;

  private constructor(backup: BackupReader, schema: Schema, live: SqliteDatabase) {
    this.#backup = backup;
    this.#schema = schema;
    this.#live = live;
  }

  /** `undefined` where the backup has no images; where they cannot be read an issue is reported as well. */
  static async open(context: DatasetContext): Promise<ContactImages | undefined> {
    const db = await context.openOptionalDatabase(imagesRef);
    return db && new ContactImages(context.backup, await readSchema(db, [fullTable, thumbnailTable], context), db);
  }

  /** Which contacts have images, ascending, or whether one has. */
  rows(context: DatasetContext, owner?: number): AsyncIterable<ImageRow> {
    const where = owner === undefined ? '' : 'AND record_id = ?';
    const selects = this.#tables().map((table) => `SELECT record_id FROM ${table} WHERE length(data) > 0 ${where}`);
    if (selects.length === 0 || this.#live === undefined) return noRows();
    const params = owner === undefined ? [] : selects.map(() => owner);
    return this.#live.query<ImageRow>(`${selects.join(' UNION ')} ORDER BY 1`, params, context);
  }

  /** The image of a contact. */
  async read(rowId: number, options: ContactImageOptions = {}): Promise<ContactImage | undefined> {
    options.signal?.throwIfAborted();
    if (this.#live !== undefined) {
      try {
        return await this.#readFrom(this.#live, rowId, options);
      } catch (error) {
        // The iteration ended while this was under way.
        if (!isBackupKitError(error, 'DATABASE_CLOSED')) throw error;
      }
    }
    const db = await this.#backup.openDatabase(imagesRef, { signal: options.signal });
    try {
      return await this.#readFrom(db, rowId, options);
    } finally {
      await db.close();
    }
  }

  /** From now on images are read from a database of their own. */
  detach(): void {
    this.#live = undefined;
  }

  #tables(): string[] {
    return [fullTable, thumbnailTable].filter(
      (table) => this.#schema.has(table, 'record_id') && this.#schema.has(table, 'data'),
    );
  }

  async #readFrom(db: SqliteDatabase, rowId: number, options: ContactImageOptions): Promise<ContactImage | undefined> {
    const tables = this.#tables();
    if (options.size === 'thumbnail') tables.reverse();
    for (const table of tables) {
      const columns = this.#schema.select(table, 'i', ['data', 'crop_x', 'crop_y', 'crop_width']);
      // Thumbnails come in several formats, the largest one is the best.
      const sql = `SELECT ${columns} FROM ${table} i WHERE record_id = ? AND length(data) > 0 ORDER BY length(data) DESC LIMIT 1`;
      for await (const row of db.query(sql, [rowId], options)) {
        const image = toImage(row, table === fullTable ? 'full' : 'thumbnail');
        if (image !== undefined) return image;
      }
    }
    return undefined;
  }
}

function toImage(row: SqliteRow, size: ContactImage['size']): ContactImage | undefined {
  const stored = bytesOf(row['data']);
  if (stored === undefined) return undefined;
  // Early releases put one byte before the image.
  const start = mediaTypeOf(stored) === undefined && mediaTypeOf(stored.subarray(1)) !== undefined ? 1 : 0;
  const data = start === 0 ? stored : stored.slice(start);
  const [x, y, width] = [numberOf(row['crop_x']), numberOf(row['crop_y']), numberOf(row['crop_width'])];
  const crop = x === undefined || y === undefined || width === undefined ? undefined : { x, y, width };
  return { size, mediaType: mediaTypeOf(data), data, crop };
}

function mediaTypeOf(data: Uint8Array): ContactImage['mediaType'] {
  return signatures.find(([, bytes, offset]) => bytes.every((byte, index) => data[offset + index] === byte))?.[0];
}

import { isBackupKitError } from '../../core/errors.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import type { DatasetContext } from '../shared/session.js';
import { integerOf } from '../shared/values.js';

/** Where {@link OwnedRows} come from. */
export interface OwnedRowsSource<R extends SqliteRow> {
  /** The table, for issues. */
  readonly table: string;
  /** Column with the ROWID of the owner. */
  readonly ownerColumn: string & keyof R;
  /** All rows, ordered by owner. */
  readonly all: () => AsyncIterable<R>;
  /** The rows of one owner: how they are read where `all` meets damage. */
  readonly one: (owner: number) => AsyncIterable<R>;
  /** Hears of rows whose owner does not exist. */
  readonly onOrphan?: ((row: R) => void) | undefined;
}

/**
 * Rows that belong to other rows, their owners, and are read side by side with them: both are ordered by owner, so that each
 * is read once and one owner's rows are all that is held. From the first damaged page on they are looked up one owner at a
 * time, so that only those on that page are lost.
 */
export class OwnedRows<R extends SqliteRow> {
  readonly #source: OwnedRowsSource<R>;
  readonly #context: DatasetContext;
  readonly #rows: AsyncIterator<R>;
  #next: R | undefined;
  #state: 'open' | 'ended' | 'damaged' = 'open';

  constructor(source: OwnedRowsSource<R>, context: DatasetContext) {
    this.#source = source;
    this.#context = context;
    this.#rows = source.all()[Symbol.asyncIterator]();
  }

  /** The rows of an owner. Owners must be asked for in ascending order, each once. */
  async of(owner: number): Promise<readonly R[]> {
    const own: R[] = [];
    for (let row = await this.#peek(); row !== undefined; row = await this.#peek()) {
      const rowOwner = integerOf(row[this.#source.ownerColumn]) ?? -Infinity;
      if (rowOwner > owner) break;
      this.#next = undefined;
      if (rowOwner === owner) own.push(row);
      else this.#source.onOrphan?.(row);
    }
    return this.#state === 'damaged' ? await this.#lookUp(owner) : own;
  }

  /** Reports what is left after the last owner. */
  async drain(): Promise<void> {
    for (let row = await this.#peek(); row !== undefined; row = await this.#peek()) {
      this.#next = undefined;
      this.#source.onOrphan?.(row);
    }
  }

  /** Ends the query. */
  async close(): Promise<void> {
    await this.#rows.return?.();
  }

  async #peek(): Promise<R | undefined> {
    if (this.#next !== undefined || this.#state !== 'open') return this.#next;
    try {
      const { done, value } = await this.#rows.next();
      if (done === true) this.#state = 'ended';
      else this.#next = value;
    } catch (cause) {
      if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
      this.#state = 'damaged';
      reportDamage(this.#source.table, cause, this.#context);
    }
    return this.#next;
  }

  async #lookUp(owner: number): Promise<readonly R[]> {
    const own: R[] = [];
    try {
      for await (const row of this.#source.one(owner)) own.push(row);
    } catch (cause) {
      if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
      this.#context.issue({
        kind: 'row-damaged',
        table: this.#source.table,
        rowId: owner,
        message: `Rows of table ${this.#source.table} that belong to this one are damaged`,
        cause,
      });
    }
    return own;
  }
}

/** Rows up to the first damaged page, which is reported as an issue. */
export async function* soundRows<R extends SqliteRow>(
  rows: AsyncIterable<R>,
  table: string,
  context: DatasetContext,
): AsyncGenerator<R, void, undefined> {
  try {
    yield* rows;
  } catch (cause) {
    if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    reportDamage(table, cause, context);
  }
}

/** Reports that a part of a table cannot be read. */
export function reportDamage(table: string, cause: unknown, context: DatasetContext): void {
  context.issue({
    kind: 'table-damaged',
    table,
    message: `A part of table ${table} is damaged; what can be read of it is given`,
    cause,
  });
}

/** No rows. */
export async function* noRows(): AsyncGenerator<never, void, undefined> {}

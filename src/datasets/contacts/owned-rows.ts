import type { SqliteRow } from '../../sqlite/driver.js';
import { integerOf } from '../shared/values.js';

/**
 * Rows that belong to contacts, read side by side with them: both are ordered by contact, so that each is read once and one
 * contact's rows are all that is held. `ownerColumn` is the column with the ROWID of the contact.
 */
export class OwnedRows<R extends SqliteRow> {
  readonly #rows: AsyncIterator<R>;
  readonly #ownerColumn: string & keyof R;
  readonly #onOrphan: (row: R) => void;
  #next: R | undefined;
  #ended = false;

  /** `onOrphan` hears of rows whose contact does not exist. */
  constructor(rows: AsyncIterable<R>, ownerColumn: string & keyof R, onOrphan: (row: R) => void = () => {}) {
    this.#rows = rows[Symbol.asyncIterator]();
    this.#ownerColumn = ownerColumn;
    this.#onOrphan = onOrphan;
  }

  /** The rows of a contact. Contacts must be asked for in ascending order, each once. */
  async of(owner: number): Promise<readonly R[]> {
    const own: R[] = [];
    for (let row = await this.#peek(); row !== undefined; row = await this.#peek()) {
      const rowOwner = integerOf(row[this.#ownerColumn]) ?? -Infinity;
      if (rowOwner > owner) break;
      this.#next = undefined;
      if (rowOwner === owner) own.push(row);
      else this.#onOrphan(row);
    }
    return own;
  }

  /** Reports what is left after the last contact. */
  async drain(): Promise<void> {
    for (let row = await this.#peek(); row !== undefined; row = await this.#peek()) {
      this.#next = undefined;
      this.#onOrphan(row);
    }
  }

  /** Ends the query. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#rows.return?.();
  }

  async #peek(): Promise<R | undefined> {
    if (this.#next === undefined && !this.#ended) {
      const { done, value } = await this.#rows.next();
      if (done === true) this.#ended = true;
      else this.#next = value;
    }
    return this.#next;
  }
}

/** No rows. */
export async function* noRows(): AsyncGenerator<never, void, undefined> {}

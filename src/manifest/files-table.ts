import type { AbortOptions } from '../core/abort.js';
import { isBackupKitError } from '../core/errors.js';
import type { SqliteDatabase, SqliteValue } from '../sqlite/driver.js';

/** How to name the table in a statement, and whether it may be read by its indexes. */
export interface FilesName {
  /** Goes after `FROM`. */
  readonly name: string;
  /** The same with the alias `f`. */
  readonly asF: string;
  readonly isIndexed: boolean;
}

const indexed: FilesName = { name: 'Files', asF: 'Files AS f', isIndexed: true };
const notIndexed: FilesName = { name: 'Files NOT INDEXED', asF: 'Files AS f NOT INDEXED', isIndexed: false };

/**
 * The table of files. Where one of its indexes is damaged, the table has everything still: what fails by the indexes is tried
 * once more without, which is slow and loses nothing. Where that fails too, the table itself is damaged.
 */
export class FilesTable {
  readonly db: SqliteDatabase;
  /** Views and tables without row ids are read as they are. */
  readonly #hasRowIds: boolean;
  #name = indexed;

  constructor(db: SqliteDatabase, hasRowIds: boolean) {
    this.db = db;
    this.#hasRowIds = hasRowIds;
  }

  /** What `work` gives, which may be called again. */
  async read<T>(work: (files: FilesName) => Promise<T>): Promise<T> {
    const name = this.#name;
    try {
      return await work(name);
    } catch (error) {
      if (!this.#canRetry(name, error)) throw error;
      return await this.#retry(error, async () => await work(notIndexed));
    }
  }

  /** The rows of a statement. Where it fails after its first rows, it is not tried again. */
  async *query(
    sql: (files: FilesName) => string,
    params: readonly SqliteValue[],
    options: AbortOptions,
  ): AsyncGenerator<readonly (readonly SqliteValue[])[], void, undefined> {
    const start = async (files: FilesName): Promise<Started> => {
      const batches = this.db.queryBatches(sql(files), params, options)[Symbol.asyncIterator]();
      return { batches, first: await batches.next() };
    };
    const { batches, first } = await this.read(start);
    try {
      for (let next = first; next.done !== true; next = await batches.next()) yield next.value;
    } finally {
      await batches.return?.();
    }
  }

  #canRetry(name: FilesName, error: unknown): boolean {
    return name.isIndexed && this.#hasRowIds && isBackupKitError(error, 'DATABASE_CORRUPT');
  }

  async #retry<T>(error: unknown, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      // Whatever comes next would meet the same damage.
      this.#name = notIndexed;
      return result;
    } catch (second) {
      throw isBackupKitError(second, 'DATABASE_CORRUPT') ? error : second;
    }
  }
}

interface Started {
  readonly batches: AsyncIterator<readonly (readonly SqliteValue[])[]>;
  readonly first: IteratorResult<readonly (readonly SqliteValue[])[]>;
}

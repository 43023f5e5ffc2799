import type { AbortOptions } from '../core/abort.js';
import { type DatasetError, isBackupKitError } from '../core/errors.js';
import type { BackupReader, FileRef } from '../manifest/types.js';
import { DatasetSession, type DatasetContext } from './shared/session.js';
import type { Dataset, DatasetOptions, DatasetProbe } from './types.js';

/** What the opened sources of a dataset turned out to be. */
export interface DatasetStore {
  /** What was recognised of the schema, for people. */
  readonly schema: string;
  /** Parts of the newest known schema that are not there. */
  readonly missingUnits: readonly string[];
}

/** How a dataset is read. `S` is what `open` hands to `read`. */
export interface DatasetDefinition<T, O extends DatasetOptions, S extends DatasetStore> {
  /** Stable name in plural, e.g. `messages`. */
  readonly id: string;
  /** Files that it reads, the one without which there is nothing first. */
  readonly sources: readonly FileRef[];
  /** Whether iOS leaves the first source out of unencrypted backups. `false` by default. */
  readonly encryptedOnly?: boolean | undefined;
  /** Opens the sources and reads the schema, but no rows. Databases opened through the context are closed by it. */
  readonly open: (context: DatasetContext<O>) => Promise<S>;
  /** Gives the records in a documented order. */
  readonly read: (context: DatasetContext<O>, store: S) => AsyncIterable<T>;
}

/**
 * Makes a {@link Dataset}: laziness, abort, `strict`, `onIssue`, absence with a reason and closing are the same for all
 * datasets because they happen here.
 *
 * Iterating throws {@link DatasetError}: `DATASET_ABSENT` where the backup does not hold the dataset,
 * `DATASET_SCHEMA_UNSUPPORTED` where its database is of an unknown kind (both with a `reason`, the one that `probe` gives),
 * `DATASET_ROW_INVALID` with `strict`.
 *
 * @example
 * const wallets = defineDataset({
 *   id: 'wallets',
 *   sources: [passesDatabase],
 *   async open(context) {
 *     const db = await context.openDatabase(passesDatabase);
 *     return { db, schema: 'wallets', missingUnits: [] };
 *   },
 *   async *read(context, { db }) {
 *     for await (const row of db.query('SELECT …', [], context)) yield toPass(row);
 *   },
 * });
 */
export function defineDataset<T, O extends DatasetOptions = DatasetOptions, S extends DatasetStore = DatasetStore>(
  definition: DatasetDefinition<T, O, S>,
): Dataset<T, O> {
  const { id, sources } = definition;

  async function* iterate(backup: BackupReader, options?: O): AsyncGenerator<T, void, undefined> {
    const session = openSession(definition, backup, options);
    try {
      const store = await definition.open(session);
      for await (const record of definition.read(session, store)) {
        session.signal?.throwIfAborted();
        yield record;
      }
    } finally {
      await session.close();
    }
  }

  async function probe(backup: BackupReader, options?: AbortOptions): Promise<DatasetProbe> {
    const session = openSession(definition, backup, { signal: options?.signal } as O);
    try {
      const store = await definition.open(session);
      return {
        available: true,
        reason: undefined,
        explanation: undefined,
        schema: store.schema,
        missingUnits: store.missingUnits,
        missing: await session.missingSources(sources),
      };
    } catch (error) {
      if (!isAbsence(error)) throw error;
      return {
        available: false,
        reason: error.reason,
        explanation: error.message,
        schema: undefined,
        missingUnits: [],
        missing: await session.missingSources(sources),
      };
    } finally {
      await session.close();
    }
  }

  Object.defineProperty(iterate, 'name', { value: id });
  return Object.assign(iterate, { id, sources, probe });
}

function openSession<O extends DatasetOptions>(
  definition: { readonly id: string; readonly encryptedOnly?: boolean | undefined },
  backup: BackupReader,
  options: O | undefined,
): DatasetSession<O> {
  if (typeof backup !== 'object' || backup === null || typeof backup.openDatabase !== 'function') {
    throw new TypeError(`The first argument of ${definition.id}() must be an open backup`);
  }
  const given = options ?? ({} as O);
  if (given.onIssue !== undefined && typeof given.onIssue !== 'function') {
    throw new TypeError('onIssue must be a function');
  }
  given.signal?.throwIfAborted();
  return new DatasetSession(definition, backup, given);
}

function isAbsence(error: unknown): error is DatasetError {
  return isBackupKitError(error, 'DATASET_ABSENT', 'DATASET_SCHEMA_UNSUPPORTED');
}

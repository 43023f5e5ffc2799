import type { AbortOptions } from '../../core/abort.js';
import { DatabaseError, isBackupKitError } from '../../core/errors.js';
import { CursorDatabase } from '../cursor-database.js';
import type { SqliteDatabase, SqliteDriver, SqliteSources } from '../driver.js';
import type { DatabaseImage } from '../image/database-image.js';
import { openImage, tooLarge, type OpenedImage } from '../image/open-image.js';
import { readSchema } from '../read-schema.js';
import { positive } from '../driver-options.js';
import { transcode } from '../utf16/transcode.js';
import { Connection } from './connection.js';
import { loadEngine, type Engine } from './engine.js';
import { imageVfsName } from './vfs.js';

/** Options of {@link pagedDriver}. */
export interface PagedDriverOptions {
  /**
   * Size of SQLite's own cache of pages for each open database, in bytes; 4 MiB by default. It is filled as pages are
   * used, and no larger than the database.
   */
  cacheBytes?: number | undefined;
  /**
   * How long a query may run without giving a row, in milliseconds; 5 minutes by default. Such work cannot be aborted,
   * for it does not let anything else run, and a hostile database can make it endless.
   */
  stepLimitMs?: number | undefined;
  /**
   * A source that cannot be read synchronously (see {@link ByteSource}) is copied into memory up to this size in bytes;
   * 64 MiB by default.
   */
  memoryBytes?: number | undefined;
  /**
   * A database whose text is UTF-16, which this build of SQLite does not read, is copied into memory as UTF-8 when it is
   * opened, up to this size in bytes; 512 MiB by default. A larger one throws `DATABASE_TOO_LARGE`.
   */
  transcodeBytes?: number | undefined;
  /**
   * Where larger sources go that cannot be read synchronously: to a temporary file that is encrypted with a random key and removed at once where the
   * system allows it, else when the database is closed (`sealed-file`, the default), or nowhere (`refuse`), which throws
   * `DATABASE_TOO_LARGE`.
   */
  largeSources?: 'sealed-file' | 'refuse' | undefined;
}

const defaultCacheBytes = 4 * 1024 * 1024;
const defaultMemoryBytes = 64 * 1024 * 1024;
const defaultTranscodeBytes = 512 * 1024 * 1024;
const defaultStepLimitMs = 5 * 60 * 1000;

let openedBefore = 0;

/**
 * The default driver: SQLite's official WebAssembly build, which reads the pages that it needs from the source itself,
 * so that databases of any size open in little memory and an encrypted one is decrypted page by page. Nothing is written
 * anywhere. A hot rollback journal beside the file is not applied: the database is read as it lies there.
 */
export function pagedDriver(options: PagedDriverOptions = {}): SqliteDriver {
  const { largeSources = 'sealed-file' } = options;
  const cacheBytes = positive(options.cacheBytes ?? defaultCacheBytes, 'cacheBytes');
  const stepLimitMs = positive(options.stepLimitMs ?? defaultStepLimitMs, 'stepLimitMs');
  const memoryBytes = positive(options.memoryBytes ?? defaultMemoryBytes, 'memoryBytes');
  const transcodeBytes = positive(options.transcodeBytes ?? defaultTranscodeBytes, 'transcodeBytes');
  return {
    name: 'paged',
    async open(sources: SqliteSources, { signal }: AbortOptions = {}): Promise<SqliteDatabase> {
      const opened = await openImage(sources, { signal, memoryBytes, largeSources });
      try {
        const engine = await loadEngine();
        signal?.throwIfAborted();
        return await openPaged(engine, opened, { cacheBytes, stepLimitMs, transcodeBytes, signal });
      } catch (error) {
        await opened.close();
        throw error;
      }
    },
  };
}

interface ConnectOptions extends AbortOptions {
  cacheBytes: number;
  stepLimitMs: number;
  transcodeBytes: number;
}

async function openPaged(
  engine: Engine,
  { image, close }: OpenedImage,
  options: ConnectOptions,
): Promise<SqliteDatabase> {
  const name = `/${(openedBefore += 1)}`;
  const isUtf16 = image.textEncoding !== 'utf-8';
  if (isUtf16 && image.size > options.transcodeBytes) throw tooLarge(image.size, options.transcodeBytes);
  const connect = async (on: Engine): Promise<Connection> => {
    if (isUtf16) return await connectToCopy(on, image, options);
    on.files.set(name, image);
    try {
      return connectTo(on, name, image, options);
    } catch (error) {
      on.files.delete(name);
      throw error;
    }
  };
  let connection = await connect(engine);
  return new CursorDatabase({
    async connection() {
      if (connection.engine.retired) connection = await connect(await loadEngine());
      return connection;
    },
    async release() {
      connection.close();
      connection.engine.files.delete(name);
      await close();
    },
  });
}

function connectTo(
  engine: Engine,
  name: string,
  image: DatabaseImage,
  { cacheBytes, stepLimitMs }: ConnectOptions,
): Connection {
  const target = { name, vfs: imageVfsName, takeFailure: () => image.takeFailure() };
  const connection = new Connection(engine, target, stepLimitMs);
  try {
    readSchema((sql) => {
      connection.execute(sql);
    });
    connection.harden();
    connection.execute(`PRAGMA cache_size = -${Math.ceil(cacheBytes / 1024)}`);
    return connection;
  } catch (error) {
    connection.close();
    throw openFailure(error);
  }
}

async function connectToCopy(
  engine: Engine,
  image: DatabaseImage,
  { stepLimitMs, signal }: ConnectOptions,
): Promise<Connection> {
  const connection = new Connection(engine, { name: ':memory:' }, stepLimitMs);
  try {
    await transcode(image, connection, { signal });
    connection.harden();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** SQLite reports some headers that it cannot use as errors of the statement. */
function openFailure(error: unknown): unknown {
  if (!isBackupKitError(error, 'DATABASE_QUERY_FAILED')) return error;
  return new DatabaseError('DATABASE_CORRUPT', 'SQLite cannot use the database: its header or schema is not valid', {
    cause: error,
    sqliteCode: (error as unknown as DatabaseError).sqliteCode,
  });
}

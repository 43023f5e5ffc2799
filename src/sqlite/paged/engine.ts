import { Latin1Decoder, utf8Decode, utf8Encode } from '../../core/bytes.js';
import { DatabaseError } from '../../core/errors.js';
import { instantiateSqlite } from './instantiate.js';
import { installImageVfs, type ImageFiles } from './vfs.js';
import type { Pointer, SqliteFunctions, SqliteModule } from './wasm-api.js';

/** How many steps of SQLite's virtual machine pass between two looks at the clock. */
const operationsBetweenChecks = 100_000;

/**
 * One instance of SQLite compiled to WebAssembly. All databases of a process share it; where SQLite itself breaks down
 * (a trap in its code), the instance is retired and the next database gets a new one.
 */
export class Engine {
  readonly api: SqliteFunctions;
  /** Database images that this instance may open, by name. */
  readonly files: ImageFiles;
  readonly #module: SqliteModule;
  readonly #progressCallback: Pointer;
  #bytes: Uint8Array;
  #view: DataView;
  #latin1: Latin1Decoder;
  #retired = false;
  #allowedMs = Infinity;
  /** Unknown until SQLite has worked for a while: statements that are quick need no clock. */
  #deadline: number | undefined;

  constructor(module: SqliteModule) {
    this.#module = module;
    this.api = module.exports;
    this.#bytes = new Uint8Array(module.memory.buffer);
    this.#view = new DataView(module.memory.buffer);
    this.#latin1 = new Latin1Decoder(this.#bytes);
    this.files = installImageVfs(module, () => this.bytes);
    const [progress = 0] = module.install([{ parameters: 'i', call: () => (this.#isLate() ? 1 : 0) }]);
    this.#progressCallback = progress;
  }

  /** Whether SQLite broke down in this instance. */
  get retired(): boolean {
    return this.#retired;
  }

  /** The whole memory; take it anew after every call into SQLite, which may grow and so replace it. */
  get bytes(): Uint8Array {
    // Memory that has grown leaves the old array without bytes; asking for the memory's buffer each time costs more.
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes;
  }

  /** Runs calls into SQLite; a breakdown of the instance becomes an error and retires it. */
  run<T>(calls: () => T): T {
    try {
      return calls();
    } catch (error) {
      throw this.broken(error);
    }
  }

  /** What to throw for an error of a call into SQLite: a breakdown of the instance retires it. */
  broken(error: unknown): unknown {
    if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) return error;
    this.#retired = true;
    return new DatabaseError('DATABASE_CORRUPT', 'SQLite broke down over the database, which must be damaged', {
      cause: error,
    });
  }

  /** Lets {@link Engine.watch}ed databases run for so many milliseconds. They begin with the first look at the clock. */
  allow(milliseconds: number): void {
    this.#allowedMs = milliseconds;
    this.#deadline = undefined;
  }

  /** Makes statements of the database end with SQLITE_INTERRUPT after the time of {@link Engine.allow}. */
  watch(db: Pointer): void {
    this.api.sqlite3_progress_handler(db, operationsBetweenChecks, this.#progressCallback, 0);
  }

  /** Memory of SQLite's allocator, which {@link Engine.free} or SQLite releases. */
  allocate(length: number): Pointer {
    const address = this.api.sqlite3_malloc(length);
    if (address === 0) throw new DatabaseError('DATABASE_TOO_LARGE', `SQLite has no memory left for ${length} bytes`);
    return address;
  }

  free(address: Pointer): void {
    this.api.sqlite3_free(address);
  }

  /** Gives `use` a NUL-terminated copy of the text and its length in bytes without the NUL. */
  withText<T>(text: string, use: (address: Pointer, length: number) => T): T {
    const encoded = utf8Encode(text);
    const address = this.allocate(encoded.length + 1);
    try {
      const { bytes } = this;
      bytes.set(encoded, address);
      bytes[address + encoded.length] = 0;
      return use(address, encoded.length);
    } finally {
      this.free(address);
    }
  }

  /** Gives `use` room for `count` 32-bit values, all zero. */
  withCells<T>(count: number, use: (address: Pointer) => T): T {
    const address = this.allocate(count * 4);
    try {
      this.bytes.fill(0, address, address + count * 4);
      return use(address);
    } finally {
      this.free(address);
    }
  }

  /** The unsigned 32-bit value at an address. */
  u32(address: Pointer): number {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#view.getUint32(address, true);
  }

  /** The NUL-terminated text at an address. */
  text(address: Pointer): string {
    if (address === 0) return '';
    const { bytes } = this;
    return utf8Decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  /** The text of so many bytes at an address. `known` is one that it may well be, which then needs no decoding. */
  textOf(address: Pointer, length: number, known = ''): string {
    const { bytes } = this;
    const end = address + length;
    let isKnown = known.length === length;
    for (let at = address; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= 0x80) return utf8Decode(bytes.subarray(address, end));
      if (isKnown && byte !== known.charCodeAt(at - address)) isKnown = false;
    }
    return isKnown ? known : this.#latin1.decode(address, end);
  }

  /** Result code and message of the last call that failed on a database. */
  lastError(db: Pointer): { code: number; message: string } {
    return { code: this.api.sqlite3_extended_errcode(db), message: this.text(this.api.sqlite3_errmsg(db)) };
  }

  #isLate(): boolean {
    this.#deadline ??= performance.now() + this.#allowedMs;
    return performance.now() > this.#deadline;
  }

  #refresh(): void {
    this.#bytes = new Uint8Array(this.#module.memory.buffer);
    this.#view = new DataView(this.#module.memory.buffer);
    this.#latin1 = new Latin1Decoder(this.#bytes);
  }
}

let current: Promise<Engine> | undefined;

/**
 * The engine of this process, loaded by the first call.
 *
 * @throws {@link DatabaseError} with code `DATABASE_DRIVER_UNAVAILABLE` where the package with the engine cannot be loaded.
 */
export async function loadEngine(): Promise<Engine> {
  const loading = (current ??= instantiate());
  let usable: Engine | undefined;
  try {
    const engine = await loading;
    if (!engine.retired) usable = engine;
  } finally {
    if (usable === undefined && current === loading) current = undefined;
  }
  return usable ?? (await loadEngine());
}

/**
 * Loads SQLite before it is needed, for instance while a key is derived from a password. Takes about 20 ms once in a
 * process; without it the first database that is opened loads it.
 */
export async function preloadSqlite(): Promise<void> {
  await loadEngine();
}

async function instantiate(): Promise<Engine> {
  try {
    return new Engine(await instantiateSqlite());
  } catch (cause) {
    throw new DatabaseError(
      'DATABASE_DRIVER_UNAVAILABLE',
      'The package @sqlite.org/sqlite-wasm cannot be loaded; install the dependencies again',
      { cause },
    );
  }
}

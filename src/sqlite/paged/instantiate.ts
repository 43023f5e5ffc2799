import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { SqliteFunctions, SqliteModule } from './wasm-api.js';
import { wrapFunctions, type WasmFunction } from './wrap-functions.js';

const require = createRequire(import.meta.url);

const pageBytes = 64 * 1024;
const initialPages = 128;
const mostPages = 32_768;

const longestTimerMs = 2 ** 31 - 1;

/** WASI's numbers of errors: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno */
const notFound = 44;
const notSupported = 52;

/**
 * Compiles SQLite and gives it its memory, without the vendor's JavaScript: half a megabyte of code that takes twice as long
 * to load as SQLite itself, most of it for browsers and for an emulated file system that nothing here uses.
 *
 * What SQLite asks of its host is a clock, memory, and files; of files this host has none.
 */
export async function instantiateSqlite(): Promise<SqliteModule> {
  const path = require.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm');
  const compiled = await inEventLoop(WebAssembly.compile(await readFile(path)));
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: mostPages });
  const functions = hostFunctions(memory);
  const instance = new WebAssembly.Instance(compiled, {
    env: { memory, ...functions },
    wasi_snapshot_preview1: functions,
  });
  const exports = instance.exports as unknown as SqliteFunctions & {
    __wasm_call_ctors(): void;
    __indirect_function_table: WebAssembly.Table;
  };
  exports.__wasm_call_ctors();
  const table = exports.__indirect_function_table;
  return {
    exports,
    memory,
    install(added) {
      const first = table.grow(added.length);
      return wrapFunctions(added).map((wrapped, index) => {
        table.set(first + index, wrapped);
        return first + index;
      });
    },
  };
}

/**
 * Awaits work of V8's threads with the event loop kept alive. Without anything else to wait for, Node.js leaves its loop and
 * waits for all that V8 does, the functions of SQLite that it optimises too; whatever comes after the awaited work would
 * go on from there, and its first call that waits for a file would wait for those as well: 0.1 s.
 */
async function inEventLoop<T>(work: Promise<T>): Promise<T> {
  const alive = setInterval(() => undefined, longestTimerMs);
  try {
    return await work;
  } finally {
    clearInterval(alive);
  }
}

/** What the module imports. Its build has nothing else that reaches for the outside. */
function hostFunctions(memory: WebAssembly.Memory): Record<string, WasmFunction['call']> {
  const view = (): DataView => new DataView(memory.buffer);
  const refused = [
    'fcntl64',
    'ioctl',
    'ftruncate64',
    'getcwd',
    'mkdirat',
    'rmdir',
    'unlinkat',
    'utimensat',
    'readlinkat',
  ];
  const refusedToo = ['fchmod', 'chmod', 'fchown32', 'fstat64', 'stat64', 'newfstatat', 'lstat64'];
  const calls = [...refused, ...refusedToo].map((name) => [`__syscall_${name}`, () => -notSupported] as const);
  const ofFiles = ['close', 'write', 'read', 'sync', 'seek', 'fdstat_get'];
  return {
    ...Object.fromEntries(calls),
    ...Object.fromEntries(ofFiles.map((name) => [`fd_${name}`, () => notSupported])),
    __syscall_openat: () => -notFound,
    __syscall_faccessat: () => -notFound,
    _mmap_js: () => -notSupported,
    _munmap_js: () => -notSupported,
    environ_get: () => 0,
    environ_sizes_get(count: number, bytes: number) {
      view().setUint32(count, 0, true);
      view().setUint32(bytes, 0, true);
      return 0;
    },
    emscripten_date_now: () => Date.now(),
    emscripten_get_now: () => performance.now(),
    clock_time_get(clock: number, _precision: bigint, target: number) {
      const milliseconds = clock === 0 ? Date.now() : performance.now();
      view().setBigUint64(target, BigInt(Math.round(milliseconds * 1e6)), true);
      return 0;
    },
    emscripten_get_heap_max: () => mostPages * pageBytes,
    emscripten_resize_heap(bytes: number) {
      const size = memory.buffer.byteLength;
      // A fifth more than is asked for, so that a growing database does not grow the memory page by page.
      for (const wanted of [Math.max(bytes >>> 0, size * 1.2), bytes >>> 0]) {
        try {
          memory.grow(Math.ceil((wanted - size) / pageBytes));
          return 1;
        } catch {
          // There may be room for less.
        }
      }
      return 0;
    },
    // SQL's `localtime`: a `struct tm` of ten 32-bit numbers, of which the last is the offset from UTC.
    _localtime_js(seconds: bigint, target: number) {
      const at = new Date(Number(seconds) * 1000);
      const winter = new Date(at.getFullYear(), 0, 1);
      const offsets = [winter, new Date(at.getFullYear(), 6, 1)].map((date) => date.getTimezoneOffset());
      const isSummer = offsets[0] !== offsets[1] && at.getTimezoneOffset() === Math.min(...offsets);
      const day = Math.round(
        (Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 1)) / 864e5,
      );
      const fields = [
        at.getSeconds(),
        at.getMinutes(),
        at.getHours(),
        at.getDate(),
        at.getMonth(),
        at.getFullYear() - 1900,
      ];
      fields.push(at.getDay(), day, Number(isSummer), -60 * at.getTimezoneOffset());
      for (const [index, field] of fields.entries()) view().setInt32(target + 4 * index, field, true);
    },
    // The zone's names, of which SQLite uses none, are left as they are.
    _tzset_js(zone: number, hasSummer: number) {
      view().setInt32(zone, 60 * new Date().getTimezoneOffset(), true);
      view().setInt32(hasSummer, 0, true);
    },
  };
}

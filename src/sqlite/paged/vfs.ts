import { resultCode } from '../sqlite-errors.js';
import type { DatabaseImage } from '../image/database-image.js';
import type { Pointer, SqliteModule } from './wasm-api.js';

/** Name under which SQLite knows the file system of this file. */
export const imageVfsName = 'ios-backup-kit';

const ioErrorRead = 266;
const ioErrorShortRead = 522;
const openMainDatabase = 0x100;
const immutable = 0x2000;
/** Size of SQLite's `sqlite3_file`: one pointer, to its methods. */
const sqliteFileBytes = 4;

/** The database images that SQLite may open, by the name under which it opens them. */
export type ImageFiles = Map<string, DatabaseImage>;

/**
 * Gives an instance of SQLite a file system of its own that knows nothing but database images, which it reads. Journals,
 * WAL files and temporary files do not exist in it and cannot be made.
 */
export function installImageVfs(module: SqliteModule, memory: () => Uint8Array): ImageFiles {
  const { capi, wasm, vfs } = module;
  const files: ImageFiles = new Map();
  const open = new Map<Pointer, DatabaseImage>();

  const readName = (address: Pointer): string => {
    const bytes = memory();
    let name = '';
    for (let i = address; bytes[i] !== undefined && bytes[i] !== 0; i++) name += String.fromCharCode(bytes[i] ?? 0);
    return name;
  };
  const storeU32 = (address: Pointer, value: number): void => {
    if (address === 0) return;
    const bytes = memory();
    new DataView(bytes.buffer).setUint32(address, value, true);
  };
  const storeI64 = (address: Pointer, value: bigint): void => {
    const bytes = memory();
    new DataView(bytes.buffer).setBigInt64(address, value, true);
  };

  const ioMethods = new capi.sqlite3_io_methods();
  ioMethods.$iVersion = 1;
  const struct = new capi.sqlite3_vfs();
  const fallback = new capi.sqlite3_vfs(capi.sqlite3_vfs_find(0));
  struct.$iVersion = 2;
  struct.$szOsFile = sqliteFileBytes;
  struct.$mxPathname = 64;
  struct.$zName = wasm.allocCString(imageVfsName);
  struct.$xRandomness = fallback.$xRandomness;
  struct.$xSleep = fallback.$xSleep;

  vfs.installVfs({
    io: {
      struct: ioMethods,
      methods: {
        xClose(file: Pointer) {
          open.delete(file);
          return resultCode.ok;
        },
        xRead(file: Pointer, target: Pointer, length: number, offset: bigint) {
          const image = open.get(file);
          if (image === undefined) return ioErrorRead;
          const into = memory().subarray(target, target + length);
          const filled = image.tryRead(Number(offset), into);
          if (filled === undefined) return ioErrorRead;
          if (filled === length) return resultCode.ok;
          into.fill(0, filled);
          return ioErrorShortRead;
        },
        xWrite: () => resultCode.readOnly,
        xTruncate: () => resultCode.readOnly,
        xSync: () => resultCode.ok,
        xFileSize(file: Pointer, size: Pointer) {
          storeI64(size, BigInt(open.get(file)?.size ?? 0));
          return resultCode.ok;
        },
        xLock: () => resultCode.ok,
        xUnlock: () => resultCode.ok,
        xCheckReservedLock(_file: Pointer, result: Pointer) {
          storeU32(result, 0);
          return resultCode.ok;
        },
        xFileControl: () => resultCode.notFound,
        xSectorSize: () => 4096,
        xDeviceCharacteristics: () => immutable,
      },
    },
    vfs: {
      struct,
      name: imageVfsName,
      methods: {
        // oxlint-disable-next-line max-params -- SQLite's signature
        xOpen(_vfs: Pointer, name: Pointer, file: Pointer, flags: number, outFlags: Pointer) {
          const image = (flags & openMainDatabase) === 0 || name === 0 ? undefined : files.get(readName(name));
          if (image === undefined) return resultCode.cantOpen;
          storeU32(file, ioMethods.pointer);
          open.set(file, image);
          storeU32(outFlags, flags);
          return resultCode.ok;
        },
        xAccess(_vfs: Pointer, _name: Pointer, _flags: number, result: Pointer) {
          storeU32(result, 0);
          return resultCode.ok;
        },
        xDelete: () => resultCode.readOnly,
        xFullPathname(_vfs: Pointer, name: Pointer, room: number, target: Pointer) {
          const bytes = memory();
          const end = bytes.indexOf(0, name) + 1;
          if (end - name > room) return resultCode.cantOpen;
          bytes.copyWithin(target, name, end);
          return resultCode.ok;
        },
        xCurrentTimeInt64(_vfs: Pointer, target: Pointer) {
          // Milliseconds since noon of 24 November 4714 BC, SQLite's Julian epoch.
          storeI64(target, 210_866_760_000_000n + BigInt(Date.now()));
          return resultCode.ok;
        },
      },
    },
  });
  return files;
}

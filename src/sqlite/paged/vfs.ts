import { randomBytes } from 'node:crypto';
import { latin1Decode } from '../../core/bytes.js';
import { resultCode } from '../sqlite-errors.js';
import type { DatabaseImage } from '../image/database-image.js';
import type { Pointer, SqliteModule } from './wasm-api.js';
import type { WasmFunction } from './wrap-functions.js';

/** Name under which SQLite knows the file system of this file. */
export const imageVfsName = 'ios-backup-kit';

const ioErrorRead = 266;
const ioErrorShortRead = 522;
const openMainDatabase = 0x100;
const immutable = 0x2000;
/** Size of SQLite's `sqlite3_file`: one pointer, to its methods. */
const sqliteFileBytes = 4;
/** Longest name of a database image. */
const maxNameBytes = 64;

/** The database images that SQLite may open, by the name under which it opens them. */
export type ImageFiles = Map<string, DatabaseImage>;

/** A function for SQLite by the signature of its parameters, or none. */
type Method = readonly [parameters: string, call: WasmFunction['call']] | undefined;

/**
 * Gives an instance of SQLite a file system of its own that knows nothing but database images, which it reads. Journals,
 * WAL files and temporary files do not exist in it and cannot be made. It is the default one too: databases in memory ask it
 * for the time and for randomness.
 */
export function installImageVfs(module: SqliteModule, memory: () => Uint8Array): ImageFiles {
  const files: ImageFiles = new Map();
  const open = new Map<Pointer, DatabaseImage>();

  const readName = (address: Pointer): string => {
    const bytes = memory();
    return latin1Decode(bytes.subarray(address, bytes.indexOf(0, address)));
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
  /** Writes a struct of 32-bit members into memory that SQLite keeps. */
  const makeStruct = (members: readonly (number | Method)[]): Pointer => {
    const methods = members.flatMap((member) => (typeof member === 'object' ? [member] : []));
    const addresses = module.install(methods.map(([parameters, call]) => ({ parameters, call })));
    const address = module.exports.sqlite3_malloc(members.length * 4);
    for (const [index, member] of members.entries()) {
      const value = typeof member === 'object' ? addresses.shift() : member;
      storeU32(address + index * 4, value ?? 0);
    }
    return address;
  };

  // https://www.sqlite.org/c3ref/io_methods.html
  const ioMethods = makeStruct([
    1,
    ['i', xClose],
    ['iiij', xRead],
    ['iiij', () => resultCode.readOnly],
    ['ij', () => resultCode.readOnly],
    ['ii', () => resultCode.ok],
    ['ii', xFileSize],
    ['ii', () => resultCode.ok],
    ['ii', () => resultCode.ok],
    ['ii', xCheckReservedLock],
    ['iii', () => resultCode.notFound],
    ['i', () => 4096],
    ['i', () => immutable],
  ]);
  const name = Buffer.from(`${imageVfsName}\0`);
  const nameAddress = module.exports.sqlite3_malloc(name.length);
  memory().set(name, nameAddress);
  // https://www.sqlite.org/c3ref/vfs.html
  const vfs = makeStruct([
    2,
    sqliteFileBytes,
    maxNameBytes,
    0,
    nameAddress,
    0,
    ['iiiii', xOpen],
    ['iii', () => resultCode.readOnly],
    ['iiii', xAccess],
    ['iiii', xFullPathname],
    ...loadsNothing,
    ['iii', xRandomness],
    ['ii', () => 0],
    undefined,
    undefined,
    ['ii', xCurrentTimeInt64],
  ]);
  module.exports.sqlite3_vfs_register(vfs, 1);
  return files;

  function xClose(file: Pointer): number {
    open.delete(file);
    return resultCode.ok;
  }
  // oxlint-disable-next-line max-params -- SQLite's signature
  function xRead(file: Pointer, target: Pointer, length: number, offset: bigint): number {
    const image = open.get(file);
    if (image === undefined) return ioErrorRead;
    const into = memory().subarray(target, target + length);
    const filled = image.tryRead(Number(offset), into);
    if (filled === undefined) return ioErrorRead;
    if (filled === length) return resultCode.ok;
    into.fill(0, filled);
    return ioErrorShortRead;
  }
  function xFileSize(file: Pointer, size: Pointer): number {
    storeI64(size, BigInt(open.get(file)?.size ?? 0));
    return resultCode.ok;
  }
  function xCheckReservedLock(_file: Pointer, result: Pointer): number {
    storeU32(result, 0);
    return resultCode.ok;
  }
  // oxlint-disable-next-line max-params -- SQLite's signature
  function xOpen(_vfs: Pointer, path: Pointer, file: Pointer, flags: number, outFlags: Pointer): number {
    const image = (flags & openMainDatabase) === 0 || path === 0 ? undefined : files.get(readName(path));
    if (image === undefined) {
      // Without methods there is nothing for SQLite to close.
      storeU32(file, 0);
      return resultCode.cantOpen;
    }
    storeU32(file, ioMethods);
    open.set(file, image);
    storeU32(outFlags, flags);
    return resultCode.ok;
  }
  // oxlint-disable-next-line max-params -- SQLite's signature
  function xAccess(_vfs: Pointer, _path: Pointer, _flags: number, result: Pointer): number {
    storeU32(result, 0);
    return resultCode.ok;
  }
  // oxlint-disable-next-line max-params -- SQLite's signature
  function xFullPathname(_vfs: Pointer, path: Pointer, room: number, target: Pointer): number {
    const bytes = memory();
    const end = bytes.indexOf(0, path) + 1;
    if (end - path > room) return resultCode.cantOpen;
    bytes.copyWithin(target, path, end);
    return resultCode.ok;
  }
  function xRandomness(_vfs: Pointer, length: number, target: Pointer): number {
    memory().set(randomBytes(length), target);
    return length;
  }
  function xCurrentTimeInt64(_vfs: Pointer, target: Pointer): number {
    // Milliseconds since noon of 24 November 4714 BC, SQLite's Julian epoch.
    storeI64(target, 210_866_760_000_000n + BigInt(Date.now()));
    return resultCode.ok;
  }
}

/** In place of the functions that load extensions, which are not compiled in. */
const loadsNothing: readonly Method[] = [undefined, undefined, undefined, undefined];

import { utf8DecodeStrict, utf8Encode } from '../../../core/bytes.js';
import { encodeAfcPacket, readAfcPacket, type AfcPacket } from '../../../device/afc/framing.js';
import { afcLinkType, afcOperation as op, afcOtherOperations, afcStatus } from '../../../device/afc/protocol.js';
import { errnoError, errnoOf } from '../folder/backend.js';
import type { VirtualFolder } from '../folder/virtual-folder.js';
import type { ServiceConnection, VirtualService } from '../types.js';
import { AfcFiles } from './afc-files.js';

/** FORMAT facts: docs/format/afc.md. */
export const afc: VirtualService = {
  handler: async (connection, { device }) => {
    await serveAfc(connection, device.media, device.productType);
  },
};

const blockBytes = 4096;

/** What a request is answered with. */
interface Reply {
  readonly operation: number;
  readonly data?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** Serves a folder over AFC until the host ends the connection. `model` is what GET_DEVINFO says. */
export async function serveAfc(connection: ServiceConnection, folder: VirtualFolder, model: string): Promise<void> {
  const server = new AfcServer(folder, model);
  try {
    for (;;) {
      const request = await readAfcPacket(connection);
      if (request === undefined) return;
      await connection.messageReceived();
      const reply = await server.answer(request);
      await connection.sendMessage(
        encodeAfcPacket({
          number: request.number,
          operation: reply.operation,
          data: reply.data ?? new Uint8Array(),
          payload: reply.payload ?? new Uint8Array(),
        }),
      );
    }
  } finally {
    await server.close();
  }
}

class AfcServer {
  readonly #folder: VirtualFolder;
  readonly #model: string;
  readonly #files: AfcFiles;

  constructor(folder: VirtualFolder, model: string) {
    this.#folder = folder;
    this.#model = model;
    this.#files = new AfcFiles(folder);
  }

  async close(): Promise<void> {
    await this.#files.closeAll();
  }

  async answer(request: AfcPacket): Promise<Reply> {
    try {
      return await this.#answer(request.operation, new Arguments(request.data), request.payload);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      return status(statusOfErrno[errno] ?? afcStatus.ioError);
    }
  }

  async #answer(operation: number, args: Arguments, payload: Uint8Array): Promise<Reply> {
    const folder = this.#folder;
    const files = this.#files;
    switch (operation) {
      case op.readDirectory:
        return data(['.', '..', ...(await folder.list(args.path()))]);
      case op.getFileInfo:
        return data(await this.#fileInfo(args.path()));
      case op.getDeviceInfo:
        return data(await this.#deviceInfo());
      case op.makeDirectory:
        await folder.makeDirectory(args.path());
        return done;
      case op.removePath:
        await folder.remove(args.path());
        return done;
      case op.removePathAndContents:
        await folder.remove(args.path(), { recursive: true });
        return done;
      case op.rename:
        await folder.rename(args.path(), args.path());
        return done;
      case op.makeLink:
        await this.#makeLink(args.u64(), args.path(), args.path());
        return done;
      case op.setModified: {
        const time = args.u64();
        await folder.setModified(args.path(), new Date(Number(time / 1_000_000n)));
        return done;
      }
      case op.truncate: {
        const size = args.u64();
        await this.#truncate(args.path(), size);
        return done;
      }
      case op.openFile: {
        const mode = args.u64();
        return { operation: op.openFileResult, data: u64(await files.open(args.path(), mode)) };
      }
      case op.readFile:
        return { operation: op.data, payload: await files.read(args.u64(), args.u64()) };
      case op.writeFile:
        await files.write(args.u64(), payload);
        return done;
      case op.seekFile:
        await files.seek(args.u64(), args.u64(), BigInt.asIntN(64, args.u64()));
        return done;
      case op.tellFile:
        return { operation: op.tellFileResult, data: u64(files.tell(args.u64())) };
      case op.setFileSize:
        await files.setSize(args.u64(), args.u64());
        return done;
      case op.lockFile:
        files.lock(args.u64(), args.u64());
        return done;
      case op.closeFile:
        await files.close(args.u64());
        return done;
      default:
        return status(afcOtherOperations.has(operation) ? afcStatus.notSupported : afcStatus.unknownPacket);
    }
  }

  async #fileInfo(path: string): Promise<string[]> {
    const info = await this.#folder.stat(path);
    if (info === undefined) throw errnoError('ENOENT', path);
    const types = { file: 'S_IFREG', directory: 'S_IFDIR', symlink: 'S_IFLNK' };
    return pairs({
      st_size: info.size,
      st_blocks: Math.ceil(info.size / blockBytes) * (blockBytes / 512),
      st_nlink: info.links,
      st_ifmt: types[info.kind],
      st_mtime: nanoseconds(info.modified),
      st_birthtime: nanoseconds(info.created),
      ...(info.linkTarget !== undefined && { LinkTarget: info.linkTarget }),
    });
  }

  async #deviceInfo(): Promise<string[]> {
    const { total, free } = await this.#folder.space();
    return pairs({ Model: this.#model, FSTotalBytes: total, FSFreeBytes: free, FSBlockSize: blockBytes });
  }

  async #makeLink(type: bigint, target: string, path: string): Promise<void> {
    if (Number(type) === afcLinkType.hard) await this.#folder.hardLink(target, path);
    else if (Number(type) === afcLinkType.symbolic) await this.#folder.symlink(target, path);
    else throw errnoError('EINVAL', path);
  }

  async #truncate(path: string, size: bigint): Promise<void> {
    const handle = await this.#files.open(path, 2n);
    try {
      await this.#files.setSize(handle, size);
    } finally {
      await this.#files.close(handle);
    }
  }
}

/** Arguments of a request, in order. Those that are missing or unreadable make it an invalid one. */
class Arguments {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  u64(): bigint {
    if (this.#data.length - this.#at < 8) throw errnoError('EINVAL', 'arguments');
    const view = new DataView(this.#data.buffer, this.#data.byteOffset + this.#at, 8);
    this.#at += 8;
    return view.getBigUint64(0, true);
  }

  /** Text up to a NUL, or to the end. */
  path(): string {
    const end = this.#data.indexOf(0, this.#at);
    const text = utf8DecodeStrict(this.#data.subarray(this.#at, end < 0 ? undefined : end));
    if (text === undefined || this.#at >= this.#data.length) throw errnoError('EINVAL', 'arguments');
    this.#at = end < 0 ? this.#data.length : end + 1;
    return text;
  }
}

/** Status by `errno`; what is not here is an I/O error. A folder that is not empty is an unknown error to AFC. */
const statusOfErrno: Readonly<Record<string, number>> = {
  ENOENT: afcStatus.notFound,
  ENOTDIR: afcStatus.notFound,
  EISDIR: afcStatus.isDirectory,
  EACCES: afcStatus.permissionDenied,
  EPERM: afcStatus.permissionDenied,
  EBUSY: afcStatus.permissionDenied,
  EEXIST: afcStatus.exists,
  ENOTEMPTY: afcStatus.unknownError,
  EINVAL: afcStatus.invalidArgument,
  ENAMETOOLONG: afcStatus.invalidArgument,
  ELOOP: afcStatus.invalidArgument,
  EMFILE: afcStatus.noResources,
  ENOSPC: afcStatus.noSpace,
  EDQUOT: afcStatus.noSpace,
  EFBIG: afcStatus.noSpace,
  EAGAIN: afcStatus.wouldBlock,
};

const done = status(afcStatus.ok);

function status(code: number): Reply {
  return { operation: op.status, data: u64(BigInt(code)) };
}

/** Texts, each with a NUL behind it. */
function data(texts: readonly string[]): Reply {
  return { operation: op.data, payload: utf8Encode(texts.map((text) => `${text}\0`).join('')) };
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** Keys and values in turn. */
function pairs(values: Readonly<Record<string, string | number | bigint>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => [key, String(value)]);
}

/** Nanoseconds since 1970. */
function nanoseconds(date: Date): bigint {
  return BigInt(date.getTime()) * 1_000_000n;
}

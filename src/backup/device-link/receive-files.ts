import type { AbortOptions } from '../../core/abort.js';
import { utf8Decode } from '../../core/bytes.js';
import { ProtocolError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { TaskPool } from '../../core/task-pool.js';
import { WholeContent } from '../../core/whole-content.js';
import type { BufferedInput } from './buffered-input.js';
import { blockCode, decodeLength } from './wire.js';

/** Files up to this size are taken into memory and stored while the next ones come; larger ones are stored as they come. */
const behindBytes = 1024 * 1024;

/** Files that are stored at a time. */
const storedAtOnce = 8;

/** Bytes that are kept of a text with which the device says why it cannot read a file. */
const keptTextBytes = 4096;

/** A file that has come. */
export interface ReceivedFile {
  /** Where the device wants it. */
  readonly path: string;
  /** Where it lies on the device. */
  readonly devicePath: string;
  /** Bytes of content that have come. */
  readonly bytes: number;
  /** Why it is incomplete, in the device's words; `undefined` where it is complete. */
  readonly problem: string | undefined;
}

/** What is done with the files of a batch. */
export interface FileReceiver {
  /** Keeps a file, reading its content to the end. A rejection does not end the batch: what is left of it is skipped. */
  store(path: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Told of every file, after it was stored or was not. */
  onFile(file: ReceivedFile, failure: unknown): void;
  /** Told of content as it comes. */
  onBytes(path: string, bytes: number): void;
}

/**
 * Takes a batch of files, to its end whatever happens on this side: the device sends all of it before it listens.
 *
 * @throws DeviceError `DEVICE_DISCONNECTED`, and the signal's reason; {@link ProtocolError} `PROTOCOL_LIMIT_EXCEEDED` for
 * absurd names
 */
export async function receiveFiles(
  input: BufferedInput,
  receiver: FileReceiver,
  options: AbortOptions = {},
): Promise<void> {
  const pool = new TaskPool(storedAtOnce);
  try {
    do await storeBuffered(input, receiver, pool, options);
    while (await receiveFile(input, receiver, pool, options));
  } catch (error) {
    await pool.settle();
    throw error;
  }
  await pool.finish();
}

/** Takes the files that have come whole already. A backup has many small ones, each of which would wait for each of its parts. */
async function storeBuffered(
  input: BufferedInput,
  receiver: FileReceiver,
  pool: TaskPool,
  { signal }: AbortOptions,
): Promise<void> {
  for (let file = takeBuffered(input); file !== undefined; file = takeBuffered(input)) {
    signal?.throwIfAborted();
    const { path, devicePath, content } = file;
    for (const { length } of content.parts) receiver.onBytes(path, length);
    const report = { path, devicePath, bytes: content.size, problem: undefined };
    await pool.add(async () => receiver.onFile(report, await failureOf(receiver.store(path, content))));
  }
}

interface WholeFile {
  readonly path: string;
  readonly devicePath: string;
  readonly content: WholeContent;
}

/** The next file, where all of it has come and it ends as files should; otherwise it is left for {@link receiveFile}. */
function takeBuffered(input: BufferedInput): WholeFile | undefined {
  const bytes = input.buffered;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (): Uint8Array | undefined => {
    const start = at + 4;
    if (start > bytes.length) return undefined;
    at = start + view.getUint32(at);
    return at > bytes.length ? undefined : bytes.subarray(start, at);
  };
  const devicePath = next();
  if (!isName(devicePath)) return undefined;
  const path = next();
  if (!isName(path)) return undefined;
  const parts: Uint8Array[] = [];
  for (let block = next(); block !== undefined; block = next()) {
    if (block[0] === blockCode.data) {
      if (block.length > 1) parts.push(block.subarray(1));
      continue;
    }
    if (block[0] !== blockCode.end) return undefined;
    input.skip(at);
    return { path: utf8Decode(path), devicePath: utf8Decode(devicePath), content: new WholeContent(parts) };
  }
  return undefined;
}

const isName = (bytes: Uint8Array | undefined): bytes is Uint8Array =>
  bytes !== undefined && bytes.length > 0 && bytes.length <= limits.pathBytes;

/** Takes the next file; false at the end of the batch. */
async function receiveFile(
  input: BufferedInput,
  receiver: FileReceiver,
  pool: TaskPool,
  options: AbortOptions,
): Promise<boolean> {
  const devicePath = await readName(input, options);
  const path = devicePath === undefined ? undefined : await readName(input, options);
  if (devicePath === undefined || path === undefined) return false;
  const file = new IncomingFile(input, options, (bytes) => receiver.onBytes(path, bytes));
  const head = await file.read(behindBytes);
  const report = (): ReceivedFile => ({ path, devicePath, bytes: file.bytes, problem: file.problem });
  if (file.isEnded) {
    await pool.add(async () =>
      receiver.onFile(report(), await failureOf(receiver.store(path, new WholeContent(head)))),
    );
    return !file.endsBatch;
  }
  await pool.finish();
  const failure = await failureOf(receiver.store(path, file.content(head)));
  await file.skipRest();
  receiver.onFile(report(), failure);
  return !file.endsBatch;
}

async function failureOf(stored: Promise<void>): Promise<unknown> {
  return await stored.then(
    () => undefined,
    (error: unknown) => error ?? new Error('The file could not be stored'),
  );
}

/** The blocks of one file. */
class IncomingFile {
  bytes = 0;
  problem: string | undefined;
  /** Whether the end of the batch came in place of a block. */
  endsBatch = false;
  readonly #input: BufferedInput;
  readonly #options: AbortOptions;
  readonly #onBytes: (bytes: number) => void;
  /** Bytes that are left of the current block. */
  #left = 0;
  #ended = false;
  /** What broke the connection: nothing more can be read. */
  #broken: { readonly error: unknown } | undefined;

  constructor(input: BufferedInput, options: AbortOptions, onBytes: (bytes: number) => void) {
    this.#input = input;
    this.#options = options;
    this.#onBytes = onBytes;
  }

  /** Whether all of it was read. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** The beginning: all of the file, or a little more than `most` bytes. */
  async read(most: number): Promise<Uint8Array[]> {
    const parts: Uint8Array[] = [];
    while (this.bytes <= most) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      parts.push(chunk);
    }
    return parts;
  }

  /** All of it, after the part that was read. */
  async *content(head: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
    yield* head;
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  /** Reads what nobody wanted. @throws what broke the connection, also where that was seen before */
  async skipRest(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.error;
    while ((await this.#next()) !== undefined);
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      while (!this.#ended) {
        if (this.#left === 0) {
          await this.#beginBlock();
          continue;
        }
        // Where the connection has ended, this says so.
        const chunk =
          (await this.#input.readSome(this.#left, this.#options)) ?? (await this.#input.readExactly(1, this.#options));
        this.#left -= chunk.length;
        this.bytes += chunk.length;
        this.#onBytes(chunk.length);
        return chunk;
      }
      return undefined;
    } catch (error) {
      this.#broken = { error };
      throw error;
    }
  }

  async #beginBlock(): Promise<void> {
    const length = decodeLength(await this.#input.readExactly(4, this.#options));
    if (length === 0) {
      this.#ended = true;
      this.endsBatch = true;
      this.problem = 'The device ended the batch within the file';
      return;
    }
    const [code] = await this.#input.readExactly(1, this.#options);
    if (code === blockCode.data) {
      this.#left = length - 1;
      return;
    }
    this.#ended = true;
    const text = await readText(this.#input, length - 1, this.#options);
    if (code === blockCode.end) return;
    // Known devices also end a file that is complete with this code, without a text.
    if (code === blockCode.deviceFailed && text === '' && this.bytes > 0) return;
    this.problem = text === '' ? `The device reported error ${code ?? 0}` : text;
  }
}

/** A name; `undefined` for the end of the batch. */
async function readName(input: BufferedInput, options: AbortOptions): Promise<string | undefined> {
  const length = decodeLength(await input.readExactly(4, options));
  if (length === 0) return undefined;
  if (length > limits.pathBytes) {
    throw new ProtocolError('PROTOCOL_LIMIT_EXCEEDED', `A name of ${length} bytes is more than ${limits.pathBytes}`, {
      protocol: 'device-link',
    });
  }
  return utf8Decode(await input.readExactly(length, options));
}

/** A text, shortened to what is worth keeping. */
async function readText(input: BufferedInput, length: number, options: AbortOptions): Promise<string> {
  const kept = await input.readExactly(Math.min(length, keptTextBytes), options);
  for (let left = length - kept.length; left > 0;) {
    const skipped = (await input.readSome(left, options)) ?? (await input.readExactly(1, options));
    left -= skipped.length;
  }
  return utf8Decode(kept).replaceAll('\0', '').trim();
}

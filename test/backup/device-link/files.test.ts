import { describe, expect, it } from 'vitest';
import { BufferedInput } from '../../../src/backup/device-link/buffered-input.js';
import { receiveFiles, type ReceivedFile } from '../../../src/backup/device-link/receive-files.js';
import { sendFiles } from '../../../src/backup/device-link/send-files.js';
import { statusOfError } from '../../../src/backup/device-link/status.js';
import { blockCode, encodeBlock, encodeLength, encodeName, endOfFiles } from '../../../src/backup/device-link/wire.js';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { concatBytes, utf8Decode, utf8Encode } from '../../../src/core/bytes.js';
import { IoError } from '../../../src/core/errors.js';

/** Bytes that arrive in pieces of at most `size`. */
function arriving(bytes: Uint8Array, size: number): BufferedInput {
  let at = 0;
  return new BufferedInput(
    {
      async readSome(limit) {
        if (at === bytes.length) return undefined;
        const part = bytes.slice(at, at + Math.min(size, limit));
        at += part.length;
        return part;
      },
    },
    'a test',
  );
}

interface Received {
  readonly contents: Map<string, string>;
  readonly files: ReceivedFile[];
  readonly failures: unknown[];
}

/** Receives, storing files but those that `refuse` names. */
async function receive(bytes: Uint8Array, { size = 7, refuse = '' } = {}): Promise<Received> {
  const received: Received = { contents: new Map(), files: [], failures: [] };
  await receiveFiles(arriving(bytes, size), {
    async store(path, content) {
      const parts: Uint8Array[] = [];
      for await (const part of content) {
        parts.push(part);
        if (path === refuse) throw new Error('refused');
      }
      received.contents.set(path, utf8Decode(concatBytes(parts)));
    },
    onFile(file, failure) {
      received.files.push(file);
      received.failures.push(failure);
    },
    onBytes() {},
  });
  return received;
}

const data = (text: string): Uint8Array => encodeBlock(blockCode.data, utf8Encode(text));
const end = encodeBlock(blockCode.end);
const file = (path: string, ...blocks: Uint8Array[]): Uint8Array =>
  concatBytes([encodeName('/device'), encodeName(path), ...blocks]);

describe('receiveFiles()', () => {
  it.each([1, 3, 64 * 1024])('takes files of any blocks, in pieces of %i bytes', async (size) => {
    const bytes = concatBytes([
      file('a', end),
      file('b', data('1'), data(''), data('23'), end),
      file('c', data('x'), end),
      endOfFiles,
    ]);
    const { contents, files } = await receive(bytes, { size });
    expect(Object.fromEntries(contents)).toEqual({ a: '', b: '123', c: 'x' });
    // Several are stored at a time, so they may be done in another order.
    const reported = files.toSorted((one, other) => one.path.localeCompare(other.path));
    expect(reported.map(({ path, bytes: length, problem }) => [path, length, problem])).toEqual([
      ['a', 0, undefined],
      ['b', 3, undefined],
      ['c', 1, undefined],
    ]);
  });

  it('takes the same of any batch, however it arrives', async () => {
    const bytes = concatBytes([
      file('a', data('1'), data('22'), end),
      file('b', data('half'), encodeBlock(0x0b, utf8Encode('Input/output error (5)'))),
      file('c', encodeBlock(blockCode.end, utf8Encode('text'))),
      file('d', data('cut'), encodeLength(0)),
    ]);
    for (let size = 1; size <= bytes.length; size += 1) {
      const { contents, files } = await receive(bytes, { size });
      expect(Object.fromEntries(contents)).toEqual({ a: '122', b: 'half', c: '', d: 'cut' });
      expect(Object.fromEntries(files.map(({ path, problem }) => [path, problem]))).toEqual({
        a: undefined,
        b: 'Input/output error (5)',
        c: undefined,
        d: 'The device ended the batch within the file',
      });
    }
  });

  it('keeps what came of a file that ends with an error, and goes on', async () => {
    const bytes = concatBytes([
      file('a', data('half'), encodeBlock(0x0b, utf8Encode('Input/output error (5)'))),
      file('b', encodeBlock(0x06, utf8Encode('No such file'))),
      file('c', data('x'), encodeBlock(0x0b)),
      file('d', encodeBlock(0x2a)),
      file('e', data('ok'), end),
      endOfFiles,
    ]);
    const { contents, files } = await receive(bytes);
    expect(Object.fromEntries(contents)).toEqual({ a: 'half', b: '', c: 'x', d: '', e: 'ok' });
    expect(files.map(({ problem }) => problem)).toEqual([
      'Input/output error (5)',
      'No such file',
      undefined,
      'The device reported error 42',
      undefined,
    ]);
  });

  it('drains what cannot be stored, up to the next file', async () => {
    const bytes = concatBytes([
      file('bad', data('x'.repeat(1000)), data('y'), end),
      file('good', data('z'), end),
      endOfFiles,
    ]);
    const { contents, failures } = await receive(bytes, { refuse: 'bad' });
    expect([...contents]).toEqual([['good', 'z']]);
    expect(failures).toEqual([new Error('refused'), undefined]);
  });

  it('takes a batch that ends within a file as the end of both', async () => {
    const { files } = await receive(concatBytes([file('a', data('x'), endOfFiles)]));
    expect(files).toEqual([
      { path: 'a', devicePath: '/device', bytes: 1, problem: 'The device ended the batch within the file' },
    ]);
  });

  it('shortens absurd texts', async () => {
    const { files } = await receive(
      concatBytes([file('a', encodeBlock(0x06, new Uint8Array(1_000_000).fill(0x61))), endOfFiles]),
      { size: 65_536 },
    );
    expect(files[0]?.problem).toHaveLength(4096);
  });

  it('rejects where the connection ends, wherever that is', async () => {
    const whole = concatBytes([
      file('a', data('1234'), encodeBlock(0x06, utf8Encode('why'))),
      file('b', end),
      endOfFiles,
    ]);
    for (let length = 0; length < whole.length; length += 1)
      await expect(receive(whole.slice(0, length))).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED' });
    await expect(receive(concatBytes([encodeLength(2 ** 31)]))).rejects.toMatchObject({
      code: 'PROTOCOL_LIMIT_EXCEEDED',
    });
  });
});

describe('sendFiles()', () => {
  async function send(files: Record<string, ByteSource | Error>): Promise<{ sent: Uint8Array; failed: unknown }> {
    const parts: Uint8Array[] = [];
    const failed = await sendFiles(Object.keys(files), {
      async open(path) {
        const found = files[path];
        if (found instanceof Error) throw found;
        return path === 'absent' ? undefined : found;
      },
      async write(bytes) {
        parts.push(bytes);
      },
      onBytes() {},
      onFile() {},
    });
    return { sent: concatBytes(parts), failed: Object.fromEntries(failed) };
  }

  it('sends blocks of at most 32 KiB, and goes on after files that fail', async () => {
    const large = new Uint8Array(100_000).fill(7);
    const { sent, failed } = await send({
      large: memorySource(large),
      absent: memorySource(new Uint8Array()),
      denied: new IoError('IO_UNSAFE_PATH', 'x', { path: 'denied' }),
      empty: memorySource(new Uint8Array()),
    });
    const blocks = [0, 32_768, 65_536, 98_304].map((at) =>
      encodeBlock(blockCode.data, large.subarray(at, at + 32_768)),
    );
    const refused = (text: string): Uint8Array => encodeBlock(blockCode.failed, utf8Encode(text));
    expect(sent).toEqual(
      concatBytes([
        encodeName('large'),
        ...blocks,
        end,
        encodeName('absent'),
        refused('No such file or directory'),
        encodeName('denied'),
        refused('Operation not permitted'),
        encodeName('empty'),
        end,
        endOfFiles,
      ]),
    );
    expect(failed).toEqual({
      absent: { code: -6, text: 'No such file or directory' },
      denied: { code: -1, text: 'Operation not permitted' },
    });
  });

  it('keeps the stream whole when a file fails half-way', async () => {
    const broken: ByteSource = {
      ...memorySource(new Uint8Array(10)),
      async *stream() {
        yield Uint8Array.of(1, 2);
        throw new IoError('IO_FAILED', 'x', { path: '/secret/path', errno: 'EIO' });
      },
    };
    const { sent, failed } = await send({ broken });
    const failure = encodeBlock(blockCode.failed, utf8Encode('Input/output error'));
    expect(sent).toEqual(
      concatBytes([encodeName('broken'), encodeBlock(blockCode.data, Uint8Array.of(1, 2)), failure, endOfFiles]),
    );
    expect(failed).toEqual({ broken: { code: -11, text: 'Input/output error' } });
  });

  it('sends the end of an empty list', async () => {
    expect((await send({})).sent).toEqual(endOfFiles);
  });

  it('rejects where the connection refuses, and where it is aborted', async () => {
    const failure = new Error('cable');
    const sender = { open: async () => memorySource(new Uint8Array(1_000_000)), onBytes() {}, onFile() {} };
    const write = async (): Promise<void> => {
      throw failure;
    };
    await expect(sendFiles(['a'], { ...sender, write })).rejects.toBe(failure);
    const signal = AbortSignal.abort(failure);
    await expect(sendFiles(['a'], { ...sender, write: async () => {}, signal })).rejects.toBe(failure);
  });
});

describe('statusOfError()', () => {
  it.each([
    ['ENOENT', -6],
    ['EEXIST', -7],
    ['ENOTDIR', -8],
    ['EISDIR', -9],
    ['ELOOP', -10],
    ['EIO', -11],
    ['ENOSPC', -15],
    ['EDQUOT', -15],
    ['EMFILE', -11],
  ])('%s is %i', (errno, code) => {
    expect(statusOfError(new IoError('IO_FAILED', 'x', { path: 'x', errno }))).toMatchObject({ code });
  });

  it('anything else is -1, without what it says', () => {
    expect(statusOfError(new Error('/home/me'))).toEqual({ code: -1, text: 'Operation failed' });
    expect(statusOfError(undefined)).toMatchObject({ code: -1 });
  });
});

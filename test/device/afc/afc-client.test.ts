import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeAfcPacket, readAfcPacket } from '../../../src/device/afc/framing.js';
import { readDeviceInfo, readFileInfo, splitTexts } from '../../../src/device/afc/file-info.js';
import { ByteChannel } from '../../../src/device/byte-channel.js';
import { AfcClient, connectionOverStream } from '../../../src/entry/device.js';
import { openSocket } from '../../../src/device/usbmux/mux-connection.js';
import { bench, codeOf, serve, take, type Bench } from '../support.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const megabyte = 1024 * 1024;

let at: Bench;
let afc: AfcClient;
beforeAll(async () => {
  at = await bench({ media: { 'Photos/é 1.txt': 'one', 'Photos/2.txt': 'two' } });
  afc = await at.device.openAfc();
});
afterAll(async () => {
  await afc.close();
  await at[Symbol.asyncDispose]();
});

describe('AfcClient', () => {
  test('lists and describes what is there', async () => {
    expect((await afc.readdir('/Photos')).sort()).toEqual(['2.txt', 'é 1.txt']);
    expect(await afc.stat('/Photos')).toMatchObject({ kind: 'directory', linkTarget: undefined });
    const info = await afc.stat('/Photos/é 1.txt');
    expect(info).toMatchObject({ kind: 'file', size: 3, links: 1 });
    expect(info.modified).toBeInstanceOf(Date);
    expect(info.created).toBeInstanceOf(Date);
    expect(await afc.deviceInfo()).toMatchObject({ model: 'iPhone15,4', blockBytes: 4096 });
  });

  test('writes files whole and in pieces, and reads them and parts of them', async () => {
    const content = Uint8Array.from({ length: 2.5 * megabyte }, (_, i) => i % 251);
    await afc.writeFile('/whole.bin', content);
    expect(Buffer.compare(await afc.readFile('/whole.bin'), content)).toBe(0);
    await afc.writeFile(
      '/pieces.bin',
      (async function* () {
        for (let i = 0; i < content.length; i += 300_001) yield content.subarray(i, i + 300_001);
      })(),
    );
    expect(Buffer.compare(await afc.readFile('/pieces.bin'), content)).toBe(0);
    const sizes = (await take(afc.read('/whole.bin'))).map((chunk) => chunk.length);
    expect(sizes).toEqual([megabyte, megabyte, megabyte / 2]);
    const part = await take(afc.read('/whole.bin', { offset: megabyte - 2, length: 5 }));
    expect(Buffer.concat(part)).toEqual(Buffer.from(content.subarray(megabyte - 2, megabyte + 3)));
    expect(await take(afc.read('/whole.bin', { offset: content.length }))).toEqual([]);
    expect(await take(afc.read('/whole.bin', { length: 0 }))).toEqual([]);
    await afc.writeFile('/whole.bin', text('short'));
    expect(await afc.readFile('/whole.bin')).toEqual(text('short'));
  });

  test('makes, moves, links and removes', async () => {
    await afc.mkdir('/a/b/c');
    await afc.mkdir('/a/b/c');
    await afc.writeFile('/a/b/c/file', text('x'));
    await afc.rename('/a/b/c/file', '/a/file');
    await afc.link('/a/file', '/a/hard');
    await afc.symlink('hard', '/a/soft');
    await afc.symlink('../a/soft', '/a/softer');
    expect(await afc.lstat('/a/soft')).toMatchObject({ kind: 'symlink', linkTarget: 'hard' });
    expect(await afc.stat('/a/softer')).toMatchObject({ kind: 'file', size: 1, links: 2 });
    await afc.symlink('loop', '/a/loop');
    await expect(afc.stat('/a/loop')).rejects.toMatchObject({ code: 'IO_FAILED', errno: 'ELOOP' });
    await afc.truncate('/a/file', 3);
    expect(await afc.readFile('/a/file')).toEqual(Uint8Array.of(120, 0, 0));
    const modified = new Date('2020-02-29T12:34:56.789Z');
    await afc.setModified('/a/file', modified);
    expect((await afc.stat('/a/file')).modified).toEqual(modified);
    await expect(afc.rm('/a')).rejects.toMatchObject({ code: 'IO_FAILED', path: '/a' });
    await afc.rm('/a', { recursive: true });
    expect(await afc.readdir('/')).not.toContain('a');
    await expect(afc.rm('/a')).rejects.toMatchObject({ code: 'IO_NOT_FOUND', errno: 'ENOENT', path: '/a' });
    await afc.rm('/a', { force: true });
  });

  test('has files with a position, and locks', async () => {
    await using other = await at.device.openAfc();
    await using file = await afc.open('/locked', 'r+');
    await using same = await other.open('/locked', 'r');
    expect(await file.lock('exclusive')).toBe(true);
    expect(await same.lock('shared')).toBe(false);
    await file.unlock();
    expect(await same.lock('shared')).toBe(true);
    await file.write(text('0123456789'));
    expect(await file.tell()).toBe(10);
    await file.seek(4);
    expect(await file.read(3)).toEqual(text('456'));
    await file.truncate(5);
    await file.seek(0);
    expect(await file.read(100)).toEqual(text('01234'));
    expect(await file.read(100)).toEqual(new Uint8Array());
    await file.close();
    await file.close();
    expect(await codeOf(file.tell())).toBe('DEVICE_CLOSED');
  });

  test('reports what is not there, in the way and not allowed', async () => {
    const errors = [
      [async () => await afc.readdir('/nowhere'), 'IO_NOT_FOUND', 'ENOENT'],
      [async () => await afc.readFile('/nowhere'), 'IO_NOT_FOUND', 'ENOENT'],
      [async () => await afc.stat('/nowhere'), 'IO_NOT_FOUND', 'ENOENT'],
      [async () => await afc.rename('/nowhere', '/x'), 'IO_NOT_FOUND', 'ENOENT'],
      [async () => await afc.readFile('/Photos'), 'IO_FAILED', 'EISDIR'],
    ] as const;
    for (const [call, code, errno] of errors) await expect(call()).rejects.toMatchObject({ code, errno });
    await expect(afc.link('/Photos/2.txt', '/Photos/é 1.txt')).rejects.toMatchObject({ code: 'IO_EXISTS' });
    at.phone.faults.refuseService('com.apple.afc', 'InvalidService', { times: 1 });
    expect(await codeOf(at.device.openAfc())).toBe('DEVICE_SERVICE_UNAVAILABLE');
  });

  test('refuses arguments that make no sense', async () => {
    await expect(afc.open('/x', 'rw' as 'r')).rejects.toBeInstanceOf(RangeError);
    await expect(take(afc.read('/x', { offset: -1 }))).rejects.toBeInstanceOf(RangeError);
    await expect(take(afc.read('/x', { length: 1.5 }))).rejects.toBeInstanceOf(RangeError);
    await expect(afc.truncate('/x', Number.NaN)).rejects.toBeInstanceOf(RangeError);
    await expect(afc.setModified('/x', new Date(-1))).rejects.toBeInstanceOf(RangeError);
  });

  test('leaves no file open when a loop is left or a source fails', async () => {
    for await (const chunk of afc.read('/pieces.bin')) {
      expect(chunk.length).toBe(megabyte);
      break;
    }
    const mistake = new Error('a source that fails');
    const failing = afc.writeFile(
      '/failing',
      (async function* () {
        yield text('some');
        throw mistake;
      })(),
    );
    await expect(failing).rejects.toBe(mistake);
    expect(await afc.readFile('/failing')).toEqual(text('some'));
    // An open file could not be locked by another connection.
    await using other = await at.device.openAfc();
    await using file = await other.open('/failing', 'r');
    expect(await file.lock('exclusive')).toBe(true);
  });

  test('goes on after calls that were aborted, whatever they were waiting for', async () => {
    const reason = new Error('enough');
    await using own = await at.device.openAfc();
    at.phone.faults.goSilent({ service: 'com.apple.afc' });
    const controller = new AbortController();
    const calls = [
      own.open('/Photos/2.txt', 'r', controller),
      own.readdir('/', controller),
      own.rm('/pieces.bin', controller),
    ];
    setImmediate(() => controller.abort(reason));
    for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ reason });
    at.phone.faults.resume();
    expect(await own.readFile('/Photos/2.txt')).toEqual(text('two'));
    // The removal had not had its turn.
    expect(await own.stat('/pieces.bin')).toMatchObject({ kind: 'file' });
  });

  test('refuses calls once it is closed', async () => {
    const own = await at.device.openAfc();
    const file = await own.open('/Photos/2.txt');
    await own.close();
    await own.close();
    await file.close();
    expect(await codeOf(own.readdir('/'))).toBe('DEVICE_CLOSED');
    expect(await codeOf(take(own.read('/Photos/2.txt')))).toBe('DEVICE_CLOSED');
  });
});

describe('A device that answers AFC in its own way', () => {
  /** What becomes of `readdir` where the device answers with these bytes. */
  async function outcome(answer: (number: bigint) => Uint8Array): Promise<string> {
    await using server = await serve((socket) => {
      const channel = new ByteChannel(socket, 'a host');
      const run = async (): Promise<void> => {
        const request = await readAfcPacket(channel);
        await channel.write(answer(request?.number ?? 0n));
        await channel.close();
      };
      run().catch(() => socket.destroy());
    });
    const socket = await openSocket({ host: '127.0.0.1', port: server.port });
    await using client = new AfcClient(connectionOverStream(socket, { service: 'com.apple.afc' }));
    const code = await codeOf(client.readdir('/'));
    // Nothing that follows may pass for a reply to another request.
    expect(await codeOf(client.readdir('/'))).not.toContain('no failure');
    return code;
  }
  const packet = (number: bigint, operation: number, data = new Uint8Array(), payload = new Uint8Array()) =>
    encodeAfcPacket({ number, operation, data, payload });

  test('is reported', async () => {
    expect(await outcome((number) => packet(number + 1n, 2))).toBe('PROTOCOL_MALFORMED');
    expect(await outcome((number) => packet(number, 0x77))).toBe('PROTOCOL_MALFORMED');
    expect(await outcome((number) => packet(number, 1))).toBe('PROTOCOL_MALFORMED');
    expect(await outcome((number) => packet(number, 1, new Uint8Array(8).fill(255)))).toBe('IO_FAILED');
    expect(await outcome(() => new Uint8Array())).toBe('DEVICE_DISCONNECTED');
    expect(await outcome(() => new Uint8Array(40))).toBe('PROTOCOL_MALFORMED');
    expect(await outcome(() => new Uint8Array(39))).toBe('DEVICE_DISCONNECTED');
  });

  test('never gives more of a file than was asked for', async () => {
    await using server = await serve((socket) => {
      const channel = new ByteChannel(socket, 'a host');
      const run = async (): Promise<void> => {
        for (;;) {
          const request = await readAfcPacket(channel);
          if (request === undefined) return;
          const isOpening = request.operation === 0x0d;
          await channel.write(
            packet(request.number, isOpening ? 0x0e : 2, isOpening ? new Uint8Array(8) : undefined, new Uint8Array(50)),
          );
        }
      };
      run().catch(() => socket.destroy());
    });
    const socket = await openSocket({ host: '127.0.0.1', port: server.port });
    await using client = new AfcClient(connectionOverStream(socket, { service: 'com.apple.afc' }));
    const file = await client.open('/x');
    expect(await file.read(10)).toHaveLength(10);
  });

  test('is understood or reported, whatever bytes it sends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (bytes) => {
        expect(await outcome(() => bytes)).toMatch(/^(PROTOCOL|DEVICE|IO)_|^no failure/);
      }),
      { numRuns: 30 },
    );
  });

  test('is understood in what it says of files, whatever that is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.string().map(text)), (bytes) => {
        expect(splitTexts(bytes)).toBeInstanceOf(Array);
        expect(['file', 'directory', 'symlink', 'other']).toContain(readFileInfo(bytes).kind);
        expect(readDeviceInfo(bytes)).toBeTypeOf('object');
      }),
    );
    const info = readFileInfo(text('st_ifmt\0__proto__\0st_size\0-1\0st_mtime\0yesterday\0LinkTarget'));
    expect(info).toEqual({
      kind: 'other',
      size: 0,
      links: 1,
      modified: undefined,
      created: undefined,
      linkTarget: undefined,
    });
  });
});

import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ByteChannel } from '../../src/device/byte-channel.js';

/** A stream that gives these parts and then ends; what is written is kept. */
function streamOf(...parts: string[]): PassThrough {
  const stream = new PassThrough();
  for (const part of parts) stream.write(part);
  stream.end();
  return stream;
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe('ByteChannel', () => {
  test('reads exactly what was asked for, whatever the parts', async () => {
    const channel = new ByteChannel(streamOf('ab', 'cdef', 'g'), 'a test');
    expect(text(await channel.readExactly(3))).toBe('abc');
    expect(text(await channel.readExactly(1))).toBe('d');
    expect(text(await channel.readExactly(3))).toBe('efg');
    expect(await channel.readExactlyOrEnd(1)).toBeUndefined();
  });

  test('gives DEVICE_DISCONNECTED where the stream ends before', async () => {
    const channel = new ByteChannel(streamOf('ab'), 'a test');
    await expect(channel.readExactly(3)).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', service: 'a test' });
    await expect(new ByteChannel(streamOf(), 'a test').readExactly(1)).rejects.toMatchObject({ transient: true });
  });

  test('a read that waits ends when the stream is destroyed', async () => {
    const stream = new PassThrough();
    const channel = new ByteChannel(stream, 'a test');
    const read = channel.readExactly(1);
    stream.destroy(new Error('pulled'));
    await expect(read).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', cause: { message: 'pulled' } });
    await expect(channel.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED' });
  });

  test('leaves what was not read to who takes the stream over', async () => {
    const stream = streamOf('abcdef');
    const channel = new ByteChannel(stream, 'a test');
    expect(text(await channel.readExactly(2))).toBe('ab');
    expect(text(await new ByteChannel(channel.release(), 'the next').readExactly(4))).toBe('cdef');
  });

  test('refuses a second reader', async () => {
    const channel = new ByteChannel(new PassThrough(), 'a test');
    const first = channel.readSome(1);
    await expect(channel.readSome(1)).rejects.toThrow('one reader');
    channel.destroy();
    expect(await first).toBeUndefined();
  });

  test('waits with writing until the other side takes it', async () => {
    let take: (() => void) | undefined;
    const written: number[] = [];
    const slow = new Duplex({
      writableHighWaterMark: 4,
      read: () => undefined,
      write: (bytes: Uint8Array, _encoding, done) => {
        written.push(bytes.length);
        take = done;
      },
    });
    const channel = new ByteChannel(slow, 'a test');
    let isDone = false;
    const write = channel.write(new Uint8Array(10)).then(() => (isDone = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isDone, channel.pendingBytes]).toEqual([false, 10]);
    take?.();
    await write;
    expect(written).toEqual([10]);
  });

  test('returned bytes are the caller’s own', async () => {
    const channel = new ByteChannel(streamOf('abcd'), 'a test');
    const bytes = await channel.readExactly(2);
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer.byteLength).toBe(2);
  });
});

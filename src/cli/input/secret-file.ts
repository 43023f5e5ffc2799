import { open, type FileHandle } from 'node:fs/promises';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { UsageError } from '../failures.js';

/** More than any password or key. */
const maxSecretBytes = 64 * 1024;

/** The bytes of a file with a secret. @throws {@link UsageError} where it cannot be read or is too large. */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    return await readSecret(handle.fd, path);
  } finally {
    await handle.close();
  }
}

/** The bytes that an open file descriptor gives up to its end. It stays open. */
export async function readSecretDescriptor(descriptor: number): Promise<Uint8Array> {
  return await readSecret(descriptor, `File descriptor ${descriptor}`);
}

async function readSecret(descriptor: number, name: string): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxSecretBytes + 1);
  let filled = 0;
  try {
    for (;;) {
      const { bytesRead } = await promisify(read)(descriptor, buffer, filled, buffer.length - filled, null);
      filled += bytesRead;
      if (filled > maxSecretBytes) throw new UsageError(`${name} is larger than ${maxSecretBytes} bytes: not a secret`);
      if (bytesRead === 0) return buffer.subarray(0, filled);
    }
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(name, error);
  }
}

function unreadable(name: string, cause: unknown): UsageError {
  return new UsageError(`${name} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, {
    cause,
  });
}

/** The first line of a secret as text. @throws {@link UsageError} where it is empty or not UTF-8. */
export function passwordOf(bytes: Uint8Array, name: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${name} is not UTF-8 text`, { cause });
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new UsageError(`${name} has no password in its first line`);
  return line;
}

/** A derived key as bytes, or as hexadecimal digits. @throws {@link UsageError} where it is too short to be one. */
export function keyOf(bytes: Uint8Array, name: string): Uint8Array {
  const digits = new TextDecoder('latin1').decode(bytes).trim();
  const isHex = /^(?:[0-9a-f]{2}){32,}$/i.test(digits);
  const key = isHex ? Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) : bytes.slice();
  if (key.length < 32) throw new UsageError(`${name} holds no key: at least 32 bytes, or 64 hexadecimal digits`);
  return key;
}

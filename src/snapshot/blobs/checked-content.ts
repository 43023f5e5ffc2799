import { createHash } from 'node:crypto';
import { hexEncode } from '../../core/bytes.js';
import { IoError } from '../../core/errors.js';
import type { PutOptions } from './blob-store.js';

/**
 * The chunks of a content, which must be as long as was said and, where a hash was given, have it. The error comes as soon as
 * there are too many bytes, else after the last chunk.
 *
 * @throws {@link IoError} `IO_FAILED` for another size or hash.
 */
export async function* checkedContent(
  key: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  { size, sha256, signal }: PutOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`size must be a non-negative integer, not ${size}`);
  signal?.throwIfAborted();
  const hash = sha256 === undefined ? undefined : createHash('sha256');
  let received = 0;
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    signal?.throwIfAborted();
    received += chunk.length;
    if (received > size) throw refused(key, `has more than the ${size} bytes that were said`);
    hash?.update(chunk);
    if (chunk.length > 0) yield chunk;
  }
  signal?.throwIfAborted();
  if (received < size) throw refused(key, `has ${received} bytes instead of the ${size} that were said`);
  if (sha256 !== undefined && hash?.digest().equals(sha256) !== true)
    throw refused(key, `does not have the hash ${hexEncode(sha256)}`);
}

function refused(key: string, why: string): IoError {
  return new IoError('IO_FAILED', `The content of ${key} ${why}; nothing was stored`, { path: key });
}

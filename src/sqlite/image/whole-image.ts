import { yieldToEventLoop, type AbortOptions } from '../../core/abort.js';
import type { SqliteSources } from '../driver.js';
import { openImage, tooLarge } from './open-image.js';

const stepBytes = 4 * 1024 * 1024;

/**
 * The bytes of a database with the pages of its WAL in place, for engines that read from memory only.
 *
 * @throws {@link DatabaseError} with code `DATABASE_TOO_LARGE` for more than `memoryBytes`, or `DATABASE_CORRUPT`.
 */
export async function readWholeImage(
  sources: SqliteSources,
  { memoryBytes, signal }: AbortOptions & { memoryBytes: number },
): Promise<Uint8Array> {
  const { image, close } = await openImage(sources, { memoryBytes, largeSources: 'refuse', signal });
  try {
    if (image.size > memoryBytes) throw tooLarge(image.size, memoryBytes);
    const bytes = new Uint8Array(image.size);
    for (let offset = 0; offset < bytes.length; offset += stepBytes) {
      image.read(offset, bytes.subarray(offset, offset + stepBytes));
      await yieldToEventLoop(signal);
    }
    return bytes;
  } finally {
    await close();
  }
}

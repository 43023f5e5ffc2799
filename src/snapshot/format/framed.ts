import { createHash } from 'node:crypto';
import { SnapshotError } from '../../core/errors.js';
import { hashBytes } from './table.js';

/** SHA-256 of parts, one after another. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Largest record or table that is believed, in bytes: ten million files. */
export const recordLimit = 1024 * 1024 * 1024;

/** `magic`, the format number and `parts`, followed by the hash of all of it. */
export function frame(magic: string, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.write(magic, 'latin1');
  head.writeUInt32LE(1, 4);
  return Buffer.concat([head, ...parts, sha256(head, ...parts)]);
}

/**
 * What {@link frame} has put between magic and hash. `part` names the file in errors.
 *
 * @throws SnapshotError `SNAPSHOT_CORRUPT`, `SNAPSHOT_FORMAT_UNSUPPORTED`
 */
export function unframe(bytes: Uint8Array, magic: string, part: string): Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.length - hashBytes;
  if (end < 8 || buffer.toString('latin1', 0, 4) !== magic)
    throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: it does not begin with ${magic}`, { part });
  if (!sha256(buffer.subarray(0, end)).equals(buffer.subarray(end)))
    throw new SnapshotError('SNAPSHOT_CORRUPT', `${part} is damaged: its hash is another one`, { part });
  const format = buffer.readUInt32LE(4);
  if (format !== 1)
    throw new SnapshotError(
      'SNAPSHOT_FORMAT_UNSUPPORTED',
      `${part} has format ${format}, which a newer release wrote`,
      {
        part,
      },
    );
  return buffer.subarray(8, end);
}

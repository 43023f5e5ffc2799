import { latin1Decode } from '../core/bytes.js';
import { blockBytes, paddingLength, wholeBlocks } from './cbc.js';

/** What the stored length and the padding of an encrypted content can tell; a part of the manifest's `FileProblem`. */
export type ContentProblem =
  /** Stored with 0 bytes although the record states more: left out when the backup was filtered. */
  | 'placeholder'
  /** Cut or altered: not whole blocks, or no valid padding at the end. */
  | 'incomplete'
  /** Complete, with another length than the record states. */
  | 'size-differs';

/** Result of {@link contentLength}. */
export interface ContentLength {
  /** Number of bytes of the content, or of what is left of it. */
  readonly length: number;
  /** What is wrong with it. */
  readonly problems: readonly ContentProblem[];
}

/** What {@link contentLength} judges by. */
export interface StoredContent {
  /** Bytes as stored, encrypted. */
  readonly storedSize: number;
  /** Size in bytes that the file's record states: a hint only. `undefined` where it states none. */
  readonly statedSize: number | undefined;
  /** The last whole block, decrypted; `undefined` where not even one is stored. */
  readonly lastBlock: Uint8Array | undefined;
}

/**
 * How long an encrypted file's content is. The record states what the file had when it was queued; a live file, a database
 * mostly, may have grown or shrunk until it was copied. So what is stored counts before what is stated:
 *
 * 1. nothing stored: empty, a placeholder where the record states more;
 * 2. not a whole number of blocks: cut, all whole blocks are content;
 * 3. valid padding: everything before it is content;
 * 4. no valid padding, and as many blocks as the stated size needs: written by a tool that does not pad, which filled the
 *    last block with zeros; the stated size counts;
 * 5. no valid padding otherwise: cut or altered, all blocks are content.
 *
 * Reasons: docs/format/blobs.md.
 */
export function contentLength({ storedSize, statedSize, lastBlock }: StoredContent): ContentLength {
  if (storedSize === 0) return { length: 0, problems: (statedSize ?? 0) > 0 ? ['placeholder'] : [] };
  const whole = wholeBlocks(storedSize);
  if (whole !== storedSize || lastBlock === undefined) return { length: whole, problems: ['incomplete'] };
  const padding = paddingLength(lastBlock);
  if (padding > 0) {
    const length = whole - padding;
    return { length, problems: statedSize === undefined || statedSize === length ? [] : ['size-differs'] };
  }
  if (statedSize !== undefined && statedSize > whole - blockBytes && statedSize <= whole) {
    return { length: statedSize, problems: [] };
  }
  return { length: whole, problems: ['incomplete'] };
}

/** Bytes from the start of a database that {@link databaseLength} needs. */
export const databaseHeaderBytes = 32;

const databaseMagic = 'SQLite format 3\0';

/**
 * How long an encrypted Manifest.db is: its whole pages. The padding needs no look, which matters, because other tools write
 * the file without any and a page may end in bytes that look like some; and a database that was decrypted together with its
 * padding has the same whole pages. What is not a SQLite database keeps all its blocks, for the database engine to judge.
 *
 * @param storedSize - bytes as stored, encrypted
 * @param header - the first {@link databaseHeaderBytes}, decrypted; fewer where the file is shorter
 */
export function databaseLength(storedSize: number, header: Uint8Array): number {
  const whole = wholeBlocks(storedSize);
  if (header.length < databaseHeaderBytes || latin1Decode(header.subarray(0, 16)) !== databaseMagic) return whole;
  const stated = new DataView(header.buffer, header.byteOffset).getUint16(16);
  // 65,536 does not fit into the field: SQLite file format §1.3.2.
  const pageSize = stated === 1 ? 65_536 : stated;
  if (pageSize < 512 || pageSize > whole) return whole;
  return whole - (whole % pageSize);
}

import { concatBytes, utf8Encode } from '../../core/bytes.js';

/*
 * Constants and pure codecs of Device Link, for both sides. Messages are property lists in frames of the kind that
 * `device/plist-frame.ts` knows; the files of a batch are raw blocks in between.
 * FORMAT facts: docs/format/device-link.md.
 */

/** What stands in a place of a message that has no value. */
export const emptyParameter = '___EmptyParameterString___';

/** What a host says to the version that a device has offered. */
export const versionsOk = 'DLVersionsOk';

/** What a host answers in a status response. */
export const statusCode = {
  ok: 0,
  failed: -1,
  notFound: -6,
  exists: -7,
  notADirectory: -8,
  isADirectory: -9,
  tooManyLinks: -10,
  io: -11,
  /** Some files failed: the payload says which. */
  multiple: -13,
  disconnected: -14,
  noSpace: -15,
} as const;

/** First byte of a block. */
export const blockCode = {
  /** The file is complete. */
  end: 0x00,
  /** The sender cannot read the file, or found it missing: the rest is a text. */
  failed: 0x06,
  /** The device cannot read the file, or no further: the rest is a text. */
  deviceFailed: 0x0b,
  /** The rest is content. */
  data: 0x0c,
} as const;

/** Most bytes of content in one block towards a device, which holds a block in memory and ends at much larger ones. */
export const maxBlockBytes = 32 * 1024;

/** Ends a batch of files. */
export const endOfFiles: Uint8Array = new Uint8Array(4);

const lengthBytes = 4;

/** A length, as it stands before a message, a name and a block. */
export function encodeLength(length: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

/** The length that four bytes state. */
export function decodeLength(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

/** A name of a file, before its blocks. */
export function encodeName(name: string): Uint8Array {
  const bytes = utf8Encode(name);
  return concatBytes([encodeLength(bytes.length), bytes]);
}

/** Bytes before the rest of a block. */
export const blockHeadBytes = lengthBytes + 1;

/** What stands before the rest of a block: a length that counts the code too, and the code. */
export function encodeBlockHead(code: number, restBytes: number): Uint8Array {
  const head = new Uint8Array(blockHeadBytes);
  new DataView(head.buffer).setUint32(0, restBytes + 1);
  head[lengthBytes] = code;
  return head;
}

/** A whole block. */
export function encodeBlock(code: number, rest: Uint8Array = new Uint8Array()): Uint8Array {
  return concatBytes([encodeBlockHead(code, rest.length), rest]);
}

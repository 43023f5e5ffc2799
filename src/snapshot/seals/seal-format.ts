/**
 * How sealed deltas are sealed. Every byte: docs/format/snapshot-store.md#sealed-deltas
 *
 * @packageDocumentation
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { concatBytes, hexDecode, hexEncode, ownBytes } from '../../core/bytes.js';
import type { ChunkOpener, ChunkPlace, ChunkSealer } from '../contents/chunk-seal.js';
import { packCorrupt, type PackEntryHeader } from '../format/pack-format.js';

const keyBytes = 32;
const tagBytes = 16;
const nonceBytes = 12;
/** Bytes that name a store key. */
const keyIdBytes = 16;
const saltBytes = 16;
const extraVersion = 1;
const extraBytes = 2 + keyIdBytes + saltBytes + 2 * keyBytes + tagBytes;
const targetFlag = 1;
const baseFlag = 2;

/** A store key and its name. */
export interface StoreKey {
  /** Name, 32 hexadecimal digits: follows from the key and tells nothing of it. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Keys of the files that a sealed delta is between; `undefined` for a content that is not encrypted. */
export interface FileKeys {
  readonly target: Uint8Array | undefined;
  readonly base: Uint8Array | undefined;
}

/** What the two contents of a delta are, to which its seals are bound. */
export interface SealedPair {
  readonly target: Uint8Array;
  readonly base: Uint8Array;
}

function derive(key: Uint8Array, salt: Uint8Array, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, `ios-backup-kit ${info}`, length));
}

/** The store key with these bytes. */
export function storeKeyOf(key: Uint8Array): StoreKey {
  return { id: hexEncode(derive(key, new Uint8Array(0), 'store key id', keyIdBytes)), key };
}

/** A new store key. */
export function newStoreKey(): StoreKey {
  return storeKeyOf(ownBytes(randomBytes(keyBytes)));
}

function seal(key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, bytes: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(bound);
  return concatBytes([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Throws where `sealed` was not sealed so. */
function unseal(key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < tagBytes) throw new RangeError('too short for a seal');
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(end));
  return concatBytes([decipher.update(sealed.subarray(0, end)), decipher.final()]);
}

/** Wraps a store key for those who know `secret`: hexadecimal of salt and sealed key. */
export function wrapStoreKey({ id, key }: StoreKey, secret: Uint8Array): string {
  const salt = ownBytes(randomBytes(keyBytes));
  const wrapping = derive(secret, salt, 'store key', keyBytes);
  return hexEncode(concatBytes([salt, seal(wrapping, new Uint8Array(nonceBytes), boundId(id), key)]));
}

/** The store key of {@link wrapStoreKey}; `undefined` where the secret is another one, or the text was altered. */
export function unwrapStoreKey(id: string, wrapped: string, secret: Uint8Array): StoreKey | undefined {
  const bytes = hexDecode(wrapped);
  if (bytes?.length !== 2 * keyBytes + tagBytes) return undefined;
  const wrapping = derive(secret, bytes.subarray(0, keyBytes), 'store key', keyBytes);
  try {
    const key = storeKeyOf(unseal(wrapping, new Uint8Array(nonceBytes), boundId(id), bytes.subarray(keyBytes)));
    return key.id === id ? key : undefined;
  } catch {
    return undefined;
  }
}

function boundId(id: string): Uint8Array {
  return hexDecode(id) ?? new Uint8Array(0);
}

/** What seals one entry. A salt is used for one entry only, so that no nonce comes twice under a key. */
class EntrySeal implements ChunkSealer, ChunkOpener {
  readonly #key: Uint8Array;
  readonly #bound: Uint8Array;

  constructor(key: Uint8Array, bound: Uint8Array) {
    this.#key = key;
    this.#bound = bound;
  }

  seal(bytes: Uint8Array, place: ChunkPlace): Uint8Array {
    return seal(this.#key, chunkNonce(place), this.#bound, bytes);
  }

  open(bytes: Uint8Array, place: ChunkPlace): Uint8Array {
    return unseal(this.#key, chunkNonce(place), this.#bound, bytes);
  }
}

function chunkNonce({ index, codec }: ChunkPlace): Uint8Array {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUInt32LE(index);
  nonce.writeUInt8(codec, 4);
  nonce.writeUInt8(1, 5);
  return nonce;
}

function entryKey(storeKey: StoreKey, salt: Uint8Array): Uint8Array {
  return derive(storeKey.key, salt, 'sealed delta', keyBytes);
}

/** A sealer for one new delta, and what the header of its entry keeps. */
export function sealEntry(
  storeKey: StoreKey,
  pair: SealedPair,
  files: FileKeys,
): { sealer: ChunkSealer; extra: Uint8Array } {
  const salt = ownBytes(randomBytes(saltBytes));
  const head = Buffer.alloc(2);
  head.writeUInt8(extraVersion, 0);
  head.writeUInt8((files.target === undefined ? 0 : targetFlag) + (files.base === undefined ? 0 : baseFlag), 1);
  const open = concatBytes([head, boundId(storeKey.id), salt]);
  const bound = concatBytes([open, pair.target, pair.base]);
  const key = entryKey(storeKey, salt);
  const none = new Uint8Array(keyBytes);
  const secrets = concatBytes([files.target ?? none, files.base ?? none]);
  const extra = concatBytes([open, seal(key, new Uint8Array(nonceBytes), bound, secrets)]);
  secrets.fill(0);
  return { sealer: new EntrySeal(key, bound), extra };
}

/** Name of the store key of a sealed entry; `undefined` where the entry is of a kind that this release does not know. */
export function sealedKeyId({ extra }: PackEntryHeader): string | undefined {
  return extra.length === extraBytes && extra[0] === extraVersion
    ? hexEncode(extra.subarray(2, 2 + keyIdBytes))
    : undefined;
}

/** What opens a sealed entry. @throws SnapshotError `SNAPSHOT_CORRUPT` where it was not sealed with this key */
export function openEntrySeal(
  entry: PackEntryHeader,
  storeKey: StoreKey,
  part: string | undefined,
): { opener: ChunkOpener; files: FileKeys } {
  const { extra, target, base } = entry;
  const at = 2 + keyIdBytes + saltBytes;
  const open = extra.subarray(0, at);
  const bound = concatBytes([open, target, base?.hash ?? new Uint8Array(0)]);
  const key = entryKey(storeKey, extra.subarray(2 + keyIdBytes, at));
  let secrets: Uint8Array;
  try {
    secrets = unseal(key, new Uint8Array(nonceBytes), bound, extra.subarray(at));
  } catch (error) {
    throw packCorrupt(part, 'The keys of a sealed difference are damaged', error);
  }
  const flags = extra[1] ?? 0;
  const files = {
    target: (flags & targetFlag) === 0 ? undefined : secrets.slice(0, keyBytes),
    base: (flags & baseFlag) === 0 ? undefined : secrets.slice(keyBytes),
  };
  secrets.fill(0);
  return { opener: new EntrySeal(key, bound), files };
}

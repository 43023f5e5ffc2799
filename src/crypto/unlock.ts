import type { Closeable } from '../core/resource.js';
import { ownBytes, concatBytes } from '../core/bytes.js';
import { FormatError, isBackupKitError, ManifestError, type FileErrorOptions } from '../core/errors.js';
import { derivePasswordKey, keyBytes, passwordForms, type DerivePasswordKeyOptions } from './derive.js';
import { unwrapKey, wrapKey } from './key-wrap.js';
import { unwrapKeys } from './unwrap-keys.js';
import { backupKeybagType, protectionClassOf, wrapBits, type Keybag, type KeybagClassKey } from './keybag.js';
import { describeProtectionClass } from './protection-class.js';

/** What opens a keybag. */
export interface KeybagCredentials {
  /** The backup password, as typed. */
  password?: string | undefined;
  /** The 32-byte key of an earlier {@link UnlockedKeybag.exportKey}. It is tried before the password. */
  key?: Uint8Array | undefined;
}

/** Newest version of keybags that is known. */
const newestKnownVersion = 5;
/** Length of a wrapped file key: the class as a little-endian 32-bit integer, then 40 bytes of wrapped key. */
const wrappedFileKeyBytes = 44;
/** Of these, the class. */
const classPrefixBytes = 4;

/**
 * Opens a keybag. With a password this takes seconds (see {@link derivePasswordKey}); where the password has other
 * Unicode forms, they are tried too before it counts as wrong.
 *
 * @throws {@link ManifestError} `MANIFEST_PASSWORD_REQUIRED` where neither password nor key was given,
 * `MANIFEST_PASSWORD_INCORRECT` where they open no class key
 * @throws {@link FormatError} with format `keybag`: `FORMAT_INVALID` where it is damaged, `FORMAT_UNSUPPORTED` where it is
 * of another kind or of a newer version, `FORMAT_LIMIT_EXCEEDED` where it asks for too many rounds
 * @throws RangeError where `key` does not have 32 bytes
 */
export async function unlockKeybag(
  keybag: Keybag,
  credentials: KeybagCredentials,
  options: DerivePasswordKeyOptions = {},
): Promise<UnlockedKeybag> {
  const { password, key } = credentials;
  if (key !== undefined && key.length !== keyBytes) {
    throw new RangeError(`key must have ${keyBytes} bytes, not ${key.length}`);
  }
  options.signal?.throwIfAborted();
  checkSupported(keybag);
  const checks = [...keybag.classKeys.values()].filter(opensByPassword);
  if (checks.length === 0) {
    throw new FormatError('FORMAT_INVALID', 'The keybag has no class key that a password could open', {
      format: 'keybag',
    });
  }
  if (password === undefined && key === undefined) {
    throw new ManifestError(
      'MANIFEST_PASSWORD_REQUIRED',
      'The backup is encrypted; give its password, or a key that was exported earlier',
    );
  }
  if (key !== undefined && opensAny(key, checks)) return new UnlockedKeybag(keybag, ownBytes(key));
  for (const form of password === undefined ? [] : passwordForms(password)) {
    const derived = await derivePasswordKey(keybag, form, options);
    if (opensAny(derived, checks)) return new UnlockedKeybag(keybag, derived, form);
  }
  throw new ManifestError(
    'MANIFEST_PASSWORD_INCORRECT',
    `The ${password === undefined ? 'key' : 'password'} does not open the backup; use the one that was set when encryption was turned on`,
  );
}

function checkSupported({ type, version }: Keybag): void {
  if (type !== undefined && type !== backupKeybagType) {
    throw new FormatError('FORMAT_UNSUPPORTED', `The keybag is of type ${type}, which is not that of a backup`, {
      format: 'keybag',
    });
  }
  if (version !== undefined && version > newestKnownVersion) {
    throw new FormatError(
      'FORMAT_UNSUPPORTED',
      `The keybag has version ${version}, newer than the newest known one, ${newestKnownVersion}`,
      { format: 'keybag' },
    );
  }
}

/** A class key with the one wrapping that the password key removes; under it may be another one, by the device key. */
type WrappedClassKey = KeybagClassKey & { readonly wrappedKey: Uint8Array };

function opensByPassword(classKey: KeybagClassKey): classKey is WrappedClassKey {
  return (classKey.wrap & wrapBits.password) !== 0 && classKey.wrappedKey !== undefined;
}

/** Whether a key opens one class key: usually the first one or none. A right key fails on the damaged ones only. */
function opensAny(passwordKey: Uint8Array, classKeys: readonly WrappedClassKey[]): boolean {
  return classKeys.some(({ wrappedKey }) => {
    const opened = unwrapKey(passwordKey, wrappedKey);
    opened?.fill(0);
    return opened !== undefined;
  });
}

/** Which file a key belongs to, for errors. */
export type FileErrorPlace = Pick<FileErrorOptions, 'fileId' | 'domain' | 'relativePath'>;

/**
 * A keybag whose password key is known: gives the keys of files. Class keys are unwrapped when they are first needed.
 * All methods throw `MANIFEST_CLOSED` after {@link UnlockedKeybag.close}.
 */
export class UnlockedKeybag implements Closeable {
  /** The keybag that was opened. */
  readonly keybag: Keybag;
  readonly #passwordKey: Uint8Array;
  readonly #classKeys = new Map<number, Uint8Array>();
  #password: string | undefined;
  #closed = false;

  /** `passwordKey` becomes the object's own; it is not checked. Use {@link unlockKeybag}. */
  constructor(keybag: Keybag, passwordKey: Uint8Array, password?: string) {
    this.keybag = keybag;
    this.#passwordKey = passwordKey;
    this.#password = password;
  }

  /** The form of the password that opened the keybag, which obfuscated records of iOS 10.0 need. `undefined` where a key did. */
  get password(): string | undefined {
    return this.#password;
  }

  /** A copy of the key that was derived from the password, 32 bytes: opens the same keybag without the seconds of derivation. */
  exportKey(): Uint8Array {
    this.#checkOpen();
    return ownBytes(this.#passwordKey);
  }

  /**
   * The key of a file's content.
   *
   * @param wrapped - `EncryptionKey` of the file's record: class as a little-endian 32-bit integer, and 40 bytes
   * @param file - names the file in errors
   * @returns 32 bytes
   * @throws {@link ManifestError} `MANIFEST_FILE_DAMAGED` where it is not such a value or fails the integrity check,
   * `MANIFEST_KEY_UNAVAILABLE` where the keybag lacks the class or only the device can open it
   * @throws {@link FormatError} `FORMAT_INVALID` with format `keybag` where the key of the class is damaged
   */
  unwrapFileKey(wrapped: Uint8Array, file: FileErrorPlace = {}): Uint8Array {
    this.#checkOpen();
    const key = this.#unwrap(wrapped, file);
    if (key !== undefined) return key;
    throw new ManifestError(
      'MANIFEST_FILE_DAMAGED',
      `The key of ${file.relativePath ?? 'the file'} is damaged and cannot be unwrapped`,
      file,
    );
  }

  /**
   * The keys of many files, in the time of a few; `undefined` for each that {@link UnlockedKeybag.unwrapFileKey} would throw
   * for.
   *
   * @param wrapped - as for `unwrapFileKey`; `undefined` where a file has none
   */
  unwrapFileKeys(wrapped: readonly (Uint8Array | undefined)[]): (Uint8Array | undefined)[] {
    this.#checkOpen();
    const keys: (Uint8Array | undefined)[] = wrapped.map(() => undefined);
    const byClass = new Map<number, { readonly places: number[]; readonly wrapped: Uint8Array[] }>();
    for (const [place, one] of wrapped.entries()) {
      if (one?.length !== wrappedFileKeyBytes) continue;
      const ofClass = this.#classOf(one);
      const group = byClass.get(ofClass) ?? { places: [], wrapped: [] };
      byClass.set(ofClass, group);
      group.places.push(place);
      group.wrapped.push(one.subarray(classPrefixBytes));
    }
    for (const [ofClass, group] of byClass) {
      const classKey = this.#availableClassKey(ofClass);
      if (classKey === undefined) continue;
      for (const [index, key] of unwrapKeys(classKey, group.wrapped).entries()) keys[group.places[index] ?? 0] = key;
    }
    return keys;
  }

  /**
   * The key of Manifest.db.
   *
   * @param wrapped - `ManifestKey` of Manifest.plist, laid out like the key of a file
   * @returns 32 bytes
   * @throws {@link ManifestError} `MANIFEST_CORRUPT` where it is not such a value or fails the integrity check; otherwise as
   * for {@link UnlockedKeybag.unwrapFileKey}
   */
  unwrapManifestKey(wrapped: Uint8Array): Uint8Array {
    this.#checkOpen();
    const key = this.#unwrap(wrapped, {});
    if (key !== undefined) return key;
    throw new ManifestError('MANIFEST_CORRUPT', 'ManifestKey in Manifest.plist is damaged and cannot be unwrapped');
  }

  /**
   * Wraps a new key for a file or for Manifest.db: the reverse of {@link UnlockedKeybag.unwrapFileKey}.
   *
   * @param fileKey - 32 bytes
   * @returns 44 bytes
   * @throws {@link ManifestError} `MANIFEST_KEY_UNAVAILABLE`, {@link FormatError}, both as for `unwrapFileKey`
   */
  wrapFileKey(protectionClass: number, fileKey: Uint8Array): Uint8Array {
    this.#checkOpen();
    if (fileKey.length !== keyBytes) throw new RangeError(`A file key has ${keyBytes} bytes, not ${fileKey.length}`);
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, protectionClass, true);
    return concatBytes([prefix, wrapKey(this.#classKey(protectionClass, {}), fileKey)]);
  }

  /** Wipes the keys that it holds. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#password = undefined;
    this.#passwordKey.fill(0);
    for (const key of this.#classKeys.values()) key.fill(0);
    this.#classKeys.clear();
  }

  #unwrap(wrapped: Uint8Array, file: FileErrorPlace): Uint8Array | undefined {
    if (wrapped.length !== wrappedFileKeyBytes) return undefined;
    return unwrapKey(this.#classKey(this.#classOf(wrapped), file), wrapped.subarray(classPrefixBytes));
  }

  /** The class of a wrapped key. */
  #classOf(wrapped: Uint8Array): number {
    const stated = new DataView(wrapped.buffer, wrapped.byteOffset).getUint32(0, true);
    return protectionClassOf(stated, this.keybag.version);
  }

  /** The key of a class; `undefined` where {@link UnlockedKeybag.unwrapFileKey} tells why it cannot be had. */
  #availableClassKey(protectionClass: number): Uint8Array | undefined {
    try {
      return this.#classKey(protectionClass, {});
    } catch (error) {
      if (isBackupKitError(error)) return undefined;
      throw error;
    }
  }

  #classKey(protectionClass: number, file: FileErrorPlace): Uint8Array {
    const known = this.#classKeys.get(protectionClass);
    if (known !== undefined) return known;
    const classKey = this.keybag.classKeys.get(protectionClass);
    const reason = unavailableReason(classKey);
    if (classKey === undefined || !opensByPassword(classKey) || reason !== undefined) {
      throw new ManifestError(
        'MANIFEST_KEY_UNAVAILABLE',
        `Protection class ${describeProtectionClass(protectionClass)} cannot be decrypted: ${reason}`,
        file,
      );
    }
    const key = unwrapKey(this.#passwordKey, classKey.wrappedKey);
    if (key === undefined) {
      throw new FormatError(
        'FORMAT_INVALID',
        `The keybag is damaged: the key of class ${describeProtectionClass(protectionClass)} does not open, although others do`,
        { format: 'keybag' },
      );
    }
    this.#classKeys.set(protectionClass, key);
    return key;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ManifestError('MANIFEST_CLOSED', 'The backup was closed');
  }
}

function unavailableReason(classKey: KeybagClassKey | undefined): string | undefined {
  if (classKey?.wrappedKey === undefined) return 'the keybag does not have its key';
  if ((classKey.wrap & wrapBits.device) !== 0) return 'its key can be used only on the device that made the backup';
  if ((classKey.wrap & wrapBits.password) === 0) return 'its key is not wrapped with the password';
  if (classKey.keyType !== 0) return `its key is of type ${classKey.keyType}, which backups do not use`;
  return undefined;
}

import { isBackupKitError } from '../../core/errors.js';
import { concatBytes } from '../../core/bytes.js';
import { createKeybag } from '../../crypto/create-keybag.js';
import { serializeKeybag } from '../../crypto/keybag.js';
import { wrapKey } from '../../crypto/key-wrap.js';
import type { UnlockedKeybag } from '../../crypto/unlock.js';
import type { BuildPlan } from './plan.js';
import type { SeededRandom } from './seeded-random.js';

const keyBytes = 32;
/** Class of Manifest.db's key on most devices. */
const manifestClass = 4;

/** A key, and what the backup stores of it: class (u32 LE) and 40 wrapped bytes. */
export interface WrappedKey {
  readonly key: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** The keybag of a backup that is built, and keys under it. */
export class BackupKeys {
  /** `BackupKeyBag` of Manifest.plist; plain backups have one too. */
  readonly keybag: Uint8Array;
  readonly #unlocked: UnlockedKeybag;
  readonly #random: SeededRandom;
  readonly #deviceKey: Uint8Array;

  private constructor(unlocked: UnlockedKeybag, random: SeededRandom) {
    this.#unlocked = unlocked;
    this.#random = random;
    this.#deviceKey = random.bytes(keyBytes);
    this.keybag = serializeKeybag(unlocked.keybag);
  }

  /** Makes the keybag and derives its key. */
  static async create(plan: BuildPlan, signal: AbortSignal | undefined): Promise<BackupKeys> {
    const random = plan.random.fork('keys');
    const unlocked = await createKeybag({
      password: plan.password ?? random.hex(32),
      random: (length) => random.bytes(length),
      version: plan.profile.keybagVersion,
      classCount: plan.profile.keybagClasses,
      rounds: plan.rounds.iter,
      sha256Rounds: plan.rounds.dpic,
      encrypted: plan.isEncrypted,
      signal,
    });
    return new BackupKeys(unlocked, random);
  }

  /** A new key for one file. One of a class that only the device opens is wrapped with a key that nobody else has. */
  fileKey(protectionClass: number): WrappedKey {
    const key = this.#random.bytes(keyBytes);
    try {
      return { key, wrapped: this.#unlocked.wrapFileKey(protectionClass, key) };
    } catch (error) {
      if (!isBackupKitError(error, 'MANIFEST_KEY_UNAVAILABLE')) throw error;
      const prefix = new Uint8Array(4);
      new DataView(prefix.buffer).setUint32(0, protectionClass, true);
      return { key, wrapped: concatBytes([prefix, wrapKey(this.#deviceKey, key)]) };
    }
  }

  /** The key of Manifest.db. */
  manifestKey(protectionClass = manifestClass): WrappedKey {
    return this.fileKey(protectionClass);
  }

  /** A copy of the key that the password gives, which opens the keybag without it. */
  exportKey(): Uint8Array {
    return this.#unlocked.exportKey();
  }

  /** Wipes the keys. */
  async close(): Promise<void> {
    await this.#unlocked.close();
  }
}

import { limits } from '../core/limits.js';
import type { AbortOptions } from '../core/abort.js';
import { derivePasswordKey, keyBytes } from './derive.js';
import { wrapKey } from './key-wrap.js';
import { backupKeybagType, keybagFromEntries, wrapBits, type KeybagEntry } from './keybag.js';
import { UnlockedKeybag } from './unlock.js';

/** What {@link createKeybag} makes. */
export interface CreateKeybagOptions extends AbortOptions {
  /** The backup password; plain backups have a keybag too, with any password. */
  password: string;
  /** Gives as many random bytes as asked for: `randomBytes` of `node:crypto`, or a seeded one for repeatable results. */
  random: (length: number) => Uint8Array;
  /** 3 for iOS up to 10.1 (one derivation stage); 4 or 5 for later ones (two stages). 5 by default. */
  version?: 3 | 4 | 5 | undefined;
  /** Rounds of the SHA-1 stage; 10,000 by default, as Apple. */
  rounds?: number | undefined;
  /** Rounds of the SHA-256 stage; 10,000,000 by default, as Apple. Unused in version 3. */
  sha256Rounds?: number | undefined;
  /** Number of classes: 11 by default; newer iOS versions have 14. */
  classCount?: 11 | 14 | undefined;
  /** Whether the backup is encrypted: if not, the keys of all keychain classes need the device. `true` by default. */
  encrypted?: boolean | undefined;
}

/** Length of salts in bytes. */
const saltBytes = 20;
const uuidBytes = 16;
/** Length of the wrapped HMAC key of the keybag. What it signs is not published, so random bytes stand for it. */
const hmacKeyBytes = 40;

/**
 * Makes a new keybag as iOS lays it out, already open. Class keys that need the device are noise under the password's
 * wrapping, as they are to everybody without that device.
 *
 * The same options and the same random bytes give the same keybag. Layout: docs/format/keybag.md.
 *
 * @throws RangeError where a number of rounds is not one from 1 to 50,000,000
 */
export async function createKeybag(options: CreateKeybagOptions): Promise<UnlockedKeybag> {
  const { password, random, signal, version = 5, classCount = 11, encrypted = true } = options;
  const rounds = checkRounds('rounds', options.rounds ?? 10_000);
  const sha256Rounds = checkRounds('sha256Rounds', options.sha256Rounds ?? 10_000_000);

  const header = [
    entry('VERS', uint32(version)),
    entry('TYPE', uint32(backupKeybagType)),
    entry('UUID', random(uuidBytes)),
    entry('HMCK', random(hmacKeyBytes)),
    entry('WRAP', uint32(0)),
    entry('SALT', random(saltBytes)),
    entry('ITER', uint32(rounds)),
  ];
  if (version > 3) {
    header.push(entry('DPWT', uint32(1)), entry('DPIC', uint32(sha256Rounds)), entry('DPSL', random(saltBytes)));
  }
  const passwordKey = await derivePasswordKey(keybagFromEntries(header), password, { signal });

  const entries = [...header];
  for (let protectionClass = classCount; protectionClass >= 1; protectionClass--) {
    entries.push(
      entry('UUID', random(uuidBytes)),
      entry('CLAS', uint32(protectionClass)),
      entry('WRAP', uint32(wrapOf(protectionClass, encrypted))),
      entry('KTYP', uint32(0)),
      entry('WPKY', wrapKey(passwordKey, random(keyBytes))),
    );
  }
  return new UnlockedKeybag(keybagFromEntries(entries), passwordKey, password);
}

/** Files and portable keychain items open with the password alone; the others need the device too. */
function wrapOf(protectionClass: number, encrypted: boolean): number {
  const portable = protectionClass <= 4 || (encrypted && protectionClass >= 6 && protectionClass <= 8);
  return portable ? wrapBits.password : wrapBits.password | wrapBits.device;
}

function entry(tag: string, value: Uint8Array): KeybagEntry {
  return { tag, value };
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function checkRounds(name: string, rounds: number): number {
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= limits.keyDerivationRounds) return rounds;
  throw new RangeError(`${name} must be an integer from 1 to ${limits.keyDerivationRounds}, not ${rounds}`);
}

import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { abortable, type AbortOptions } from '../core/abort.js';
import { plainView, utf8Encode } from '../core/bytes.js';
import { FormatError } from '../core/errors.js';
import { checkLimit, limits } from '../core/limits.js';
import type { KeyDerivationStage, Keybag } from './keybag.js';

/** Length in bytes of the key that is derived from a password, and of class and file keys. */
export const keyBytes = 32;

/** Most rounds that PBKDF2 of OpenSSL takes: a signed 32-bit integer. */
const maxPossibleRounds = 2 ** 31 - 1;

/** Options of {@link derivePasswordKey}. */
export interface DerivePasswordKeyOptions extends AbortOptions {
  /** Most rounds of one stage that are believed; 50,000,000 by default. A hostile keybag could ask for hours of work. */
  maxRounds?: number | undefined;
}

const pbkdf2Async = promisify(pbkdf2);

/**
 * Derives the key that wraps the class keys of a keybag from the UTF-8 form of the password: PBKDF2-HMAC-SHA256 where the
 * keybag has a stage for it (iOS 10.2 and later), then PBKDF2-HMAC-SHA1. It takes seconds with Apple's 10,000,000 rounds,
 * on a thread of the pool. An abort rejects at once, although the thread may finish its rounds.
 *
 * The password is not checked: a wrong one gives a key that unwraps nothing. Source: docs/format/keybag.md.
 *
 * @returns 32 bytes
 * @throws {@link FormatError} `FORMAT_INVALID` where the keybag lacks salt or rounds, `FORMAT_LIMIT_EXCEEDED` where it asks
 * for more than `maxRounds`
 * @throws RangeError where `maxRounds` is not a number from 1 to 2,147,483,647
 */
export async function derivePasswordKey(
  keybag: Keybag,
  password: string,
  options: DerivePasswordKeyOptions = {},
): Promise<Uint8Array> {
  const { signal, maxRounds = limits.keyDerivationRounds } = options;
  if (!Number.isInteger(maxRounds) || maxRounds < 1 || maxRounds > maxPossibleRounds) {
    throw new RangeError(`maxRounds must be an integer from 1 to ${maxPossibleRounds}, not ${maxRounds}`);
  }
  signal?.throwIfAborted();
  const { sha1Stage, sha256Stage } = keybag;
  if (sha1Stage === undefined) {
    throw new FormatError('FORMAT_INVALID', 'The keybag lacks the salt or the rounds of the key derivation', {
      format: 'keybag',
    });
  }
  // Both stages are checked before the first one spends seconds.
  if (sha256Stage !== undefined) checkRounds(sha256Stage, 'DPIC', maxRounds);
  checkRounds(sha1Stage, 'ITER', maxRounds);

  const typed = utf8Encode(password);
  if (sha256Stage === undefined) return await runStage(typed, sha1Stage, 'sha1', signal);
  const intermediate = await runStage(typed, sha256Stage, 'sha256', signal);
  return await runStage(intermediate, sha1Stage, 'sha1', signal);
}

/**
 * The forms in which a password may have been typed on another machine: as given, then composed (NFC), then decomposed
 * (NFD), each once. Which one iOS hashes is not documented. A plain ASCII password has one form.
 */
export function passwordForms(password: string): readonly string[] {
  return [...new Set([password, password.normalize('NFC'), password.normalize('NFD')])];
}

function checkRounds({ rounds }: KeyDerivationStage, tag: string, maxRounds: number): void {
  if (rounds === 0) throw new FormatError('FORMAT_INVALID', `${tag} of the keybag is 0`, { format: 'keybag' });
  checkLimit(rounds, maxRounds, { what: `${tag} of the keybag`, format: 'keybag' });
}

/** One stage. An abort before or during it rejects; the input is wiped, since it is a secret that only this call has. */
async function runStage(
  secret: Uint8Array,
  { salt, rounds }: KeyDerivationStage,
  digest: 'sha1' | 'sha256',
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  // Node.js copies the secret before it returns, so wiping does not disturb a job that goes on after an abort.
  const job = pbkdf2Async(secret, salt, rounds, keyBytes, digest);
  secret.fill(0);
  return plainView(await abortable(job, signal));
}

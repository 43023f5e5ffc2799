import { resolveDevice } from './device.js';
import { defaultIos, iosProfile } from './profiles.js';
import type { ListContext } from './property-lists.js';
import { SeededRandom } from './seeded-random.js';
import type { BackupSpec, KeyDerivationRounds } from './backup-spec.js';

const defaultPassword = 'password';
const fastRounds: KeyDerivationRounds = { dpic: 10, iter: 10 };
const realRounds: KeyDerivationRounds = { dpic: 10_000_000, iter: 10_000 };

/** A spec with its defaults, checked as far as it can be without reading the files. */
export interface BuildPlan extends ListContext {
  /** `undefined` for a plain backup. */
  readonly password: string | undefined;
  readonly rounds: KeyDerivationRounds;
  /** Whether blobs and Manifest.db are stored decrypted although the records have keys. */
  readonly isDecryptedCopy: boolean;
  /** Whether there is a Manifest.db, and not a Manifest.mbdb. */
  readonly hasDatabase: boolean;
}

function roundsOf(kdf: BackupSpec['kdf']): KeyDerivationRounds {
  if (kdf === undefined || kdf === 'fast') return fastRounds;
  if (kdf === 'real') return realRounds;
  if (typeof kdf === 'object') return kdf;
  throw new RangeError(`kdf must be fast, real, or { dpic, iter }, not ${String(kdf)}`);
}

/** @throws TypeError, RangeError for a spec that contradicts itself. */
export function planBackup(spec: BackupSpec): BuildPlan {
  const ios = spec.ios ?? defaultIos;
  const profile = iosProfile(ios);
  const random = new SeededRandom(spec.seed ?? 1);
  const date = new Date(Math.floor((spec.date ?? profile.date).getTime() / 1000) * 1000);
  if (Number.isNaN(date.getTime())) throw new RangeError('date is not a valid date');

  const isEncrypted = spec.encrypted ?? spec.password !== undefined;
  if (!isEncrypted && spec.password !== undefined) throw new RangeError('A plain backup cannot have a password');
  const hasDatabase = profile.generation !== 'mbdb';
  if (!hasDatabase && spec.rows !== undefined) throw new RangeError('rows need a backup of iOS 10 or later');
  if (!hasDatabase && spec.manifest !== undefined) throw new RangeError('manifest needs a backup of iOS 10 or later');
  if (spec.messages !== undefined && Number.parseInt(ios, 10) < 6) {
    throw new RangeError('messages need a backup of iOS 6 or later');
  }
  const isDecryptedCopy = spec.manifest?.decryptedCopy === true;
  if (isDecryptedCopy && !isEncrypted) throw new RangeError('A decrypted copy is one of an encrypted backup');

  return {
    spec,
    profile,
    device: resolveDevice(spec.device ?? {}, ios, profile, random.fork('device')),
    date,
    apps: spec.apps ?? [],
    isEncrypted,
    random,
    password: isEncrypted ? (spec.password ?? defaultPassword) : undefined,
    rounds: roundsOf(spec.kdf),
    isDecryptedCopy,
    hasDatabase,
  };
}

import type { RetentionInput } from './input.js';

/** What protects a version from any policy, because it may be the last one that still has something. */
export type GuardReason =
  'last-of-keybag' | 'before-mass-delete' | 'after-mass-delete' | 'before-encryption-off' | 'after-encryption-off';

/** A version that is protected. */
export interface Guard {
  readonly id: string;
  readonly reason: GuardReason;
}

/** Part of the files or bytes of the version before that a version must have, to not count as a loss. */
const lossLimit = 0.5;

/**
 * The versions that are protected, of complete ones, newest first. It depends on no policy. Of a loss both sides are: were
 * the later one dropped, nothing would show any more why the earlier one matters.
 */
export function guardsOf(complete: readonly RetentionInput[]): readonly Guard[] {
  return [...keybagGuards(complete), ...lossGuards(complete)];
}

/** With another keybag the files of earlier versions cannot be decrypted by what is known of later ones. */
function keybagGuards(complete: readonly RetentionInput[]): readonly Guard[] {
  const newest = new Map<string, string>();
  for (const { id, backup } of complete)
    if (backup.keybag !== undefined && !newest.has(backup.keybag)) newest.set(backup.keybag, id);
  return newest.size < 2 ? [] : [...newest.values()].map((id) => ({ id, reason: 'last-of-keybag' }));
}

function lossGuards(complete: readonly RetentionInput[]): readonly Guard[] {
  const guards: Guard[] = [];
  const indexOf = new Map(complete.map(({ id }, index) => [id, index]));
  for (const [index, later] of complete.entries()) {
    const parent = indexOf.get(later.parent ?? '') ?? -1;
    const earlier = complete[parent > index ? parent : index + 1];
    if (earlier === undefined) continue;
    if (hasLost(earlier, later))
      guards.push({ id: earlier.id, reason: 'before-mass-delete' }, { id: later.id, reason: 'after-mass-delete' });
    if (hasOpened(earlier, later))
      guards.push(
        { id: earlier.id, reason: 'before-encryption-off' },
        { id: later.id, reason: 'after-encryption-off' },
      );
  }
  return guards;
}

/** What tells whether a version has lost much. */
export type LossFacts = Pick<RetentionInput, 'files' | 'bytes'> & {
  readonly backup: Pick<RetentionInput['backup'], 'encrypted'>;
};

/** Why the version before another one is to be kept; `undefined` where there is no reason. */
export function lossBetween(earlier: LossFacts, later: LossFacts): 'mass-delete' | 'encryption-off' | undefined {
  if (hasLost(earlier, later)) return 'mass-delete';
  return hasOpened(earlier, later) ? 'encryption-off' : undefined;
}

function hasLost(earlier: LossFacts, later: LossFacts): boolean {
  return later.files < lossLimit * earlier.files || later.bytes < lossLimit * earlier.bytes;
}

function hasOpened(earlier: LossFacts, later: LossFacts): boolean {
  return earlier.backup.encrypted === true && later.backup.encrypted === false;
}

import type { AbortOptions } from '../../core/abort.js';
import type { SealedContents } from '../store/pack-set.js';
import type { PackedEntry } from '../store/packed-entries.js';
import type { UnlockedBackup } from '../types.js';
import type { ChunkOpener } from '../contents/chunk-seal.js';
import type { FileKeys, StoreKey } from './seal-format.js';

/** A sealed entry, opened. */
export interface OpenedSeal {
  /** The key of the store that it is sealed with. */
  readonly key: StoreKey;
  readonly opener: ChunkOpener;
  /** Keys of the files that it is between. */
  readonly files: FileKeys;
}

/** Keys of sealed contents: those that the secrets at hand open. */
export interface Seals extends SealedContents {
  /**
   * The key for new seals of a device whose backups were unlocked, made where there is none yet. Afterwards each of these backups
   * opens it, and store.json says so on the disk. Only under the lease of compacting.
   */
  sealingKey(
    unlocked: readonly Pick<UnlockedBackup, 'keybag' | 'secret'>[],
    options?: AbortOptions,
  ): Promise<StoreKey | undefined>;
  /** Opens what a sealed entry keeps. @throws SnapshotError `SNAPSHOT_SECRET_REQUIRED`, `SNAPSHOT_CORRUPT` */
  open(packed: PackedEntry): Promise<OpenedSeal>;
  /** Wipes the keys. */
  close(): void;
}

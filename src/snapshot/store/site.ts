import type { BlobStore } from '../blobs/blob-store.js';
import type { LeaseManager } from '../leases/lease-manager.js';
import type { Seals } from '../seals/seals.js';
import type { BackupKnowledge } from '../types.js';
import type { Contents } from './contents.js';
import type { LiveRecords } from './live-record.js';
import type { PackSet } from './pack-set.js';
import type { Place } from './place.js';
import type { Records } from './records.js';

/** What every store is made of. */
export interface Site {
  readonly blobs: BlobStore;
  readonly records: Records;
  readonly contents: Contents;
  readonly packs: PackSet;
  /** Keys of sealed contents. */
  readonly seals: Seals;
  readonly leases: LeaseManager;
  readonly knowledge: BackupKnowledge;
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
  /** The folder it lies in; `undefined` for a store without newest backups, e.g. in memory. */
  readonly local: LocalSite | undefined;
}

/** What a store in a folder has besides. */
export interface LocalSite {
  readonly place: Place;
  readonly live: LiveRecords;
}

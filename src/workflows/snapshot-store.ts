import type { BlobStore } from '../snapshot/blobs/blob-store.js';
import type { OpenStoreOptions, StoreGround } from '../snapshot/store/open-store.js';
import type { BackupTree } from '../core/backup-tree.js';
import type { VersionInfo } from '../snapshot/types.js';
import type { ImportArchiveOptions } from '../snapshot/work/archive-import.js';
import { importBackup } from './import-backup.js';
import { VersionStore } from '../snapshot/version-store.js';
import { backupKnowledge } from './backup-knowledge.js';
import type { BackupSecret } from './unlock-backup.js';

/** Options of {@link SnapshotStore.open}. */
export interface OpenSnapshotStoreOptions extends OpenStoreOptions, BackupSecret {
  /**
   * More passwords or keys: of other devices, or from before a password was changed. With the secret of an encrypted backup its
   * history is kept as differences of decrypted files, sealed; without it, only what was kept so cannot be read.
   */
  secrets?: readonly BackupSecret[] | undefined;
}

/** Options of importing a backup of some device. */
export interface ImportBackupOptions extends ImportArchiveOptions {
  /** The device; the one that the backup names by default. */
  udid?: string | undefined;
}

/**
 * Versions of iOS backups: every backup kept, each one openable by any backup tool, for little more than the space of one.
 * The newest backup of each device stays a plain folder.
 *
 * @see docs/guide/versions.md
 */
export class SnapshotStore extends VersionStore {
  /**
   * Opens the store of a location, the folder in which backups lie as `<UDID>/`; or one in a blob store.
   *
   * @throws SnapshotError `SNAPSHOT_NOT_A_STORE` where there is none and `create` was not asked for;
   * `SNAPSHOT_FORMAT_UNSUPPORTED`, `SNAPSHOT_CORRUPT`, `SNAPSHOT_UNSUPPORTED`; IoError
   *
   * @example
   * await using store = await SnapshotStore.open('/backups', { create: true });
   * const { version } = await backUpDevice(device, { to: store });
   */
  static async open(
    location: string | BlobStore,
    options: OpenSnapshotStoreOptions & StoreGround = {},
  ): Promise<SnapshotStore> {
    const { password, key, secrets = [], ...rest } = options;
    const given = [{ password, key }, ...secrets].filter((one) => one.password !== undefined || one.key !== undefined);
    const knowledge = await backupKnowledge(given);
    return new SnapshotStore(await VersionStore.openParts(location, { ...rest, knowledge }));
  }

  /**
   * Makes a version of a backup that lies elsewhere: a folder, a tar or zip archive by its path or its bytes, or a tree. Without
   * `udid` it is the device that the backup names in its Info.plist.
   *
   * @throws SnapshotError `SNAPSHOT_NOT_FOUND` where there is no backup, or it does not name a device; and what
   * {@link DeviceVersions.import} and {@link DeviceVersions.importArchive} throw
   */
  async importBackup(
    from: string | BackupTree | AsyncIterable<Uint8Array>,
    options: ImportBackupOptions = {},
  ): Promise<VersionInfo> {
    return await importBackup(this.site, from, { ...options, device: (udid) => this.device(udid) });
  }
}

import { lstatSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackupSink } from '../core/backup-tree.js';
import { SnapshotError } from '../core/errors.js';
import type { Closeable } from '../core/resource.js';
import { unsafePathReason } from '../core/safe-path.js';
import { LayeredSink } from './layered-sink.js';
import { storeFolderName, workFolderPrefix } from './names.js';

/** Options of {@link directorySink}. */
export interface DirectorySinkOptions {
  /**
   * Name of the one folder in `path` that may be read and written: the UDID of the device. Sinks for different devices can
   * then work in the same `path` at once. Without it, everything in `path` belongs to the sink.
   */
  udid?: string | undefined;
  /**
   * Whether a committed backup survives a loss of power, and not only the end of the process; true by default. @see
   * docs/design/backup-sink.md
   */
  durable?: boolean | undefined;
}

/** A folder that a device writes to. Until `commit`, nothing in it changes; closing it throws uncommitted changes away. */
export interface DirectorySink extends BackupSink, Closeable, AsyncDisposable {
  /** Absolute path of the folder. */
  readonly path: string;
}

/**
 * A sink over the local folder `path`, which is made where it does not exist: backups of devices lie in it, one folder each.
 *
 * What is written, moved and removed is seen at once through the sink, but the folder changes only with `commit`, all at
 * once: an error, an abort or a crash before it leaves the last backup as it was. What a killed process has left behind is
 * completed or thrown away at the first call. Links below `path` are never followed, and no path leads out of it.
 *
 * @throws BackupSessionError from its calls, `BACKUP_IN_USE` where another sink works on the same folder; {@link IoError}
 * with `IO_UNSAFE_PATH` for paths that lead elsewhere, and with `errno` for what the system refuses;
 * {@link SnapshotError} `SNAPSHOT_GUARD` from writing where `path` keeps versions: they may rest on what would be overwritten.
 * @throws TypeError where `path` or `udid` cannot be a folder.
 *
 * @example
 * await using sink = directorySink('/backups', { udid: device.udid });
 * await session.backUp(sink);
 */
export function directorySink(path: string, options: DirectorySinkOptions = {}): DirectorySink {
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be a non-empty string');
  const { udid } = options;
  if (udid !== undefined && (udid === '' || udid.includes('/') || unsafePathReason(udid) !== undefined))
    throw new TypeError('udid must be the name of a folder');
  const durable = options.durable ?? true;
  const root = resolve(path);
  return new LayeredSink({
    path: root,
    scope: udid,
    workPath: join(root, udid === undefined ? `${workFolderPrefix}work` : workFolderPrefix + udid),
    beforeWriting: () => requireNoStore(root),
    durable,
    async commit(work, made) {
      if (durable) await work.syncNew(made);
      await work.markReady({ durable });
      await work.apply({ durable });
    },
  });
}

/** History may rest on the files of the newest backup, which only the store knows how to replace. */
function requireNoStore(root: string): void {
  if (lstatSync(join(root, storeFolderName, 'store.json'), { throwIfNoEntry: false }) === undefined) return;
  throw new SnapshotError(
    'SNAPSHOT_GUARD',
    `${root} keeps versions of its backups; write through the store (\`SnapshotStore.open\`), which keeps the last one`,
  );
}

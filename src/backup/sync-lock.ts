import { setTimeout as delay } from 'node:timers/promises';
import type { AbortOptions } from '../core/abort.js';
import { BackupSessionError } from '../core/errors.js';
import type { AfcClient } from '../device/afc/afc-client.js';
import type { AfcFile } from '../device/afc/afc-file.js';
import type { NotificationProxy } from '../device/services/notification-proxy.js';

/** The file whose lock hosts hold while they sync or back up. */
const lockPath = '/com.apple.itunes.lock_sync';

/** How often, and after how many milliseconds each time, a lock that another host holds is tried again. */
const attempts = 50;
const retryMs = 200;

const prefix = 'com.apple.itunes-mobdev.';

/** The device's lock against two hosts that sync at once, with what is announced around it. */
export class SyncLock {
  readonly #file: AfcFile;
  readonly #proxy: NotificationProxy;

  private constructor(file: AfcFile, proxy: NotificationProxy) {
    this.#file = file;
    this.#proxy = proxy;
  }

  /**
   * Takes the lock; waits about ten seconds for another host that has it.
   *
   * @throws {@link BackupSessionError} `BACKUP_DEVICE_BUSY` where it is not given up
   */
  static async take(afc: AfcClient, proxy: NotificationProxy, { signal }: AbortOptions): Promise<SyncLock> {
    await proxy.post(`${prefix}syncWillStart`, { signal });
    const file = await afc.open(lockPath, 'r+', { signal });
    try {
      await proxy.post(`${prefix}syncLockRequest`, { signal });
      for (let attempt = 1; !(await file.lock('exclusive', { signal })); attempt += 1) {
        if (attempt >= attempts) throw busy();
        await delay(retryMs, undefined, { signal }).catch((error: unknown) => {
          signal?.throwIfAborted();
          throw error;
        });
      }
      await proxy.post(`${prefix}syncDidStart`, { signal });
      return new SyncLock(file, proxy);
    } catch (error) {
      await file.close().catch(() => undefined);
      await proxy.post(`${prefix}syncDidFinish`).catch(() => undefined);
      throw error;
    }
  }

  /** Gives the lock up. A device that is gone has done so itself. */
  async release(): Promise<void> {
    await this.#file.unlock().catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await this.#proxy.post(`${prefix}syncDidFinish`).catch(() => undefined);
  }
}

function busy(): BackupSessionError {
  return new BackupSessionError(
    'BACKUP_DEVICE_BUSY',
    'Another program or computer is syncing the device; wait until it has ended and try again',
  );
}

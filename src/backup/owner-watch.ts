import { BackupSessionError } from '../core/errors.js';
import type { NotificationProxy } from '../device/services/notification-proxy.js';

const cancelRequest = 'com.apple.itunes-client.syncCancelRequest';
const passcodePresented = 'com.apple.LocalAuthentication.ui.presented';
const passcodeDismissed = 'com.apple.LocalAuthentication.ui.dismissed';

/** Notifications that matter during a backup; suspend and resume are asked for as other hosts do, and mean nothing here. */
export const observedNotifications: readonly string[] = [
  cancelRequest,
  'com.apple.itunes-client.syncSuspendRequest',
  'com.apple.itunes-client.syncResumeRequest',
  'com.apple.mobile.backup.domain_changed',
  passcodePresented,
  passcodeDismissed,
];

/** Watches what the owner does on the device while a request runs. */
export class OwnerWatch {
  readonly #cancelled = new AbortController();
  readonly #stopped = new AbortController();
  readonly #watching: Promise<void>;

  /** `onPasscode` is told whether the device asks for its passcode. What it throws ends the request. */
  constructor(proxy: NotificationProxy, onPasscode: (isAsked: boolean) => void) {
    this.#watching = this.#watch(proxy, onPasscode);
  }

  /** Aborts where the owner cancels, with a {@link BackupSessionError} `BACKUP_CANCELLED`. */
  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Stops watching: nothing is told afterwards. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
  }

  async #watch(proxy: NotificationProxy, onPasscode: (isAsked: boolean) => void): Promise<void> {
    const { signal } = this.#stopped;
    try {
      for await (const name of proxy.notifications({ signal })) {
        if (signal.aborted) return;
        if (name === cancelRequest) this.#cancelled.abort(cancelledError());
        if (name === passcodePresented || name === passcodeDismissed)
          this.#tell(onPasscode, name === passcodePresented);
      }
    } catch {
      // The device is gone, which the request itself finds out, or this was stopped.
    }
  }

  #tell(onPasscode: (isAsked: boolean) => void, isAsked: boolean): void {
    try {
      onPasscode(isAsked);
    } catch (error) {
      this.#cancelled.abort(error);
    }
  }
}

function cancelledError(): BackupSessionError {
  return new BackupSessionError('BACKUP_CANCELLED', 'The owner cancelled on the device; start again when they agree');
}

import type { AbortOptions } from '../core/abort.js';
import type { AfcClient } from '../device/afc/afc-client.js';
import type { BackupDevice } from './device-host.js';
import { observedNotifications, OwnerWatch } from './owner-watch.js';
import { BackupSession } from './session.js';
import { SyncLock } from './sync-lock.js';
import type { BackupPhase, BackupProgress, TransferOptions } from './transfer-run.js';

/** What a host has at hand while it backs a device up, or restores it. */
export interface HostRun {
  readonly session: BackupSession;
  readonly afc: AfcClient;
  /** Options for the request: its signal aborts too where the owner cancels, its progress knows of the passcode. */
  readonly options: Required<AbortOptions> & Pick<TransferOptions, 'onProgress' | 'onIssue'>;
}

/**
 * Does `work` as hosts do it: with a session, the lock against other hosts, an eye on what the owner does, and announcements to
 * the device. All is undone in the end, also where the device is gone.
 *
 * @throws BackupSessionError `BACKUP_DEVICE_BUSY`, `BACKUP_CANCELLED`; DeviceError for services that the device refuses; what
 * `work` throws
 */
export async function asHost<T>(
  device: BackupDevice,
  options: TransferOptions,
  work: (run: HostRun) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  signal?.throwIfAborted();
  const phases = new PhaseFilter(options.onProgress);
  phases.say('preparing');
  await using proxy = await device.openNotifications({ signal });
  await proxy.observe(observedNotifications, { signal });
  const watch = new OwnerWatch(proxy, (isAsked) => phases.passcode(isAsked));
  try {
    const either = AbortSignal.any([watch.signal, ...(signal === undefined ? [] : [signal])]);
    await using afc = await device.openAfc({ signal: either });
    await using session = await BackupSession.start(device, { signal: either });
    const lock = await SyncLock.take(afc, proxy, { signal: either });
    try {
      const onProgress = options.onProgress && phases.pass;
      return await work({ session, afc, options: { signal: either, onProgress, onIssue: options.onIssue } });
    } finally {
      // A session that is in the middle of a request has to be over before the device takes the lock for free.
      await session.close();
      await lock.release();
    }
  } finally {
    await watch.stop();
  }
}

/** Brings what the session and the notifications say of the passcode together. */
class PhaseFilter {
  readonly #onProgress: TransferOptions['onProgress'];
  #isAsked = false;

  constructor(onProgress: TransferOptions['onProgress']) {
    this.#onProgress = onProgress;
  }

  /** Passes progress on, without guesses about a passcode that is known to be asked for. */
  readonly pass = (event: BackupProgress): void => {
    if (event.type === 'phase' && event.phase === 'waiting-for-passcode' && this.#isAsked) return;
    this.#onProgress?.(event);
  };

  say(phase: BackupPhase, certain?: boolean): void {
    this.#onProgress?.({ type: 'phase', phase, ...(certain !== undefined && { certain }) });
  }

  passcode(isAsked: boolean): void {
    if (isAsked === this.#isAsked) return;
    this.#isAsked = isAsked;
    if (isAsked) this.say('waiting-for-passcode', true);
    else this.say('negotiating');
  }
}

import { BackupSessionError } from '../core/errors.js';
import { willEncrypt, type BackupDevice } from './device-host.js';
import { observedNotifications, OwnerWatch } from './owner-watch.js';
import { BackupSession } from './session.js';
import type { TransferOptions } from './transfer-run.js';

/** Options of {@link changeBackupPassword}. */
export interface ChangeBackupPasswordOptions extends TransferOptions {
  /** The password that is set now; absent where encryption is off. */
  from?: string | undefined;
  /** The new password; absent to turn encryption off. */
  to?: string | undefined;
}

/**
 * Turns encryption of backups on (`to` only), off (`from` only), or changes the password (both). The device keeps it and
 * encrypts all later backups on any computer. Nobody can reset it but by erasing all settings of the device. Newer devices ask
 * for their passcode first.
 *
 * @throws {@link BackupSessionError}: `BACKUP_ENCRYPTION_STATE` where encryption is on without `from`, or off with it;
 * `BACKUP_PASSWORD_INCORRECT`, `BACKUP_DEVICE_LOCKED`, `BACKUP_REMOTE_FAILED`; TypeError where both passwords are missing
 *
 * @example
 * await changeBackupPassword(device, { to: password });
 */
export async function changeBackupPassword(device: BackupDevice, options: ChangeBackupPasswordOptions): Promise<void> {
  const { from, to, signal } = options;
  if ((from ?? '') === '' && (to ?? '') === '') throw new TypeError('from, to or both must be given');
  signal?.throwIfAborted();
  const isOn = await willEncrypt(device, { signal });
  if (isOn && from === undefined) throw stateError('Backups are encrypted already; give the current password');
  if (!isOn && from !== undefined) throw stateError('Backups are not encrypted; give the new password only');
  await using proxy = await device.openNotifications({ signal });
  await proxy.observe(observedNotifications, { signal });
  const watch = new OwnerWatch(proxy, (isAsked) => {
    if (isAsked) options.onProgress?.({ type: 'phase', phase: 'waiting-for-passcode', certain: true });
  });
  try {
    await using session = await BackupSession.start(device, { signal });
    await session.changePassword({ from, to }, options);
  } finally {
    await watch.stop();
  }
}

function stateError(message: string): BackupSessionError {
  return new BackupSessionError('BACKUP_ENCRYPTION_STATE', message);
}

import type { AbortOptions } from '../core/abort.js';
import type { Device } from '../device/device.js';

/** What backups need of a {@link Device}. */
export type BackupDevice = Pick<
  Device,
  'udid' | 'startService' | 'getValue' | 'getValues' | 'apps' | 'openAfc' | 'openNotifications' | 'openSpringboard'
>;

/** Domain of the values about backups. */
const backupDomain = 'com.apple.mobile.backup';

/** Whether the device encrypts its backups, that is, has a backup password. */
export async function willEncrypt(device: BackupDevice, options?: AbortOptions): Promise<boolean> {
  return (await device.getValue('WillEncrypt', { ...options, domain: backupDomain })) === true;
}

import type { VirtualService } from '../types.js';
import { afc } from './afc.js';
import { diagnostics } from './diagnostics.js';
import { heartbeat } from './heartbeat.js';
import { houseArrest } from './house-arrest.js';
import { installationProxy } from './installation-proxy.js';
import { insecureNotificationProxy, notificationProxy } from './notification-proxy.js';
import { springboard } from './springboard.js';

/** The services that every device has. */
export function usualServices(options: { heartbeatSeconds: number }): Record<string, VirtualService> {
  return {
    'com.apple.afc': afc,
    'com.apple.mobile.house_arrest': houseArrest,
    'com.apple.mobile.installation_proxy': installationProxy,
    'com.apple.mobile.notification_proxy': notificationProxy,
    'com.apple.mobile.insecure_notification_proxy': insecureNotificationProxy,
    'com.apple.springboardservices': springboard,
    'com.apple.mobile.diagnostics_relay': diagnostics,
    'com.apple.mobile.heartbeat': heartbeat(options.heartbeatSeconds),
  };
}

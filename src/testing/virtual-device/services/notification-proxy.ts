import { asDict, asString } from '../../../plist/guards.js';
import type { ServiceConnection, VirtualNotifications, VirtualService } from '../types.js';

/** Most names that one host observes, and the most bytes that wait for a host that does not read. */
const mostNames = 1000;
const mostPendingBytes = 1024 * 1024;

/** Notifications of a device. */
export class NotificationCenter implements VirtualNotifications {
  readonly #listeners = new Set<(name: string) => void>();

  post(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }

  subscribe(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** FORMAT facts: docs/format/lockdown.md, "notification_proxy". */
export const notificationProxy: VirtualService = { handler: serve, whileLocked: true };

/** The same without a session, for hosts that are not trusted yet. */
export const insecureNotificationProxy: VirtualService = {
  handler: serve,
  needsSession: false,
  whileLocked: true,
};

async function serve(connection: ServiceConnection, { device }: { device: { notifications: VirtualNotifications } }) {
  const observed = new Set<string>();
  const stop = device.notifications.subscribe((name) => {
    if (!observed.has(name) || connection.pendingBytes > mostPendingBytes) return;
    // A host that is gone misses it.
    connection.send({ Command: 'RelayNotification', Name: name }).catch(() => undefined);
  });
  try {
    for (;;) {
      const request = asDict(await connection.receive());
      if (request === undefined) return;
      const name = asString(request.get('Name'));
      switch (asString(request.get('Command'))) {
        case 'ObserveNotification':
          if (name !== undefined && observed.size < mostNames) observed.add(name);
          break;
        case 'PostNotification':
          if (name !== undefined) device.notifications.post(name);
          break;
        case 'Shutdown':
          await connection.send({ Command: 'ProxyDeath' });
          return;
        default:
          break;
      }
    }
  } finally {
    stop();
  }
}

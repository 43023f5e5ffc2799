import type { Closeable } from '../../core/resource.js';
import { asDict, asString } from '../../plist/guards.js';
import { PlistChannel } from '../plist-channel.js';
import type { ServiceHost } from './service-host.js';

/* FORMAT facts: docs/format/lockdown.md, "heartbeat". */

const service = 'com.apple.mobile.heartbeat';

/**
 * Answers the device's heartbeat, without which it ends the sessions of hosts on the network after some minutes. It begins at
 * once and ends with the device's side or on `close()`; that it ends is no error here, since the connections that matter notice.
 */
export function startHeartbeat(host: ServiceHost): Closeable {
  const closing = new AbortController();
  const beat = async (): Promise<void> => {
    const { signal } = closing;
    const channel = new PlistChannel(await host.startService(service, { signal }), { service });
    try {
      for (;;) {
        const message = asDict(await channel.receive({ signal }));
        if (message === undefined) return;
        if (asString(message.get('Command')) === 'Marco') await channel.send({ Command: 'Polo' }, { signal });
      }
    } finally {
      await channel.close();
    }
  };
  const beating = beat().catch(() => undefined);
  return {
    async close() {
      closing.abort();
      await beating;
    },
  };
}

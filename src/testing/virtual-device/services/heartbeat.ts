import { setTimeout as delay } from 'node:timers/promises';
import { asDict, asString } from '../../../plist/guards.js';
import type { VirtualService } from '../types.js';

/** Ends a connection over which the host does not answer in time. FORMAT facts: docs/format/lockdown.md, "heartbeat". */
export function heartbeat(intervalSeconds: number): VirtualService {
  const intervalMs = intervalSeconds * 1000;
  return {
    whileLocked: true,
    handler: async (connection) => {
      const { signal } = connection;
      while (!signal.aborted) {
        await connection.send({ Command: 'Marco', Interval: intervalSeconds });
        const reply = await Promise.race([connection.receive(), wait(2 * intervalMs, signal)]);
        if (asString(asDict(reply)?.get('Command')) !== 'Polo') return;
        await wait(intervalMs, signal);
      }
    },
  };
}

/** Waits, at most until the connection ends. */
async function wait(ms: number, signal: AbortSignal): Promise<undefined> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return undefined;
}

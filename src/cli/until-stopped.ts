import { once } from 'node:events';
import { InterruptedError } from './failures.js';

/** Long enough to cost nothing, in milliseconds. */
const idleMs = 60_000;

/** Waits for Ctrl-C or a request to terminate: how some commands end, and no failure. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  // Nothing else may keep the process going.
  const alive = setInterval(() => undefined, idleMs);
  try {
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    clearInterval(alive);
  }
  if (!(signal.reason instanceof InterruptedError)) throw signal.reason;
}

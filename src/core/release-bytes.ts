import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Less memory is not worth the call. */
const leastBytes = 16 * 1024;

/** A port whose other end is closed: whatever is moved to it is freed there and then. */
let nowhere: MessagePort | undefined;

/**
 * Frees the memory of an array at once, whose length is 0 from then on; so are those of all other views of it. Only for
 * memory that the caller made and has given to nobody.
 *
 * V8 frees buffers when it collects garbage, and makes a full collection for every 40 MB of them: work that lets go of
 * buffers by the hundred megabytes spends its time on that, and its next buffers are new pages of the system each time.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // Small buffers of Node.js lie in one that many share.
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < leastBytes || buffer.byteLength === Buffer.poolSize)
    return;
  (nowhere ??= openNowhere()).postMessage(undefined, [buffer]);
}

/**
 * Before the first {@link releaseBytes} of a thread: resolves when that frees at once. Else memory waits for a turn of the event
 * loop, in which the port closes, and a thread that takes one message after the other may have none for long.
 */
export async function readyToRelease(): Promise<void> {
  if (nowhere !== undefined) return;
  const port = (nowhere = openNowhere());
  await new Promise((resolve) => port.once('close', resolve));
}

function openNowhere(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  return port1;
}

/** Options of every call that can be cancelled. */
export interface AbortOptions {
  /** Cancels the call, which then rejects with `signal.reason`, unchanged. */
  signal?: AbortSignal | undefined;
}

/** Rejects with the signal's reason as soon as it aborts, else settles like `promise`, whose late failure is swallowed. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    promise.catch(() => undefined);
  }
}

/** Lets timers, sockets and aborts run between two pieces of synchronous work. */
export async function yieldToEventLoop(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/** Bounds of one batch. */
export interface BatchLimits {
  readonly batchFiles: number;
  readonly batchBytes: number;
}

/** Items in batches of at most so many items and bytes; one item alone may have more bytes. */
export function* batches<T>(
  items: Iterable<T>,
  sizeOf: (item: T) => number,
  { batchFiles, batchBytes }: BatchLimits,
): Generator<T[], void, undefined> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (batch.length > 0 && (batch.length >= batchFiles || bytes + size > batchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

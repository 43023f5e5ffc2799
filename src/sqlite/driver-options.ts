/** Options of the drivers that hold the whole database in memory. */
export interface MemoryDriverOptions {
  /** Largest database that is held in memory, in bytes; 512 MiB by default. */
  memoryBytes?: number | undefined;
}

/** The limit of {@link MemoryDriverOptions}. @throws RangeError */
export function memoryLimit({ memoryBytes = 512 * 1024 * 1024 }: MemoryDriverOptions): number {
  return positive(memoryBytes, 'memoryBytes');
}

/** @throws RangeError for what is not a positive number. */
export function positive(value: number, name: string): number {
  if (value > 0) return value;
  throw new RangeError(`${name} must be a positive number, not ${value}`);
}

import { expect } from 'vitest';

/*
 * Compares bytes as such: the matchers look at each element by itself, which takes seconds for a file of some megabytes. What
 * differs is left to them, for the sake of their message.
 */
expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined =>
    a instanceof Uint8Array && b instanceof Uint8Array && a.constructor === b.constructor && Buffer.compare(a, b) === 0
      ? true
      : undefined,
]);

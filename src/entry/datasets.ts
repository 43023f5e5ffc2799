/**
 * Typed records of the datasets inside a backup.
 *
 * @packageDocumentation
 */
export type * from '../datasets/types.js';

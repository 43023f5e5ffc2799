/**
 * Tools to test software that works with backups, without a device.
 *
 * @packageDocumentation
 */
export type * from '../testing/backup-builder/types.js';
export { memoryTree, type MemoryTree } from '../core/memory-tree.js';

import { IoError } from '../../core/errors.js';
import { checkTreePath } from '../../core/safe-path.js';

/** @returns the key. @throws IoError `IO_UNSAFE_PATH` where it is not a safe path, or empty. */
export function checkBlobKey(key: string): string {
  if (key === '') throw new IoError('IO_UNSAFE_PATH', 'The key of a blob must not be empty', { path: key });
  return checkTreePath(key);
}

/** Checks what keys may begin with: a safe path, with or without `/` at its end, or nothing. @throws IoError `IO_UNSAFE_PATH`. */
export function checkBlobPrefix(prefix: string): string {
  checkTreePath(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
  return prefix;
}

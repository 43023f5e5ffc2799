import { utf8Encode } from './bytes.js';
import { IoError } from './errors.js';
import { limits } from './limits.js';

const specialComponent = /(?:^|\/)(\.\.?)(?:\/|$)/;

/** Surely safe, and of nearly all files of a backup: one look instead of many. */
const plainPath = /^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){0,3}$/;

/** Why a relative path is not safe to use below a folder; `undefined` where it is. */
export function unsafePathReason(path: string): string | undefined {
  if (plainPath.test(path)) return undefined;
  if (path.includes('\0')) return 'it contains a NUL character';
  if (path.startsWith('/')) return 'it is absolute';
  if (path.includes('\\')) return 'it contains a backslash';
  if (/^[A-Za-z]:/.test(path)) return 'it names a drive';
  // A character has at most three bytes of UTF-8 for each unit.
  if (3 * path.length > limits.pathBytes && utf8Encode(path).length > limits.pathBytes)
    return `it is longer than ${limits.pathBytes} bytes`;
  const special = specialComponent.exec(path)?.[1];
  if (special !== undefined) return `it contains "${special}"`;
  if (path.includes('//') || path.endsWith('/')) return 'it contains an empty component';
  return undefined;
}

/**
 * Checks a path of a backup tree: relative, `/` between components, no `.`, `..`, NUL, backslash or drive. `''` is the top.
 *
 * @throws {@link IoError} with code `IO_UNSAFE_PATH`.
 */
export function checkTreePath(path: string): string {
  const reason = unsafePathReason(path);
  if (reason !== undefined) {
    throw new IoError('IO_UNSAFE_PATH', `Path ${JSON.stringify(path.slice(0, 200))} is refused because ${reason}`, {
      path,
    });
  }
  return path;
}

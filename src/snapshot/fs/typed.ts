import { ioError } from '../../core/errors.js';

/** Runs work on the disk, and turns errors of the system into ours. `path` and `doing` are told where the error names none. */
export async function typed<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ioError(error, path, doing);
  }
}

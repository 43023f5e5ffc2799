import { FormatError, IoError } from '../core/errors.js';
import { unsafePathReason } from '../core/safe-path.js';

/** A file or folder of an archive that is read. */
export interface ReadEntry {
  /** Safe path, `/` between components. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  /** Size in bytes, as the archive says; a content of another one is an error. */
  readonly size: number;
  /** Modification time in whole microseconds since 1970. */
  readonly modifiedUs: number;
  /** The content, once, before the next entry is asked for; nothing for folders. */
  content(): AsyncIterable<Uint8Array>;
}

/** An archive to read. */
export interface ArchiveReader {
  /** Sum of all sizes, where the archive says so at once. */
  readonly totalBytes: number | undefined;
  /** All entries, one after another. @throws FormatError, IoError `IO_UNSAFE_PATH` */
  entries(): AsyncIterable<ReadEntry>;
  /** Releases the archive. */
  close(): Promise<void>;
}

/** The error for an archive that is not what it should be. */
export function archiveInvalid(why: string, cause?: unknown): FormatError {
  return new FormatError('FORMAT_INVALID', `The archive is not valid: ${why}`, { format: 'archive', cause });
}

/** The path of an entry; `undefined` for the top and for what Finder adds. @throws IoError `IO_UNSAFE_PATH` */
export function entryPath(name: string): string | undefined {
  const path = name.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '');
  if (path === '' || path === '.' || path === '__MACOSX' || path.startsWith('__MACOSX/')) return undefined;
  const reason = unsafePathReason(path);
  if (reason === undefined && !path.includes('\uFFFD')) return path;
  throw new IoError(
    'IO_UNSAFE_PATH',
    `The archive has an entry ${JSON.stringify(name.slice(0, 200))}, which is not safe`,
    {
      path: name.slice(0, 4096),
    },
  );
}

/** The content of an entry, which must be as long as was said. */
export async function* exactContent(
  chunks: AsyncIterable<Uint8Array>,
  { path, size }: Pick<ReadEntry, 'path' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    if (received > size) throw archiveInvalid(`${path} has more than the ${size} bytes that it says`);
    yield chunk;
  }
  if (received < size) throw archiveInvalid(`it ends in ${path}`);
}

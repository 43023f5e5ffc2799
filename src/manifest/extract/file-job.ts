import { releaseBytes } from '../../core/release-bytes.js';
import { uninitialisedBytes } from '../../core/bytes.js';
import { readRegularFile } from '../regular-file.js';
import { isSpoilt, openStored, type LocalContent } from '../stored-content.js';
import { writeDirectly, type FileAttributes, type FilePaths } from './write-directly.js';

/** Content up to this size, in bytes, is read and written in one piece. */
export const wholeContentBytes = 1024 * 1024;

/** A file to be read, decrypted and written at once, in whichever thread. Nothing in it depends on another file. */
export interface FileJob extends LocalContent, FilePaths, FileAttributes {}

/** What became of a {@link FileJob}. */
export interface WrittenJob {
  /** Bytes of content written. */
  readonly bytes: number;
  /** Why the time or the mode was not taken. */
  readonly refused: Error | undefined;
}

/** Does jobs one after the other, by synchronous calls. */
export class JobRunner {
  /** Takes what is stored of each file; padding makes that longer than the content. */
  readonly #room = uninitialisedBytes(wholeContentBytes + 16);

  /**
   * Does a job. `undefined` where the content is missing, damaged or too large, and nothing was written: that is for the way with
   * waits, which looks everywhere and tells what is wrong.
   *
   * @throws {@link BackupKitError} where the system refuses something; nothing is left behind.
   */
  run(job: FileJob): WrittenJob | undefined {
    const room = this.#room;
    const { source, key, statedSize } = job;
    const stored = readRegularFile(source, { name: source, limit: Infinity, largest: room.length, room });
    if (stored === undefined || stored === 'large') return undefined;
    const { content, problems } = openStored(stored, { key, statedSize });
    if (isSpoilt(problems)) return undefined;
    const bytes = content.length;
    const refused = writeDirectly(job, content, job);
    if (key !== undefined) releaseBytes(content);
    return { bytes, refused };
  }
}

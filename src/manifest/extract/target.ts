import type { BackupFile, FileProblem } from '../types.js';
import type { FileJob, WrittenJob } from './file-job.js';
import type { OutputPath } from './output-paths.js';

/** What became of a file that was to be written. */
export interface WrittenFile {
  /** Where it lies, below the target. */
  readonly path: OutputPath;
  /** Bytes of content written. */
  readonly bytes: number;
  /** What is wrong with the content that was written. */
  readonly problems: readonly FileProblem[];
  /** Why the time or the mode is not as in the backup. */
  readonly refused?: Error | undefined;
  /** Why the content ends early although its entry cannot be taken back. */
  readonly cut?: unknown;
}

/** What became of a folder that was to be made: the error where nothing can be written into it. */
export type MadeFolder = 'created' | 'existed' | Error;

/** How a file is written. */
export interface WriteFileOptions {
  readonly signal: AbortSignal | undefined;
  readonly recover: boolean;
  /** A path for it: `from` is 0 at first, and more where the target has the paths before. */
  readonly place: (from: number) => OutputPath;
  /** Whether the folder was made by this extraction, so that nothing else can lie in it. */
  readonly fresh: boolean;
  /** Called with the number of bytes after each chunk. */
  readonly onBytes: (bytes: number) => void;
}

/** The options of a job. */
export interface JobOptions extends Pick<WriteFileOptions, 'signal' | 'fresh'> {
  /** The first path for it. */
  readonly path: OutputPath;
}

/** Writes small files without waiting. */
export interface WriterAtOnce {
  /** Whether another thread may do jobs too. */
  readonly threads: boolean;
  /** All that there is to do for a file; `undefined` where something has to be waited for. Nothing is done yet. */
  job(file: BackupFile, options: JobOptions): FileJob | undefined;
  /** Does it in this thread: see {@link JobRunner.run}. */
  run(job: FileJob): WrittenJob | undefined;
}

/** How a symbolic link is written. */
export interface WriteLinkOptions extends Pick<WriteFileOptions, 'place' | 'fresh'> {
  /** What it points to, checked. */
  readonly target: string;
}

/** Where files are extracted to. Failures that end the extraction are thrown. */
export interface ExtractTarget {
  /** Files that may be written at the same time. */
  readonly concurrency: number;
  /** Whether names that differ in case or Unicode form alone must be kept apart. */
  readonly fold: boolean;
  /** Longest path below the target, in bytes of UTF-8. */
  readonly maxPathBytes: number;
  /** Makes a folder whose parent was made before. */
  makeFolder(path: string): MadeFolder;
  /** Ends a folder when all that lies in it was written: a fresh one gets the time and mode of its entry. Gives why not. */
  finishFolder(path: string, folder: { entry: BackupFile | undefined; fresh: boolean }): Promise<Error | undefined>;
  /** Writes a file; `undefined` where the target has it and it stays. */
  writeFile(file: BackupFile, options: WriteFileOptions): Promise<WrittenFile | undefined>;
  /** Present where most small files can be written without waiting: each wait costs as much as a call of the system. */
  readonly atOnce?: WriterAtOnce;
  /** Makes a symbolic link; `undefined` where the target has it and it stays. */
  writeLink(file: BackupFile, options: WriteLinkOptions): Promise<WrittenFile | undefined>;
}

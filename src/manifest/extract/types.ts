import type { AbortOptions } from '../../core/abort.js';
import type { ErrorCode } from '../../core/error-codes.js';
import type { ProgressOptions } from '../../core/progress.js';
import type { BackupFile, FileProblem, FileQuery, FileRef } from '../types.js';

/**
 * Where entries go below the target.
 *
 * - `domain`: `<Domain>/<relativePath>`; nothing can clash, and it is how {@link FileRef} names files.
 * - `path`: `<relativePath>`, without the domain; folders of several domains that have the same path are merged.
 * - `relative`: the path below `pathPrefix`, so that the folder's content lies directly in the target.
 * - `flat`: the last component alone, all in one folder.
 */
export type ExtractLayout = 'domain' | 'path' | 'relative' | 'flat';

/**
 * Which names are written as they are.
 *
 * - `portable`: names that Windows, macOS and Linux all take, distinct also where case and Unicode form do not count.
 *   The same backup gives the same names on every platform.
 * - `posix`: only what no POSIX file system takes is changed.
 */
export type NameRules = 'portable' | 'posix';

/** Entries to extract, one by one: a reference to a folder means all that is in it, a {@link BackupFile} only itself. */
export type FileSelection = Iterable<FileRef | BackupFile> | AsyncIterable<FileRef | BackupFile>;

/** Which entries, and what they are called: the same for folders and archives. All entries by default. */
export interface SelectAndNameOptions extends FileQuery, AbortOptions, ProgressOptions<ExtractProgress> {
  /** Exactly these, in this order, in place of the conditions of {@link FileQuery}. */
  files?: FileSelection | undefined;
  /** `domain` by default. */
  layout?: ExtractLayout | undefined;
  /** `portable` by default. */
  names?: NameRules | undefined;
  /**
   * What happens to symbolic links. `skip` only reports them. `create` makes those that stay inside the target, after
   * everything else. `skip` is the default for folders, `create` for archives.
   */
  symlinks?: 'skip' | 'create' | undefined;
  /** Write what is left of damaged content, with a warning, instead of leaving the file out. `false` by default. */
  recover?: boolean | undefined;
  /**
   * Whether to go through the manifest first, for `totalFiles` and `totalBytes` of the progress. By default where
   * `onProgress` is given and `files` is not.
   */
  totals?: boolean | undefined;
  /** Called at once for each entry that was left out, changed its name, or deserves a warning. */
  onIssue?: ((issue: ExtractIssue) => void) | undefined;
  /** Issues of one severity that the report keeps; 1,000 by default, `Infinity` for all. All are counted and given to `onIssue`. */
  maxIssues?: number | undefined;
}

/** Options of extracting to a folder. */
export interface ExtractOptions extends SelectAndNameOptions {
  /**
   * What happens where the target has a file of that name already. `error` rejects with `IO_EXISTS`, `skip` leaves it
   * as it is and counts it, `overwrite` replaces it, `rename` writes beside it as `name (2)`. `error` by default.
   */
  onExisting?: 'error' | 'skip' | 'overwrite' | 'rename' | undefined;
  /** Give files and folders their permission bits; set-user-id, set-group-id and sticky are never set. `false` by default. */
  modes?: boolean | undefined;
  /** Flush each file and folder to the disk. `false` by default. */
  durable?: boolean | undefined;
  /** Files in work at the same time; 8 by default. */
  concurrency?: number | undefined;
  /**
   * Let a second thread (`node:worker_threads`) write a share of the files where there are thousands of them. It ends with the
   * extraction. Where it cannot be started the extraction goes on without it. `true` by default.
   */
  threads?: boolean | undefined;
}

/** Options of extracting to an archive. */
export interface ExtractArchiveOptions extends SelectAndNameOptions {
  /** Kind of archive. Both take any number and size of files, UTF-8 names, permission bits and times. */
  format: 'tar' | 'zip';
  /** `deflate` by default; only zip compresses. */
  compression?: 'deflate' | 'store' | undefined;
}

/** An archive to write to. */
export interface ArchiveTarget extends Pick<ExtractArchiveOptions, 'format' | 'compression'> {
  /** A stream, which is ended, or the path of a file that must not exist yet and appears when it is complete. */
  to: string | NodeJS.WritableStream;
}

/** The bytes of an archive; leaving the loop early stops the extraction. */
export interface ArchiveStream extends AsyncIterable<Uint8Array> {
  /** Resolves when the last byte was taken, and rejects as the loop does. */
  readonly report: Promise<ExtractReport>;
}

/** Progress of an extraction. */
export interface ExtractProgress {
  /** Tells these from progress of another kind, where one callback takes several. */
  readonly type: 'extract';
  /** Files dealt with so far, whatever came of them. */
  readonly files: number;
  /** Bytes of content written so far. */
  readonly bytes: number;
  /** Files in all. `undefined` where they were not counted. */
  readonly totalFiles: number | undefined;
  /** Bytes in all, as the manifest has it. `undefined` where they were not counted. */
  readonly totalBytes: number | undefined;
  /** The last file, as `/<Domain>/<relativePath>`. */
  readonly path: string;
}

/** What an {@link ExtractIssue} is about. */
export type ExtractReason =
  | FileProblem
  /** Its content or record cannot be decrypted or decoded. */
  | 'undecryptable'
  /** The manifest has no such entry. */
  | 'not-found'
  /** The system refused to read the source or to write the target. */
  | 'io-error'
  /** Something that is not a folder lies where a folder is needed, a link for instance; it is never followed. */
  | 'target-blocked'
  /** The target has such a file already. */
  | 'target-exists'
  /** The file system did not take the time or the mode. */
  | 'attributes-refused'
  /** A symbolic link, and links were not asked for. */
  | 'symlink'
  /** A symbolic link that points outside of the target. */
  | 'symlink-unsafe'
  /** The name has characters or a form that is not safe everywhere; `unescapeName` gives the original. */
  | 'name-escaped'
  /** The name is longer than 255 bytes and was cut. */
  | 'name-shortened'
  /** Another entry has the same name on some platform. */
  | 'name-clash'
  /** The path is too long for the system, and the folder lies elsewhere. */
  | 'path-shortened';

/** One thing to know about one entry. */
export interface ExtractIssue extends FileRef {
  /** `not-extracted`: a failure. `skipped`: left out on purpose. `warning`: written, but look. `renamed`: written under another name. */
  readonly severity: 'not-extracted' | 'skipped' | 'warning' | 'renamed';
  /** What it is about, for programs; `message` says it to people. */
  readonly reason: ExtractReason;
  /** Code of the error behind it, where there is one. */
  readonly code: ErrorCode | undefined;
  /** A sentence for people. */
  readonly message: string;
  /** Id of the entry. `undefined` where the manifest has none, and for folders without an entry of their own. */
  readonly fileId: string | undefined;
  /** Where it was written, below the target, with `/` between components. `undefined` where it was not. */
  readonly outputPath: string | undefined;
}

/** What an extraction did. */
export interface ExtractReport {
  /** Files written. */
  readonly files: number;
  /** Folders of the backup made, or found to exist. */
  readonly directories: number;
  /** Symbolic links made. */
  readonly symlinks: number;
  /** Bytes of content written. */
  readonly bytes: number;
  /** Number of issues by severity. */
  readonly counts: Readonly<Record<ExtractIssue['severity'], number>>;
  /** The first issues of each severity, at most `maxIssues` of each. */
  readonly issues: readonly ExtractIssue[];
}

import { yieldToEventLoop } from '../../core/abort.js';
import { IoError, ManifestError, isBackupKitError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { progressReporter, type ProgressReporter } from '../../core/progress.js';
import type { BackupFile, FileRef } from '../types.js';
import { contentProblems } from './content.js';
import type { FileJob, WrittenJob } from './file-job.js';
import { FolderChain, type OpenFolder } from './folder-chain.js';
import { folderRef, layoutComponents } from './layout.js';
import { safeLinkTarget } from './link-target.js';
import { OutputPaths, type NameChange, type OutputPath } from './output-paths.js';
import { isFatal, problemText, readFailure } from './read-failure.js';
import { ReportBuilder, type IssueSubject } from './report-builder.js';
import { checkSelection, countTotals, selectEntries, type FileSource } from './selection.js';
import { SecondThread } from './second-thread.js';
import type { ExtractTarget, WrittenFile } from './target.js';
import { TaskPool } from '../../core/task-pool.js';
import type { ExtractLayout, ExtractProgress, ExtractReport, NameRules, SelectAndNameOptions } from './types.js';

/** Links are made last, so they are held until then; a backup has tens of them. */
const maxHeldLinks = 100_000;

/** Longest time for which timers and aborts wait, in milliseconds, where nothing else makes the extraction wait. */
const maxTurnMs = 20;

const changeTexts: Record<NameChange, string> = {
  'name-escaped': 'its name is not safe on every platform',
  'name-shortened': 'its name is longer than 255 bytes',
  'name-clash': 'another entry has this name already, at least on some platform',
  'path-shortened': 'its path is too long',
};

/** The options that concern every target, complete. */
export interface RunOptions extends SelectAndNameOptions {
  readonly layout: ExtractLayout;
  readonly names: NameRules;
  readonly symlinks: 'skip' | 'create';
}

/** Throws for wrong options, before anything is done. */
export function checkRunOptions(options: SelectAndNameOptions): void {
  checkSelection(options);
  const { maxIssues, layout, names, symlinks } = options;
  if (maxIssues !== undefined && maxIssues !== Infinity && (!Number.isSafeInteger(maxIssues) || maxIssues < 0))
    throw new RangeError(`maxIssues must be a non-negative integer or Infinity, not ${maxIssues}`);
  oneOf('layout', layout, ['domain', 'path', 'relative', 'flat']);
  oneOf('names', names, ['portable', 'posix']);
  oneOf('symlinks', symlinks, ['skip', 'create']);
}

/** @throws TypeError where an option has a value that it does not take. */
export function oneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new TypeError(`${name} must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`);
}

/** Where a file goes. */
interface FileAt {
  readonly folder: OpenFolder;
  readonly name: string;
  /** The first path for it. */
  readonly first: OutputPath;
}

/** One extraction: takes entries in order, gives them names, writes them side by side, and reports. */
export class ExtractRun {
  readonly #source: FileSource;
  readonly #target: ExtractTarget;
  readonly #options: RunOptions;
  readonly #report: ReportBuilder;
  readonly #paths: OutputPaths;
  readonly #folders: FolderChain;
  readonly #pool: TaskPool;
  readonly #second: SecondThread<{ job: FileJob; file: BackupFile; at: FileAt }>;
  readonly #links: { file: BackupFile; folder: OpenFolder; name: string; depth: number }[] = [];
  readonly #progress: ProgressReporter<ExtractProgress>;
  #totals: { files: number; bytes: number } | undefined;
  #filesDone = 0;
  #lastFile: BackupFile | undefined;
  #yieldAt = 0;
  /** Aborts what is being written when one of the writes ends the extraction. */
  readonly #failing = new AbortController();
  readonly #signal: AbortSignal;

  constructor(source: FileSource, target: ExtractTarget, options: RunOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#report = new ReportBuilder({ maxIssues: options.maxIssues ?? 1000, onIssue: options.onIssue });
    this.#paths = new OutputPaths({ rules: options.names, fold: target.fold, maxPathBytes: target.maxPathBytes });
    this.#pool = new TaskPool(target.concurrency);
    this.#second = new SecondThread({ enabled: target.atOnce?.threads === true });
    const { signal } = options;
    this.#signal = signal === undefined ? this.#failing.signal : AbortSignal.any([signal, this.#failing.signal]);
    this.#progress = progressReporter(options.onProgress);
    this.#folders = new FolderChain(this.#paths, target, {
      onRenamed: (components, placed) => {
        this.#renamed(folderRef(components, options.layout), placed);
      },
      onRefused: (file, outputPath, error) => {
        this.#attributesRefused(file, outputPath, error);
      },
    });
  }

  /** Extracts everything that the options select. */
  async run(): Promise<ExtractReport> {
    const { onProgress, files } = this.#options;
    this.#signal.throwIfAborted();
    try {
      if (this.#options.totals ?? (onProgress !== undefined && files === undefined))
        this.#totals = await countTotals(this.#source, { ...this.#options, signal: this.#signal });
      this.#progress.force('extract', () => this.#event());
      for await (const batch of selectEntries(this.#source, { ...this.#options, signal: this.#signal })) {
        for (const { file, missing } of batch) {
          this.#signal.throwIfAborted();
          if (performance.now() >= this.#yieldAt) await this.#letOthersRun();
          const waiting = file === undefined ? this.#notFound(missing) : this.#entry(file);
          if (waiting !== undefined) await waiting;
        }
      }
      await this.#second.finish();
      await this.#takeAnswers();
      await this.#pool.finish();
      await this.#folders.close();
      await this.#makeLinks();
    } catch (error) {
      this.#failing.abort(error);
      throw error;
    } finally {
      await this.#second.close();
      await this.#pool.settle();
      await this.#folders.settle();
    }
    this.#signal.throwIfAborted();
    this.#progress.force('extract', () => this.#event());
    return this.#report.build();
  }

  /** Small files are extracted without waiting: timers and aborts get their turn here. */
  async #letOthersRun(): Promise<void> {
    await yieldToEventLoop(this.#signal);
    await this.#takeAnswers();
    this.#yieldAt = performance.now() + maxTurnMs;
  }

  /** Takes one entry; gives a promise only where there is something to wait for. */
  #entry(file: BackupFile): Promise<void> | undefined {
    const { layout, pathPrefix } = this.#options;
    if (file.relativePath.length > limits.pathBytes) {
      const message = `The path of the entry has more than ${limits.pathBytes} characters`;
      const error = new IoError('IO_UNSAFE_PATH', message, { path: file.relativePath.slice(0, 200) });
      this.#report.add('not-extracted', file, { reason: 'path-shortened', message, error });
      return undefined;
    }
    const components = layoutComponents(file, layout, pathPrefix);
    if (file.kind === 'directory') return this.#folder(file, components);
    const folder = this.#folders.openParent(components);
    return folder === undefined ? this.#inNextFolder(file, components) : this.#inFolder(file, components, folder);
  }

  async #inNextFolder(file: BackupFile, components: readonly string[]): Promise<void> {
    await this.#inFolder(file, components, await this.#folders.enterParent(components));
  }

  /** Takes a file or link of the folder that was entered last. */
  #inFolder(file: BackupFile, components: readonly string[], folder: OpenFolder): Promise<void> | undefined {
    const name = components.at(-1) ?? '';
    if (file.kind === 'symlink') {
      this.#holdLink(file, { folder, name, depth: components.length - 1 });
      return undefined;
    }
    // Names are given in the order of the entries, whatever the order in which the writes end.
    const first = this.#paths.file(folder.output, name, { id: file.fileId });
    if (first.again) return undefined;
    this.#lastFile = file;
    const at = { folder, name, first };
    return this.#writeNow(file, at) ? undefined : this.#writeSideBySide(file, at);
  }

  /**
   * Writes a file where nothing has to be waited for, or has the second thread do so; whether that is so. What goes wrong is told
   * by the way with waits.
   */
  #writeNow(file: BackupFile, at: FileAt): boolean {
    const { atOnce } = this.#target;
    const { folder, first } = at;
    if (atOnce === undefined || folder.blocked !== undefined || this.#options.recover === true) return false;
    let written: WrittenJob | undefined;
    try {
      const job = atOnce.job(file, { signal: this.#signal, fresh: folder.fresh, path: first });
      if (job === undefined) return false;
      if (this.#second.take({ job, file, at })) {
        this.#folders.begin(folder);
        return true;
      }
      written = atOnce.run(job);
    } catch (error) {
      if (isFatal(error)) throw error;
      return false;
    }
    if (written === undefined) return false;
    this.#writtenAtOnce(file, written, first);
    return true;
  }

  #writtenAtOnce(file: BackupFile, { bytes, refused }: WrittenJob, path: OutputPath): void {
    this.#report.bytes += bytes;
    this.#written(file, { path, bytes, refused, problems: contentProblems(file, bytes) }, path);
    this.#filesDone += 1;
    this.#progress.report('extract', () => this.#event());
  }

  /** Deals with what the second thread has done, and does what it has not. */
  async #takeAnswers(): Promise<void> {
    for (const { task, written } of this.#second.answers()) {
      const { file, at } = task;
      if (written === undefined) await this.#writeSideBySide(file, at);
      else this.#writtenAtOnce(file, written, at.first);
      await this.#folders.end(at.folder);
    }
  }

  async #writeSideBySide(file: BackupFile, at: FileAt): Promise<void> {
    this.#folders.begin(at.folder);
    await this.#pool.add(async () => {
      try {
        await this.#file(file, at);
      } catch (error) {
        this.#failing.abort(error);
        throw error;
      } finally {
        await this.#folders.end(at.folder);
      }
    });
  }

  async #folder(file: BackupFile, components: readonly string[]): Promise<void> {
    if (components.length === 0) return;
    const folder = await this.#folders.enter(components);
    folder.entry = file;
    if (folder.blocked !== undefined) this.#blocked(file, folder.blocked);
    else this.#report.directories += 1;
  }

  async #file(file: BackupFile, at: FileAt): Promise<void> {
    const { folder, name, first } = at;
    const signal = this.#signal;
    signal.throwIfAborted();
    this.#lastFile = file;
    let counted = 0;
    try {
      if (folder.blocked !== undefined) {
        this.#blocked(file, folder.blocked);
        return;
      }
      const written = await this.#target.writeFile(file, {
        signal,
        recover: this.#options.recover === true,
        fresh: folder.fresh,
        place: (from) => (from === 0 ? first : this.#paths.file(folder.output, name, { id: file.fileId, from })),
        onBytes: (bytes) => {
          counted += bytes;
          this.#report.bytes += bytes;
          this.#progress.report('extract', () => this.#event());
        },
      });
      this.#written(file, written, first);
    } catch (error) {
      this.#report.bytes -= counted;
      await this.#failed(file, error);
    } finally {
      this.#filesDone += 1;
    }
    this.#progress.report('extract', () => this.#event());
  }

  #written(file: BackupFile, written: WrittenFile | undefined, first: OutputPath): void {
    if (written === undefined) {
      this.#existing(file, first);
      return;
    }
    this.#report.files += 1;
    const outputPath = written.path.path;
    this.#renamed(file, written.path);
    if (written.refused !== undefined) this.#attributesRefused(file, outputPath, written.refused);
    const { cut, problems } = written;
    if (cut !== undefined) {
      const message = 'The content could not be read to its end; the archive holds what was read';
      this.#report.add('not-extracted', file, { reason: 'io-error', message, error: cut, outputPath });
      return;
    }
    for (const problem of problems) {
      this.#report.add('warning', file, { ...problemText(problem, file, written.bytes), outputPath });
    }
  }

  #holdLink(file: BackupFile, at: { folder: OpenFolder; name: string; depth: number }): void {
    if (this.#options.symlinks === 'create' && this.#links.length < maxHeldLinks) {
      this.#links.push({ file, ...at });
      return;
    }
    const message = `A symbolic link to ${JSON.stringify(file.linkTarget ?? '')}; links are made with symlinks: 'create'`;
    this.#report.add('skipped', file, { reason: 'symlink', message });
  }

  async #makeLinks(): Promise<void> {
    const touched = new Set<OpenFolder>();
    for (const { file, folder, name, depth } of this.#links) {
      this.#signal.throwIfAborted();
      const target = safeLinkTarget(file.linkTarget, { folders: depth, rules: this.#options.names });
      if (target === undefined) {
        const message = `The link points to ${JSON.stringify(file.linkTarget ?? '')}, which is or may be outside of the target`;
        this.#report.add('skipped', file, { reason: 'symlink-unsafe', message });
        continue;
      }
      if (folder.blocked !== undefined) {
        this.#blocked(file, folder.blocked);
        continue;
      }
      try {
        const place = (from: number): OutputPath => this.#paths.file(folder.output, name, { id: file.fileId, from });
        const first = place(0);
        if (first.again) continue;
        const options = { place: (from: number) => (from === 0 ? first : place(from)), fresh: folder.fresh, target };
        const written = await this.#target.writeLink(file, options);
        if (written === undefined) {
          this.#existing(file, first);
          continue;
        }
        this.#report.symlinks += 1;
        this.#renamed(file, written.path);
        touched.add(folder);
      } catch (error) {
        await this.#failed(file, error);
      }
    }
    for (const folder of touched) await this.#folders.finish(folder);
    await this.#folders.close();
  }

  async #failed(file: BackupFile, error: unknown): Promise<void> {
    this.#signal.throwIfAborted();
    const failure = await readFailure(error, file);
    this.#report.add('not-extracted', file, { ...failure, error });
  }

  #notFound(ref: FileRef): undefined {
    const message = `The manifest has no entry ${ref.domain}/${ref.relativePath}`;
    const error = new ManifestError('MANIFEST_FILE_NOT_FOUND', message, ref);
    this.#report.add('not-extracted', ref, { reason: 'not-found', message, error });
  }

  #blocked(file: BackupFile, error: Error): void {
    const reason = isBackupKitError(error, 'IO_UNSAFE_PATH') ? 'target-blocked' : 'io-error';
    this.#report.add('not-extracted', file, { reason, message: error.message, error });
  }

  #existing(file: BackupFile, placed: OutputPath): void {
    const message = `${placed.path} exists in the target and was left as it is`;
    this.#report.add('skipped', file, { reason: 'target-exists', message, outputPath: placed.path });
  }

  #renamed(subject: IssueSubject, placed: OutputPath): void {
    const [reason] = placed.changes;
    if (reason === undefined) return;
    const message = `Written as ${placed.path}, because ${placed.changes.map((change) => changeTexts[change]).join(', and ')}`;
    this.#report.add('renamed', subject, { reason, message, outputPath: placed.path });
  }

  #attributesRefused(file: BackupFile, outputPath: string, error: Error): void {
    const message = `The file system did not take its time or mode: ${error.message}`;
    this.#report.add('warning', file, { reason: 'attributes-refused', message, error, outputPath });
  }

  #event(): ExtractProgress {
    return {
      type: 'extract',
      files: this.#filesDone,
      bytes: this.#report.bytes,
      totalFiles: this.#totals?.files,
      totalBytes: this.#totals?.bytes,
      path: this.#lastFile === undefined ? '' : `/${this.#lastFile.domain}/${this.#lastFile.relativePath}`,
    };
  }
}

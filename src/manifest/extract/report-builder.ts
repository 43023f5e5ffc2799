import { isBackupKitError } from '../../core/errors.js';
import type { FileRef } from '../types.js';
import type { ExtractIssue, ExtractReason, ExtractReport } from './types.js';

/** The entry that an issue is about: of the manifest or, for a reference that it does not have, the reference. */
export type IssueSubject = FileRef & { readonly fileId?: string | undefined };

/** Counts what is done, and keeps a bounded number of issues. */
export class ReportBuilder {
  files = 0;
  directories = 0;
  symlinks = 0;
  bytes = 0;
  readonly #counts: Record<ExtractIssue['severity'], number> = {
    'not-extracted': 0,
    skipped: 0,
    warning: 0,
    renamed: 0,
  };
  readonly #issues: ExtractIssue[] = [];
  readonly #maxIssues: number;
  readonly #onIssue: ((issue: ExtractIssue) => void) | undefined;

  constructor(options: { maxIssues: number; onIssue: ((issue: ExtractIssue) => void) | undefined }) {
    this.#maxIssues = options.maxIssues;
    this.#onIssue = options.onIssue;
  }

  /** Adds an issue; `code` is taken from `error`. */
  add(
    severity: ExtractIssue['severity'],
    subject: IssueSubject,
    issue: { reason: ExtractReason; message: string; error?: unknown; outputPath?: string | undefined },
  ): void {
    this.#counts[severity] += 1;
    const keep = this.#counts[severity] <= this.#maxIssues;
    if (!keep && this.#onIssue === undefined) return;
    const entry: ExtractIssue = {
      severity,
      reason: issue.reason,
      code: isBackupKitError(issue.error) ? issue.error.code : undefined,
      message: issue.message,
      domain: subject.domain,
      relativePath: subject.relativePath,
      fileId: subject.fileId,
      outputPath: issue.outputPath,
    };
    if (keep) this.#issues.push(entry);
    this.#onIssue?.(entry);
  }

  build(): ExtractReport {
    const { files, directories, symlinks, bytes } = this;
    return { files, directories, symlinks, bytes, counts: { ...this.#counts }, issues: [...this.#issues] };
  }
}

import type { ErrorCode } from '../../core/error-codes.js';
import { IoError, isBackupKitError } from '../../core/errors.js';
import type { BackupFile, FileProblem } from '../types.js';
import type { ExtractReason } from './types.js';

/** Failures that every further file would meet as well: the extraction ends. */
const fatalErrnos = new Set(['EROFS', 'EMFILE', 'ENFILE', 'ENODEV']);

/** Whether an error ends the extraction, because it is not about one entry alone. */
export function isFatal(error: unknown): boolean {
  if (!isBackupKitError(error)) return true;
  if (isBackupKitError(error, 'IO_NO_SPACE', 'IO_EXISTS', 'MANIFEST_CLOSED')) return true;
  return error instanceof IoError && fatalErrnos.has(error.errno ?? '');
}

/** Why one file was not extracted. @throws `error` itself where it is not about this file alone and the extraction must end. */
export async function readFailure(
  error: unknown,
  file: BackupFile,
): Promise<{ reason: ExtractReason; message: string }> {
  if (!isBackupKitError(error) || isFatal(error)) throw error;
  return { reason: await failureReason(error.code, file), message: error.message };
}

async function failureReason(code: ErrorCode, file: BackupFile): Promise<ExtractReason> {
  switch (code) {
    case 'MANIFEST_FILE_MISSING':
      return (await contentProblem(file, 'placeholder')) ?? 'content-missing';
    case 'MANIFEST_KEY_UNAVAILABLE':
      return file.problems.includes('record-damaged') ? 'record-damaged' : 'key-unavailable';
    case 'IO_ACCESS_DENIED':
    case 'IO_FAILED':
    case 'IO_UNSAFE_PATH':
    case 'MANIFEST_ACCESS_DENIED':
      return 'io-error';
    default:
      return (await contentProblem(file, 'incomplete')) ?? 'undecryptable';
  }
}

/** `problem`, where it is what keeps the content from being read. */
async function contentProblem<P extends FileProblem>(file: BackupFile, problem: P): Promise<P | undefined> {
  try {
    const content = await file.open({ recover: true });
    await content.close();
    return content.problems.includes(problem) ? problem : undefined;
  } catch (error) {
    if (isBackupKitError(error)) return undefined;
    throw error;
  }
}

/** The warning for a file that was written although something is wrong with it. */
export function problemText(
  problem: FileProblem,
  file: BackupFile,
  bytes: number,
): { reason: ExtractReason; message: string } {
  const texts: Partial<Record<FileProblem, string>> = {
    'size-differs': `The content has ${bytes} bytes and its record says ${file.size}; the content is complete, it changed while it was backed up`,
    'size-invalid': `The record has no usable size; the content has ${bytes} bytes`,
    incomplete: 'The content was cut in the backup; what is left of it was written',
    placeholder: 'The backup has an empty placeholder in place of the content',
    'record-damaged': 'The record of the file cannot be decoded; its time and mode are not known',
    'path-differs': 'The record of the file names another path; the path of its row was used',
  };
  return { reason: problem, message: texts[problem] ?? `The file has a problem: ${problem}` };
}

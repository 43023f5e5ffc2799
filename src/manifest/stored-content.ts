import { decryptWhole } from '../crypto/decrypted-source.js';
import type { FileProblem } from './types.js';

/** What opens a stored content. */
export interface ContentKey {
  /** 32 bytes; `undefined` in a plain backup. */
  readonly key: Uint8Array | undefined;
  /** Size that the file's record states, where that is a possible one. */
  readonly statedSize: number | undefined;
}

/** A content that lies in a file of this computer. */
export interface LocalContent extends ContentKey {
  /** Path of the file. */
  readonly source: string;
}

/** The content of a file out of all that is stored of it. A plain one is `stored` itself. */
export function openStored(
  stored: Uint8Array,
  { key, statedSize }: ContentKey,
): { content: Uint8Array; problems: readonly FileProblem[] } {
  if (key !== undefined) return decryptWhole(stored, key, statedSize);
  return { content: stored, problems: plainProblems(statedSize, stored.length) };
}

/** What the length of a plain content tells. It cannot be told whether it was cut. */
export function plainProblems(statedSize: number | undefined, storedSize: number): FileProblem[] {
  if (statedSize === undefined || statedSize === storedSize) return [];
  return [storedSize === 0 ? 'placeholder' : 'size-differs'];
}

/** Whether the content is not what the file had, so that only what is left of it could be read. */
export function isSpoilt(problems: readonly FileProblem[]): boolean {
  return problems.includes('placeholder') || problems.includes('incomplete');
}

import { rowKind, type Table } from '../format/table.js';
import { sideBySide } from '../format/table-changes.js';

/** A file that differs between two versions. */
export interface FileChange {
  /** Path within the folder of the device. */
  readonly path: string;
  /** `modified` where the content is another one. */
  readonly change: 'added' | 'removed' | 'modified';
  /** Size in bytes before; `undefined` where it was not there. */
  readonly sizeBefore: number | undefined;
  /** Size in bytes after; `undefined` where it is not there. */
  readonly sizeAfter: number | undefined;
}

/** Files that differ, in the order of their paths. */
export function* diffTables(before: Table, after: Table): Generator<FileChange, void, undefined> {
  for (const [left, right] of sideBySide(before, after)) {
    const old = left === undefined ? undefined : before.row(left);
    const next = right === undefined ? undefined : after.row(right);
    const oldFile = old?.kind === rowKind.file ? old : undefined;
    const nextFile = next?.kind === rowKind.file ? next : undefined;
    const [path, sizeBefore, sizeAfter] = [(next ?? old)?.path ?? '', oldFile?.size, nextFile?.size];
    if (oldFile === undefined && nextFile !== undefined) yield { path, change: 'added', sizeBefore, sizeAfter };
    else if (oldFile !== undefined && nextFile === undefined) yield { path, change: 'removed', sizeBefore, sizeAfter };
    else if (oldFile !== undefined && nextFile !== undefined && Buffer.compare(oldFile.hash, nextFile.hash) !== 0)
      yield { path, change: 'modified', sizeBefore, sizeAfter };
  }
}

import { rowKind, type Table, type TableRow } from './table.js';
import { TableWriter } from './table-writer.js';

const noHash = new Uint8Array(0);

/** Rows of two tables side by side, by path; one of both may be absent. Indexes, because most callers look at few. */
export function* sideBySide(
  before: Table,
  after: Table,
): Generator<readonly [before: number | undefined, after: number | undefined], void, undefined> {
  let left = 0;
  let right = 0;
  while (left < before.length || right < after.length) {
    const order =
      left === before.length ? 1 : right === after.length ? -1 : before.compare(left, after.pathBytes(right));
    yield [order <= 0 ? left : undefined, order >= 0 ? right : undefined];
    if (order <= 0) left += 1;
    if (order >= 0) right += 1;
  }
}

/** What turns `before` into `after`: rows to put, and rows of the kind `removed`. */
export function changesBetween(before: Table, after: Table): Table {
  const changes = new TableWriter();
  for (const [left, right] of sideBySide(before, after)) {
    if (right === undefined && left !== undefined) changes.add(removedRow(before.pathBytes(left).toString('utf8')));
    else if (right !== undefined && (left === undefined || !before.rowBytes(left).equals(after.rowBytes(right))))
      changes.addBytes(after.rowBytes(right));
  }
  return changes.finish();
}

/** A row that says of a path that nothing is there any more, for changes. */
export function removedRow(path: string): TableRow {
  return { kind: rowKind.removed, path, hash: noHash, size: 0, modifiedUs: 0 };
}

/** A row of a folder in which nothing lies. */
export function folderRow(path: string): TableRow {
  return { kind: rowKind.folder, path, hash: noHash, size: 0, modifiedUs: 0 };
}

/** How many files two tables have that differ. */
export function countChanges(before: Table, after: Table): { added: number; changed: number; removed: number } {
  const counts = { added: 0, changed: 0, removed: 0 };
  const hashOf = (table: Table, index: number | undefined): Buffer | undefined =>
    index === undefined ? undefined : table.hash(index);
  for (const [left, right] of sideBySide(before, after)) {
    const [old, next] = [hashOf(before, left), hashOf(after, right)];
    if (old === undefined && next !== undefined) counts.added += 1;
    else if (old !== undefined && next === undefined) counts.removed += 1;
    else if (old !== undefined && next !== undefined && !old.equals(next)) counts.changed += 1;
  }
  return counts;
}

/** Number of files of a table and the sum of their sizes in bytes. */
export function measureTable(table: Table): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (let index = 0; index < table.length; index += 1) {
    if (table.kind(index) !== rowKind.file) continue;
    files += 1;
    bytes += table.size(index);
  }
  return { files, bytes };
}

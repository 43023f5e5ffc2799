import type { Output } from './output.js';
import { toJsonLine } from './json.js';
import { plainRow, Table, type Column } from './table.js';

/** How records are written. */
export interface RecordFormat<T> {
  readonly columns: readonly Column<T>[];
  /** The record as `--json` gives it; the record itself by default. */
  readonly json?: ((record: T) => unknown) | undefined;
}

/** Writes records one by one as they come: JSON Lines, a table on a terminal, tab-separated columns in a pipe. */
export async function writeRecords<T>(
  records: AsyncIterable<T>,
  { columns, json = (record) => record }: RecordFormat<T>,
  { output, asJson }: { output: Output; asJson: boolean },
): Promise<void> {
  const table = new Table(columns, output);
  for await (const record of records) {
    if (asJson) await output.write(`${toJsonLine(json(record))}\n`);
    else if (output.isTerminal) await table.add(record);
    else await output.write(plainRow(columns, record));
  }
  await table.end();
}

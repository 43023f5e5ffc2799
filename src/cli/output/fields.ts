import { formatLocalTime } from './format.js';
import type { Output } from './output.js';
import { plainCell, type CellValue } from './table.js';
import { escapeText, padText } from './text.js';

/** One property of something that is shown by itself. */
export interface Field {
  /** Its name for people. */
  readonly title: string;
  /** Its name for programs. */
  readonly key: string;
  readonly value: CellValue;
  /** How people see the value, where that differs. */
  readonly show?: string | undefined;
}

/** Writes properties, a line each: aligned titles and values on a terminal; key, tabulator, value in a pipe. */
export async function writeFields(fields: readonly Field[], output: Output): Promise<void> {
  const width = fieldWidth(fields);
  for (const { title, key, value, show } of fields) {
    const line = output.isTerminal
      ? `${output.bold(padText(title, width))}${show === undefined ? shownValue(value) : escapeText(show)}`
      : `${key}\t${plainCell(value)}`;
    await output.write(`${line}\n`);
  }
}

/** Columns that titles take on a terminal. */
export function fieldWidth(fields: readonly Pick<Field, 'title'>[]): number {
  return Math.max(...fields.map(({ title }) => title.length)) + 2;
}

function shownValue(value: CellValue): string {
  if (value === undefined) return 'unknown';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value instanceof Date ? formatLocalTime(value) : escapeText(String(value));
}

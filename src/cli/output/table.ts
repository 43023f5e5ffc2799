import type { Output } from './output.js';
import { formatLocalTime } from './format.js';
import { escapeText, fitText, padText, textWidth } from './text.js';

/** What a cell may hold. */
export type CellValue = string | number | bigint | boolean | Date | undefined;

/** One column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly value: (record: T) => CellValue;
  /** How people see the value, where that differs. */
  readonly show?: ((record: T) => string) | undefined;
  readonly align?: 'left' | 'right' | undefined;
  /** Where it is cut when it is too wide; `end` by default. The ends of paths tell more than their starts. */
  readonly cut?: 'start' | 'end' | undefined;
  /** Whether it gives way first where the terminal is narrow. */
  readonly flexible?: boolean | undefined;
}

/** Rows that are looked at to find the widths of columns; later ones are cut where they are wider. */
const sampledRows = 200;
const gap = '  ';
const narrowest = 8;

/** A cell for programs: times in ISO 8601, control characters escaped, nothing else changed. */
export function plainCell(value: CellValue): string {
  if (value === undefined) return '';
  return value instanceof Date ? value.toISOString() : escapeText(String(value));
}

/** Rows for programs: tab-separated columns without a header or any decoration. */
export function plainRow<T>(columns: readonly Column<T>[], record: T): string {
  return `${columns.map((column) => plainCell(column.value(record))).join('\t')}\n`;
}

/** Aligned columns for people, which fit the terminal. Rows stream: only the first ones are held to find the widths. */
export class Table<T> {
  readonly #columns: readonly Column<T>[];
  readonly #output: Output;
  #sample: string[][] | undefined = [];
  #widths: readonly number[] = [];

  constructor(columns: readonly Column<T>[], output: Output) {
    this.#columns = columns;
    this.#output = output;
  }

  async add(record: T): Promise<void> {
    const cells = this.#columns.map((column) => shownCell(column, record));
    if (this.#sample === undefined) await this.#output.write(this.#line(cells));
    else if (this.#sample.push(cells) >= sampledRows) await this.#begin();
  }

  /** Writes what is held. Nothing at all is written of an empty table. */
  async end(): Promise<void> {
    if (this.#sample !== undefined && this.#sample.length > 0) await this.#begin();
  }

  async #begin(): Promise<void> {
    const rows = this.#sample ?? [];
    this.#sample = undefined;
    const titles = this.#columns.map(({ title }) => title);
    this.#widths = this.#fit([titles, ...rows]);
    await this.#output.write(this.#output.bold(this.#line(titles).trimEnd()) + '\n');
    for (const cells of rows) await this.#output.write(this.#line(cells));
  }

  #fit(rows: readonly (readonly string[])[]): number[] {
    const widths = this.#columns.map((_column, index) =>
      Math.max(...rows.map((cells) => textWidth(cells[index] ?? ''))),
    );
    const total = (): number => widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1));
    const flexible = (index: number): boolean => this.#columns[index]?.flexible === true;
    for (const canShrink of [flexible, () => true]) {
      while (total() > this.#output.columns) {
        const candidates = widths.map((width, index) => (canShrink(index) && width > narrowest ? width : 0));
        const widest = candidates.indexOf(Math.max(...candidates));
        if ((candidates[widest] ?? 0) === 0) break;
        // Down to the second widest at once, so that this takes a step for each column and not for each character.
        const rest = Math.max(narrowest, ...candidates.filter((_width, index) => index !== widest));
        const excess = total() - this.#output.columns;
        const step = Math.max(1, Math.min(excess, (candidates[widest] ?? 0) - rest));
        widths[widest] = (widths[widest] ?? 0) - step;
      }
    }
    return widths;
  }

  #line(cells: readonly string[]): string {
    const padded = cells.map((cell, index) => {
      const width = this.#widths[index] ?? 0;
      const { align, cut } = this.#columns[index] ?? {};
      return padText(fitText(cell, width, cut), width, align);
    });
    return `${fitText(padded.join(gap).trimEnd(), this.#output.columns)}\n`;
  }
}

function shownCell<T>(column: Column<T>, record: T): string {
  if (column.show !== undefined) return escapeText(column.show(record));
  const value = column.value(record);
  if (value === undefined) return '';
  return value instanceof Date ? formatLocalTime(value) : escapeText(String(value));
}

import { describe, expect, test } from 'vitest';
import { writeRecords } from '../../src/cli/output/records.js';
import type { Column } from '../../src/cli/output/table.js';
import { textWidth } from '../../src/cli/output/text.js';
import { keptOutput } from './streams.js';

interface Row {
  readonly id: number;
  readonly name: string | undefined;
  readonly date?: Date;
}

const columns: readonly Column<Row>[] = [
  { title: 'Id', value: ({ id }) => id, align: 'right' },
  { title: 'Name', value: ({ name }) => name, flexible: true },
  { title: 'Date', value: ({ date }) => date },
];

async function* of(...rows: Row[]): AsyncGenerator<Row, void, undefined> {
  yield* rows;
}

describe('in a pipe', () => {
  test('columns are separated by tabulators, without a header, and control characters are escaped', async () => {
    const { output, text } = keptOutput();
    await writeRecords(
      of({ id: 1, name: 'a\tb\n\u001b[2J', date: new Date(0) }, { id: 2, name: undefined }),
      { columns },
      { output, asJson: false },
    );
    expect(text()).toBe('1\ta\\tb\\n\\x1b[2J\t1970-01-01T00:00:00.000Z\n2\t\t\n');
  });

  test('JSON comes as one record a line, also to a terminal', async () => {
    const { output, text } = keptOutput({ columns: 20 });
    await writeRecords(of({ id: 1, name: 'a' }, { id: 2, name: undefined }), { columns }, { output, asJson: true });
    expect(text()).toBe('{"id":1,"name":"a"}\n{"id":2}\n');
  });
});

describe('on a terminal', () => {
  test('columns are aligned by their width on the screen', async () => {
    const { output, text } = keptOutput({ columns: 80 }, { NO_COLOR: '1' });
    await writeRecords(of({ id: 1, name: '中文' }, { id: 20, name: 'abcdef' }), { columns }, { output, asJson: false });
    expect(text()).toBe('Id  Name    Date\n 1  中文\n20  abcdef\n');
  });

  test('no line is wider than the screen, and the flexible column gives way', async () => {
    const { output, text } = keptOutput({ columns: 40 }, { NO_COLOR: '1' });
    const date = new Date('2024-05-06T07:08:09Z');
    await writeRecords(
      of({ id: 1, name: 'x'.repeat(200), date }, { id: 2, name: '字'.repeat(90), date }),
      { columns },
      { output, asJson: false },
    );
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^ 1 {2}x+… {2}2024-05-0\d \d\d:\d\d:\d\d$/);
  });

  test('rows beyond the first ones are cut to the widths that were found', async () => {
    const { output, text } = keptOutput({ columns: 80 }, { NO_COLOR: '1' });
    const rows = Array.from({ length: 300 }, (_unused, index) => ({ id: index, name: 'abc' }));
    await writeRecords(of(...rows, { id: 300, name: 'abcdefgh' }), { columns }, { output, asJson: false });
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(302);
    expect(lines.at(-1)).toBe('300  abc…');
  });

  test('the header is bold, but for those who do not want it', async () => {
    const [bold, plain] = [keptOutput({ columns: 80 }), keptOutput({ columns: 80 }, { NO_COLOR: 'yes' })];
    for (const { output } of [bold, plain])
      await writeRecords(of({ id: 1, name: 'a' }), { columns }, { output, asJson: false });
    expect(bold.text()).toContain('\u001b[1m');
    expect(plain.text()).not.toContain('\u001b');
  });

  test('nothing is written of nothing', async () => {
    const { output, text } = keptOutput({ columns: 80 });
    await writeRecords(of(), { columns }, { output, asJson: false });
    expect(text()).toBe('');
  });
});

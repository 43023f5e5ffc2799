import { expect, it } from 'vitest';
import { databaseFiles } from '../../../src/testing/backup-builder/databases.js';
import { messagesStore } from '../../../src/testing/backup-builder/stores/messages.js';
import { chats } from '../../../src/datasets/messages/chats.js';
import { readAll, readerOf } from './support.js';

const pageSize = 1024;
const count = 400;

async function database(): Promise<Uint8Array> {
  const specs = Array.from({ length: count }, (_, index) => ({
    text: `message ${index + 1} ${'x'.repeat(60)}`,
    from: '+15550101',
  }));
  const [spec] = messagesStore(specs, { ios: '17.0' }).databases;
  if (spec === undefined) throw new Error('There is no database');
  const [file] = await databaseFiles({ ...spec, pageSize });
  return file?.content as Uint8Array;
}

/** Overwrites those pages that hold the text. */
function damagePagesWith(bytes: Uint8Array, text: string): Uint8Array {
  const damaged = bytes.slice();
  const needle = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += pageSize) {
    if (Buffer.from(bytes.subarray(start, start + pageSize)).includes(needle))
      damaged.fill(0xee, start, start + pageSize);
  }
  return damaged;
}

it('gives the messages before and behind a damaged page, marked as recovered, and says what is missing', async () => {
  const { records, issues } = await readAll(readerOf(damagePagesWith(await database(), 'message 200 ')));
  const rowIds = records.map(({ rowId }) => rowId);
  expect(rowIds).toEqual([...rowIds].sort((a, b) => a - b));
  expect(rowIds).toContain(1);
  expect(rowIds).toContain(count);
  expect(rowIds).not.toContain(200);
  expect(records.length).toBeGreaterThan(count - 20);
  expect(records.every(({ isRecovered, chatIds }) => isRecovered && chatIds[0] === 1)).toBe(true);
  expect(issues.map(({ kind }) => kind)).toContain('database-damaged');
});

it('keeps to the filters in a damaged database too', async () => {
  const reader = readerOf(damagePagesWith(await database(), 'message 200 '));
  const { records } = await readAll(reader, { since: new Date('2024-03-01T15:00:00Z'), chatId: 1 });
  expect(records.length).toBeGreaterThan(0);
  expect(records.every(({ date }) => date !== undefined && date >= new Date('2024-03-01T15:00:00Z'))).toBe(true);
  expect((await readAll(reader, { chatId: 2 })).records).toEqual([]);
});

it('does not lose messages to a damaged table beside them', async () => {
  const { records, issues } = await readAll(readerOf(damagePagesWith(await database(), '+15550101usiMessage')));
  expect(records).toHaveLength(count);
  expect(issues).toMatchObject([{ kind: 'table-damaged', table: 'handle' }]);
});

it('ends in good time, with issues or a typed error, wherever a page is damaged', async () => {
  const sound = await database();
  for (let page = 1; page < sound.length / pageSize; page += 23) {
    const damaged = sound.slice();
    damaged.fill(0xee, page * pageSize, (page + 1) * pageSize);
    const reader = readerOf(damaged);
    for (const read of [() => readAll(reader), () => chats(reader).next()]) {
      const code: unknown = await read().then(
        () => undefined,
        (error: { code?: unknown }) => error.code ?? error,
      );
      expect([undefined, 'DATABASE_CORRUPT', 'DATASET_ABSENT', 'DATASET_SCHEMA_UNSUPPORTED']).toContain(code);
    }
  }
});

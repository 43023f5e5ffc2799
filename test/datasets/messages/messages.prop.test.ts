import fc from 'fast-check';
import { expect, it } from 'vitest';
import { messageColumns } from '../../../src/datasets/messages/row-columns.js';
import { attachmentColumns } from '../../../src/datasets/messages/attachments.js';
import type { RawValue } from '../../../src/testing/backup-builder/types.js';
import { chats } from '../../../src/datasets/messages/chats.js';
import { backupOf, readAll } from './support.js';

const anyValue: fc.Arbitrary<RawValue> = fc.oneof(
  fc.constant(null),
  fc.integer(),
  fc.constantFrom(0, 1, 2, 3, 4, 1000, 2000, 2006, 3000, 4000),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('p:0/MESSAGE', 'bp:MESSAGE', 'MESSAGE', '~/Library/SMS/a\0b', '~/Library/SMS/../x', '0:1:2'),
  fc.uint8Array({ maxLength: 64 }),
);

const someColumns = (names: readonly string[]): fc.Arbitrary<Record<string, RawValue>> =>
  fc.dictionary(fc.constantFrom(...names), anyValue, { maxKeys: 12 });

const columnsOf = (names: readonly string[]): readonly string[] =>
  names.filter((name) => name !== 'ROWID' && name !== 'guid');

it('gives every row once, whatever its columns hold', async () => {
  const row = fc.record({
    message: someColumns(columnsOf(messageColumns)),
    attachment: someColumns(columnsOf(attachmentColumns)),
    chat: someColumns(['style', 'properties', 'chat_identifier', 'display_name', 'group_id', 'service_name']),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      await using backup = await backupOf(
        [
          { text: 'target', guid: 'MESSAGE', from: '+15550101' },
          ...rows.map(({ message, attachment, chat }, index) => ({
            text: 'text',
            chat: { participants: ['+15550101', '+15550102'], groupId: String(index), columns: chat },
            attachments: [{ name: 'a.jpg', isMissing: true, columns: attachment }],
            columns: message,
          })),
        ],
        { ios: '26.0' },
      );
      const { records } = await readAll(backup, { reactions: 'separate' });
      expect(records.map(({ rowId }) => rowId).sort((a, b) => a - b)).toEqual(
        Array.from({ length: rows.length + 1 }, (_, index) => index + 1),
      );
      const folded = await readAll(backup);
      expect(folded.records.length).toBeLessThanOrEqual(records.length);
      let count = 0;
      for await (const chat of chats(backup)) count += chat.conversationId === '' ? 0 : 1;
      expect(count).toBe(rows.length + 1);
    }),
    { numRuns: 12 },
  );
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/sqlite/writable.js';
import { messages } from '../../../src/datasets/messages/messages.js';
import { describeWithFixtures } from '../../support/shared-fixtures.js';
import { readAll, readerOf, readerOfFile } from './support.js';

describeWithFixtures('sms.db of other hands', (fixtures) => {
  const modern = join(fixtures, 'datasets/ios-backup-parser/messages.1.sms.db');

  it('gives every message of a modern one, with its text, date and chat', async () => {
    const { records } = await readAll(await readerOfFile(modern));
    expect(records.map(({ rowId, text, bodyState, chatIds }) => [rowId, text, bodyState, chatIds])).toEqual([
      [1, 'Hello from the fixture', 'text', [1]],
      // The attributed bodies of this file name the wrong superclass: only salvage reads them.
      [2, 'Reply via attributedBody', 'salvaged', [1]],
      [3, 'The quick brown fox jumped. '.repeat(8), 'salvaged', [1]],
      [4, 'Hi 👋 group 🌍', 'salvaged', [2]],
      [5, '\uFFFC', 'salvaged', [2]],
      [6, 'see attachment', 'text', [2]],
      [8, 'orphan', 'text', [1]],
      [9, undefined, 'undecoded', [1]],
      [10, undefined, 'empty', [1]],
    ]);
    for (const { rowId, dateNs } of records) expect(dateNs).toBe(700_000_000_000_000_000n + BigInt(rowId) * 10n ** 9n);
  });

  it('gives the details of a modern one', async () => {
    const { records } = await readAll(await readerOfFile(modern));
    const byId = new Map(records.map((record) => [record.rowId, record]));
    expect(byId.get(1)).toMatchObject({ isFromMe: true, sender: undefined });
    expect(byId.get(2)).toMatchObject({
      sender: { address: '+15550001', country: 'us' },
      reactions: [{ rowId: 7, kind: 'love', sender: { address: '+15550001' } }],
    });
    const base = (700_000_000 + 978_307_200) * 1000;
    expect(byId.get(2)?.dateRead?.getTime()).toBe(base + 2500);
    expect(byId.get(2)?.dateDelivered?.getTime()).toBe(base + 2200);
    expect(byId.get(2)?.dateEdited?.getTime()).toBe(base + 2800);
    expect(byId.get(3)?.replyTo).toMatchObject({ guid: 'fx-msg-0001' });
    expect(byId.get(4)?.service).toBe('SMS');
    expect(byId.get(5)?.attachments).toMatchObject([
      {
        guid: 'fx-att-0001',
        name: 'photo.jpg',
        size: 12_345,
        mimeType: 'image/jpeg',
        position: 0,
        isPresent: false,
        file: { domain: 'MediaDomain', relativePath: 'Library/SMS/Attachments/aa/00/FX-GUID/photo.jpg' },
      },
    ]);
    expect(byId.get(6)?.attachments).toMatchObject([{ name: 'clip.jpg', file: undefined, isPresent: false }]);
    expect(byId.get(8)).toMatchObject({ sender: undefined, handleId: 999 });
    expect(byId.get(10)).toMatchObject({ kind: 'app', app: { kind: 'link' } });
  });

  it('reports what is wrong in a modern one, row by row', async () => {
    const { issues } = await readAll(await readerOfFile(modern));
    expect(issues.map(({ rowId, kind }) => [rowId, kind])).toEqual([
      [2, 'body-salvaged'],
      [3, 'body-salvaged'],
      [4, 'body-salvaged'],
      [5, 'body-salvaged'],
      [8, 'handle-missing'],
      [9, 'body-undecoded'],
      [10, 'app-payload-undecoded'],
    ]);
  });

  it('gives the message of a real iOS 14.3 device', async () => {
    const path = join(fixtures, 'real/ios-14.3/3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28');
    const { records, issues } = await readAll(await readerOfFile(path));
    expect(issues).toEqual([]);
    expect(records).toHaveLength(1);
    expect(records[0]?.text).toContain('https://badbadbad.example.org/');
    expect(records[0]?.date?.toISOString()).toMatch(/^2019-08-29T23:13:30/);
  });

  it('gives all messages of one with few columns', async () => {
    const path = join(fixtures, 'datasets/traceloupe-synthetic/HomeDomain/Library/SMS/sms.db');
    const { records, issues } = await readAll(await readerOfFile(path), { reactions: 'separate' });
    expect(issues).toEqual([]);
    expect(records).toHaveLength(178);
    expect(records.flatMap(({ attachments }) => attachments)).toHaveLength(4);
  });

  it.each([
    ['6.1.6', 'messages: iOS 6 or 7'],
    ['9.2.1', 'messages: iOS 8 or 9'],
    ['10.2', 'messages: iOS 10'],
    ['11.2', 'messages: iOS 11'],
  ])('is read with the schema of iOS %s', async (ios, schema) => {
    const ddl = await readFile(join(fixtures, `datasets/iphonebackuptools-schemas/messages/iOS${ios}.sql`), 'utf8');
    const database = await createDatabase();
    // Tables of SQLite itself cannot be made by hand.
    for (const statement of ddl.split(';')) {
      if (/CREATE TABLE (?!sqlite_)/i.test(statement)) database.exec(statement);
    }
    database.exec(`INSERT INTO handle (ROWID, id, service) VALUES (1, '+15550101', 'SMS');
      INSERT INTO chat (ROWID, guid, style, chat_identifier) VALUES (1, 'SMS;-;+15550101', 45, '+15550101');
      INSERT INTO message (ROWID, guid, text, handle_id, service, date) VALUES (1, 'G', 'Hello', 1, 'SMS', 400000000);
      INSERT INTO chat_message_join (chat_id, message_id) VALUES (1, 1);`);
    const reader = readerOf(database.serialize());
    database.close();
    expect((await messages.probe(reader)).schema).toBe(schema);
    const { records, issues } = await readAll(reader);
    expect(issues).toEqual([]);
    expect(records).toMatchObject([
      { text: 'Hello', chatIds: [1], sender: { address: '+15550101' }, date: new Date('2013-09-04T15:06:40Z') },
    ]);
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { contacts } from '../../../src/datasets/contacts/contacts.js';
import { addressBookRef } from '../../../src/datasets/contacts/schema.js';
import type { Contact } from '../../../src/datasets/contacts/types.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { filesOf, backupOfFiles } from './backup-of.js';

const count = 600;
const pageBytes = 4096;
const leafOfTable = 0x0d;

describe('an address book with a damaged page', () => {
  let sound: Map<string, Uint8Array>;

  beforeAll(async () => {
    sound = await filesOf(
      Array.from({ length: count }, (_unused, index) => ({
        givenName: `Given ${index}`,
        note: `Note of ${index} ${'x'.repeat(50)}`,
        phones: [{ value: `number of ${index}`, label: '_$!<Mobile>!$_' }],
        groups: ['Everybody'],
      })),
    );
  });

  /** Pages that are leaves of a table and hold `text`. */
  function leavesWith(text: string): number[] {
    const bytes = sound.get(addressBookRef.relativePath) as Uint8Array;
    const pages: number[] = [];
    for (let at = pageBytes; at < bytes.length; at += pageBytes) {
      const content = Buffer.from(bytes.subarray(at, at + pageBytes)).toString('latin1');
      if (bytes[at] === leafOfTable && content.includes(text)) pages.push(at);
    }
    return pages;
  }

  async function readDamaged(pages: readonly number[]): Promise<{ records: Contact[]; issues: DatasetIssue[] }> {
    const files = new Map(sound);
    const bytes = (sound.get(addressBookRef.relativePath) as Uint8Array).slice();
    for (const at of pages) bytes.fill(0xff, at, at + 100);
    files.set(addressBookRef.relativePath, bytes);
    const records: Contact[] = [];
    const issues: DatasetIssue[] = [];
    const options = { onIssue: (issue: DatasetIssue) => issues.push(issue) };
    await using backup = await backupOfFiles(files);
    for await (const record of contacts(backup, options)) records.push(record);
    return { records, issues };
  }

  test('gives all contacts but those on it', async () => {
    const leaves = leavesWith('Note of ');
    const at = leaves[Math.floor(leaves.length / 2)] as number;
    const { records, issues } = await readDamaged([at]);
    const lost = count - records.length;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(60);
    expect(records.at(-1)).toMatchObject({ givenName: `Given ${count - 1}`, phones: [{ label: 'mobile' }] });
    expect(records.map(({ rowId }) => rowId)).toEqual(records.map(({ rowId }) => rowId).toSorted((a, b) => a - b));
    expect(issues).toContainEqual(expect.objectContaining({ kind: 'table-damaged', table: 'ABPerson' }));
  });

  test('gives all values but those on it', async () => {
    const leaves = leavesWith('number of ');
    const at = leaves[Math.floor(leaves.length / 2)] as number;
    const { records, issues } = await readDamaged([at]);
    expect(records).toHaveLength(count);
    const without = records.filter((contact) => contact.phones.length === 0);
    expect(without.length).toBeGreaterThan(0);
    expect(without.length).toBeLessThan(150);
    const damagedRows = issues.filter(({ kind }) => kind === 'row-damaged').map(({ rowId }) => rowId);
    expect(damagedRows).toEqual(without.map(({ rowId }) => rowId));
    expect(issues).toContainEqual(expect.objectContaining({ kind: 'table-damaged', table: 'ABMultiValue' }));
  });
});

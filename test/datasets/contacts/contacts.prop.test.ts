import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBackupKitError } from '../../../src/core/errors.js';
import { contacts } from '../../../src/datasets/contacts/contacts.js';
import type { ContactSpec } from '../../../src/testing/backup-builder/stores/contacts.js';
import { backupOf, filesOf, backupOfFiles } from './backup-of.js';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((value) => !value.includes('\0'));

test('what is written into an address book is read from it', async () => {
  const spec: fc.Arbitrary<ContactSpec> = fc.record(
    {
      givenName: text,
      familyName: text,
      note: text,
      phones: fc.array(fc.record({ value: text, label: text }), { maxLength: 4 }),
      emails: fc.array(fc.record({ value: text }), { maxLength: 4 }),
      groups: fc.uniqueArray(text, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { maxLength: 8 }), async (specs) => {
      await using backup = await backupOf(specs);
      let index = 0;
      for await (const contact of contacts(backup, { strict: true })) {
        const { phones = [], emails = [], groups = [], ...scalars } = specs[index] ?? {};
        index += 1;
        expect(contact).toMatchObject({ rowId: index, ...scalars });
        expect(contact.phones.map(({ value }) => value)).toEqual(
          phones.map((phone) => (phone as { value: string }).value),
        );
        expect(contact.emails.map(({ value }) => value)).toEqual(
          emails.map((email) => (email as { value: string }).value),
        );
        expect(new Set(contact.groups.map(({ name }) => name))).toEqual(new Set(groups));
      }
      expect(index).toBe(specs.length);
    }),
    { numRuns: 25 },
  );
});

test('a damaged address book gives contacts, issues or a typed error, and ends', async () => {
  const files = await filesOf([
    { givenName: 'Ada', phones: [{ value: '1', label: 'x' }], addresses: [{ parts: { City: 'London' } }], link: 1 },
    { organization: 'Works', groups: ['Friends'], birthday: '--12-10', thumbnail: new Uint8Array(300).fill(7) },
  ]);
  const paths = [...files.keys()];
  const mutation = fc.record({
    path: fc.constantFrom(...paths),
    // Half of the mutations hit the first page, where the schema is.
    at: fc.oneof(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 200_000 })),
    byte: fc.integer({ min: 0, max: 255 }),
  });
  let given = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 12 }), async (mutations) => {
      const damaged = new Map([...files].map(([path, bytes]) => [path, bytes.slice()]));
      for (const { path, at, byte } of mutations) {
        const bytes = damaged.get(path);
        if (bytes !== undefined) bytes[at % bytes.length] = byte;
      }
      try {
        await using backup = await backupOfFiles(damaged);
        for await (const contact of contacts(backup)) {
          given += 1;
          await contact.image();
        }
      } catch (error) {
        if (!isBackupKitError(error)) throw error;
      }
    }),
    { numRuns: 100 },
  );
  expect(given).toBeGreaterThan(0);
});

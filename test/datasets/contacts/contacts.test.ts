import { describe, expect, test } from 'vitest';
import { contacts } from '../../../src/datasets/contacts/contacts.js';
import { addressBookRef } from '../../../src/datasets/contacts/schema.js';
import type { Contact } from '../../../src/datasets/contacts/types.js';
import type { DatasetIssue } from '../../../src/datasets/types.js';
import { writeBinaryPlist } from '../../../src/plist/binary-write.js';
import { writeKeyedArchive } from '../../../src/plist/keyed-archive-write.js';
import type { ContactSpec, ContactsStoreOptions } from '../../../src/testing/backup-builder/stores/contacts.js';
import { backupOf } from './backup-of.js';

const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);
const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 4, 5, 6]);

interface Outcome {
  readonly records: Contact[];
  readonly issues: DatasetIssue[];
}

async function read(specs: readonly ContactSpec[], options?: ContactsStoreOptions): Promise<Outcome> {
  await using backup = await backupOf(specs, options);
  const records: Contact[] = [];
  const issues: DatasetIssue[] = [];
  for await (const record of contacts(backup, { onIssue: (issue) => issues.push(issue) })) records.push(record);
  return { records, issues };
}

async function readOne(spec: ContactSpec, options?: ContactsStoreOptions): Promise<Contact> {
  const { records, issues } = await read([spec], options);
  expect(issues).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0] as Contact;
}

test('a full card comes out field by field', async () => {
  const contact = await readOne({
    namePrefix: 'Dr.',
    givenName: 'Alex',
    middleName: 'Quinn',
    familyName: 'Muster',
    nameSuffix: 'Jr.',
    nickname: 'Lexi',
    phoneticGivenName: 'AL-ex',
    phoneticFamilyName: 'MUS-ter',
    organization: 'Works',
    department: 'Synthesis',
    jobTitle: 'Engineer',
    note: 'Line 1\nLine 2 🌍',
    birthday: '1990-04-05',
    created: new Date('2020-01-02T03:04:05Z'),
    modified: new Date('2021-01-02T03:04:05Z'),
    relatedNames: [{ value: 'Sam', label: '_$!<Spouse>!$_' }],
    urls: [{ value: 'https://example.com', label: '_$!<HomePage>!$_' }],
    dates: [{ value: '2015-06-07', label: '_$!<Anniversary>!$_' }, '--12-24'],
    columns: { PreviousFamilyName: 'Vorher', OrganizationPhonetic: 'WORKS', FirstPronunciation: 'aleks' },
  });
  expect(contact).toMatchObject({
    rowId: 1,
    kind: 'person',
    displayName: 'Dr. Alex Quinn Muster Jr.',
    namePrefix: 'Dr.',
    givenName: 'Alex',
    middleName: 'Quinn',
    familyName: 'Muster',
    previousFamilyName: 'Vorher',
    nameSuffix: 'Jr.',
    nickname: 'Lexi',
    phoneticGivenName: 'AL-ex',
    phoneticFamilyName: 'MUS-ter',
    pronunciationGivenName: 'aleks',
    organization: 'Works',
    phoneticOrganization: 'WORKS',
    department: 'Synthesis',
    jobTitle: 'Engineer',
    note: 'Line 1\nLine 2 🌍',
    birthday: '1990-04-05',
    created: new Date('2020-01-02T03:04:05Z'),
    modified: new Date('2021-01-02T03:04:05Z'),
    relatedNames: [{ value: 'Sam', label: 'spouse', rawLabel: '_$!<Spouse>!$_' }],
    urls: [{ value: 'https://example.com', label: 'homepage' }],
    dates: [
      { date: '2015-06-07', label: 'anniversary' },
      { date: '--12-24', label: undefined },
    ],
  });
});

test('several values of one kind keep their order, and labels are found by ROWID where those have gaps', async () => {
  const { records } = await read([
    { phones: [{ value: '1', label: '_$!<Mobile>!$_' }, { value: '2', label: 'TextNow' }, '3'] },
    { phones: [{ value: '4', label: 'TextNow' }], emails: [{ value: 'a@example.com', label: '_$!<Mobile>!$_' }] },
  ]);
  expect(records[0]?.phones).toEqual([
    { value: '1', label: 'mobile', rawLabel: '_$!<Mobile>!$_' },
    { value: '2', label: 'TextNow', rawLabel: 'TextNow' },
    { value: '3', label: undefined, rawLabel: undefined },
  ]);
  expect(records[1]?.phones).toEqual([{ value: '4', label: 'TextNow', rawLabel: 'TextNow' }]);
  expect(records[1]?.emails).toMatchObject([{ label: 'mobile' }]);
});

test.each([0, -1])('label %i is no label and no issue', async (label) => {
  const contact = await readOne({ phones: [{ value: '1', label }] });
  expect(contact.phones).toEqual([{ value: '1', label: undefined, rawLabel: undefined }]);
});

test('a label that does not exist is an issue, and the value is given without one', async () => {
  const { records, issues } = await read([{ phones: [{ value: '1', label: 999 }] }]);
  expect(records[0]?.phones).toEqual([{ value: '1', label: undefined, rawLabel: undefined }]);
  expect(issues).toMatchObject([{ dataset: 'contacts', kind: 'label-dangling', table: 'ABMultiValue', rowId: 1 }]);
});

test('parts of addresses are found whatever the case of their keys, unknown ones are kept', async () => {
  const contact = await readOne({
    addresses: [
      {
        label: '_$!<Work>!$_',
        parts: {
          Street: '1 Way\nFloor 2',
          SubLocality: 'Quarter',
          City: 'Town',
          SubAdministrativeArea: 'County',
          State: 'ST',
          ZIP: '00001',
          Country: 'Land',
          CountryCode: 'xx',
        },
      },
      { parts: { street: 's', zip: 'z', Planet: 'Mars' } },
    ],
  });
  expect(contact.addresses).toEqual([
    {
      label: 'work',
      rawLabel: '_$!<Work>!$_',
      street: '1 Way\nFloor 2',
      subLocality: 'Quarter',
      city: 'Town',
      subAdministrativeArea: 'County',
      state: 'ST',
      postalCode: '00001',
      country: 'Land',
      countryCode: 'xx',
      otherParts: [],
    },
    expect.objectContaining({
      street: 's',
      postalCode: 'z',
      city: undefined,
      otherParts: [{ key: 'Planet', value: 'Mars' }],
    }),
  ]);
});

test('messenger accounts, profiles and tones come with their parts or their bare value', async () => {
  const contact = await readOne({
    instantMessages: [{ parts: { service: 'Skype', username: 'a' } }, { parts: {}, value: 'bare' }],
    socialProfiles: [
      {
        parts: { service: 'twitter', username: 'b', url: 'https://x', identifier: '42', displayname: 'B', extra: '1' },
      },
    ],
    tones: [{ parts: {}, value: 'system:Opening', label: '_$!<call>!$_' }, { parts: { sound: 's', vibration: 'v' } }],
  });
  expect(contact.instantMessages).toMatchObject([
    { service: 'Skype', username: 'a' },
    { service: undefined, username: 'bare' },
  ]);
  expect(contact.socialProfiles).toMatchObject([
    {
      service: 'twitter',
      username: 'b',
      url: 'https://x',
      userId: '42',
      displayName: 'B',
      otherParts: [{ key: 'extra', value: '1' }],
    },
  ]);
  expect(contact.tones).toMatchObject([
    { label: 'call', sound: 'system:Opening', vibration: undefined },
    { sound: 's', vibration: 'v' },
  ]);
});

test('values of an unknown property are kept with its number', async () => {
  const contact = await readOne(
    { phones: ['1'] },
    { sql: ["INSERT INTO ABMultiValue (UID, record_id, property, value, guid) VALUES (9, 1, 77, 'new', 'g')"] },
  );
  expect(contact.otherValues).toEqual([
    { property: 77, value: 'new', label: undefined, rawLabel: undefined, parts: [] },
  ]);
});

describe('damage of single rows', () => {
  test.each([
    ['value-missing', 'UPDATE ABMultiValue SET value = NULL'],
    ['value-undecoded', "UPDATE ABMultiValue SET value = x'ff'"],
    ['part-key-dangling', "INSERT INTO ABMultiValueEntry VALUES (1, 99, 'x')"],
    ['date-undecoded', "UPDATE ABMultiValue SET property = 12, value = 'soon'"],
    ['birthday-undecoded', "UPDATE ABPerson SET Birthday = 'soon'"],
    ['birthday-undecoded', "UPDATE ABPerson SET AlternateBirthday = 'soon'"],
    ['birthday-undecoded', "UPDATE ABPerson SET AlternateBirthday = '<plist><dict/></plist>'"],
    ['text-undecoded', "UPDATE ABPerson SET First = x'ff'"],
    ['store-dangling', 'UPDATE ABPerson SET StoreID = 99'],
    ['group-dangling', 'INSERT INTO ABGroupMembers VALUES (1, 99, 0, 1)'],
    ['owner-dangling', 'UPDATE ABMultiValue SET record_id = 0'],
    ['owner-dangling', 'UPDATE ABMultiValue SET record_id = 99'],
    ['owner-dangling', "UPDATE ABMultiValue SET record_id = 'x'"],
    [
      'link-implausible',
      "INSERT INTO ABPerson (PersonLink, guid) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) SELECT 7, 'g' FROM n",
    ],
  ])('%s is reported once and the contact is still given: %s', async (kind, statement) => {
    const { records, issues } = await read([{ familyName: 'Kept', phones: ['1'] }], { sql: [statement] });
    expect(records[0]?.familyName).toBe('Kept');
    expect([...new Set(issues.map((issue) => issue.kind))]).toEqual([kind]);
    expect(issues[0]?.message).toMatch(/^[A-Z0-9].*[^.]$/);
  });

  test('with strict, an issue is thrown instead', async () => {
    await using backup = await backupOf([{ phones: [{ value: '1', label: 999 }] }]);
    await expect(contacts(backup, { strict: true }).next()).rejects.toMatchObject({
      code: 'DATASET_ROW_INVALID',
      dataset: 'contacts',
      rowId: 1,
    });
  });
});

describe('the name to show', () => {
  test.each<[string, ContactSpec, string | undefined]>([
    ['names in Western order', { givenName: 'Ada', familyName: 'Lovelace', organization: 'Works' }, 'Ada Lovelace'],
    ['the family first in Chinese', { givenName: '小明', familyName: '王' }, '王小明'],
    ['the family first in Korean', { givenName: '길동', familyName: '홍' }, '홍길동'],
    ['Western order where scripts mix', { givenName: 'Jackie', familyName: '陳' }, 'Jackie 陳'],
    ['the organisation of an organisation', { kind: 'organization', givenName: 'Ada', organization: 'Works' }, 'Works'],
    ['the organisation where there is no name', { organization: 'Works', namePrefix: 'Dr.' }, 'Works'],
    ['the nickname', { nickname: 'Lexi', emails: ['a@example.com'] }, 'Lexi'],
    ['what the database composed', { columns: { CompositeNameFallback: 'b' }, phones: ['1'] }, 'b'],
    ['the e-mail address before the number', { emails: ['a@example.com'], phones: ['1'] }, 'a@example.com'],
    ['the number', { phones: ['1'] }, '1'],
    ['nothing', { givenName: '', note: 'n' }, undefined],
  ])('is %s', async (_title, spec, displayName) => {
    expect((await readOne(spec)).displayName).toBe(displayName);
  });
});

test.each([
  ['property list', writeBinaryPlist],
  ['keyed archive', writeKeyedArchive],
])('a birthday of another calendar comes out of its %s', async (_form, write) => {
  const list = { calendarIdentifier: 'chinese', era: 78, year: 29, month: 4, isLeapMonth: true, day: 15 };
  const contact = await readOne({ columns: { AlternateBirthday: write(list) } });
  const { calendarIdentifier: calendar, ...rest } = list;
  expect(contact.alternateBirthday).toEqual({ calendar, ...rest });
});

test('cards that the device shows as one share a link, and the owner is known', async () => {
  const { records } = await read([
    { givenName: 'A', link: 3, store: 'Card' },
    { givenName: 'B', isMe: true },
    { givenName: 'A2', link: 3 },
  ]);
  const link = { id: 3, rowIds: [1, 3], preferredNameRowId: 1, preferredImageRowId: 1 };
  expect(records.map((contact) => contact.link)).toEqual([link, undefined, link]);
  expect(records.map((contact) => contact.isMe)).toEqual([false, true, false]);
});

test('stores and groups are resolved', async () => {
  const { records } = await read([{ store: 'iCloud', groups: ['Friends', 'Work'] }, { groups: ['Work'] }]);
  expect(records[0]?.store).toMatchObject({ name: 'iCloud', kind: 'carddav', rawType: 4, isEnabled: true });
  expect(records[0]?.store?.accountId).toMatch(/^[0-9A-F-]{36}$/);
  expect(records[1]?.store).toMatchObject({ name: 'Local', kind: 'local', accountId: undefined });
  expect(records.map((contact) => contact.groups.map((group) => group.name))).toEqual([['Friends', 'Work'], ['Work']]);
});

describe('images', () => {
  test('are read on demand, full or as a thumbnail, and one stands in for the other', async () => {
    await using backup = await backupOf([
      { fullImage: jpeg, thumbnail: png },
      { thumbnail: png },
      { nickname: 'none' },
    ]);
    const during: unknown[] = [];
    const records: Contact[] = [];
    for await (const contact of contacts(backup)) {
      records.push(contact);
      during.push(await contact.image());
    }
    const full = { size: 'full', mediaType: 'image/jpeg', data: jpeg, crop: { x: 0, y: 0, width: 320 } };
    const thumbnail = { size: 'thumbnail', mediaType: 'image/png', data: png, crop: undefined };
    expect(records.map((contact) => contact.hasImage)).toEqual([true, true, false]);
    expect(during).toEqual([full, thumbnail, undefined]);
    const after = await Promise.all(records.map((contact) => contact.image({ size: 'thumbnail' })));
    expect(after).toEqual([thumbnail, thumbnail, undefined]);
  });

  test('a byte before the image, as early releases have it, is taken off', async () => {
    await using backup = await backupOf([{ thumbnail: new Uint8Array([1, ...jpeg]) }]);
    for await (const contact of contacts(backup)) expect((await contact.image())?.data).toEqual(jpeg);
  });

  test('bare pixels are given as they are, without a type', async () => {
    await using backup = await backupOf([{ thumbnail: new Uint8Array(64) }]);
    for await (const contact of contacts(backup)) {
      expect(await contact.image()).toMatchObject({ mediaType: undefined, data: new Uint8Array(64) });
    }
  });

  test('an address book without its images database is read all the same', async () => {
    const contact = await readOne({ givenName: 'A', fullImage: jpeg }, { images: false });
    expect(contact.hasImage).toBe(false);
    await expect(contact.image()).resolves.toBeUndefined();
    await expect(contact.image({ signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
  });

  test('images of an aborted read reject with the reason', async () => {
    await using backup = await backupOf([{ fullImage: jpeg }]);
    for await (const contact of contacts(backup)) {
      await expect(contact.image({ signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
    }
  });
});

describe('schemas', () => {
  test.each([
    '6.1',
    '7.0',
    '8.4',
    '9.3',
    '10.3',
    '11.4',
    '12.5',
    '13.7',
    '14.3',
    '15.3',
    '16.1',
    '17.4',
    '18.0',
    '26.0',
  ])('iOS %s is read', async (ios) => {
    const contact = await readOne(
      {
        givenName: 'Ada',
        phones: [{ value: '1', label: '_$!<Home>!$_' }],
        addresses: [{ parts: { City: 'London' } }],
        birthday: '--12-10',
        groups: ['Friends'],
        isMe: true,
        fullImage: jpeg,
      },
      { ios },
    );
    expect(contact).toMatchObject({
      displayName: 'Ada',
      phones: [{ value: '1', label: 'home' }],
      addresses: [{ city: 'London' }],
      birthday: '--12-10',
      groups: [{ name: 'Friends' }],
      isMe: true,
      hasImage: true,
    });
    expect(contact.guid === undefined).toBe(ios.startsWith('6.'));
  });

  test('probe() names the releases and what the schema lacks', async () => {
    await using old = await backupOf([{}], { ios: '6.1' });
    await using recent = await backupOf([{}], { ios: '18.0' });
    expect(await contacts.probe(old)).toMatchObject({
      available: true,
      schema: 'contacts: iOS 7 or older',
      missingUnits: [
        'guids',
        'alternate-birthdays',
        'pronunciations',
        'phonetic-organizations',
        'previous-family-names',
      ],
    });
    expect(await contacts.probe(recent)).toMatchObject({
      available: true,
      schema: 'contacts: iOS 17 or newer',
      missingUnits: [],
      missing: [],
    });
  });

  test('tables and columns that are not there leave fields empty, without an issue', async () => {
    const drop = ['ABMultiValue', 'ABMultiValueLabel', 'ABMultiValueEntry', 'ABMultiValueEntryKey', 'ABStore'];
    drop.push('ABAccount', 'ABGroup', 'ABGroupMembers', 'ABPersonLink');
    const contact = await readOne(
      { givenName: 'Ada', phones: ['1'], groups: ['Friends'], isMe: true },
      { sql: [...drop.map((table) => `DROP TABLE ${table}`), 'ALTER TABLE ABPerson DROP COLUMN Kind'] },
    );
    expect(contact).toMatchObject({ givenName: 'Ada', kind: 'person', phones: [], groups: [], store: undefined });
    expect(contact.isMe).toBeUndefined();
  });

  test('a database without ABPerson is of an unknown schema', async () => {
    await using backup = await backupOf([], { sql: ['DROP TABLE ABPerson'] });
    await expect(contacts(backup).next()).rejects.toMatchObject({
      code: 'DATASET_SCHEMA_UNSUPPORTED',
      reason: 'schema-unknown',
    });
  });
});

test('an address book whose rows are all in the WAL is read', async () => {
  const { records, issues } = await read([{ givenName: 'Ada', thumbnail: png }], { wal: 'all' });
  expect(issues).toEqual([]);
  expect(records).toMatchObject([{ givenName: 'Ada', hasImage: true }]);
});

test('the full-text table, whose tokenizer only iOS has, is there and is not touched', async () => {
  await using backup = await backupOf([{ givenName: 'Ada' }]);
  await using db = await backup.openDatabase(addressBookRef);
  expect(await db.tables()).toContain('ABPersonFullTextSearch');
  const touch = async (): Promise<void> => {
    for await (const row of db.query('SELECT * FROM ABPersonFullTextSearch')) expect(row).toBeUndefined();
  };
  await expect(touch()).rejects.toMatchObject({ code: 'DATABASE_QUERY_FAILED' });
  await expect(contacts(backup).next()).resolves.toMatchObject({ value: { givenName: 'Ada' } });
});

test('an empty address book gives nothing', async () => {
  expect(await read([])).toEqual({ records: [], issues: [] });
});

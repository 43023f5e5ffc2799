import type { SqliteRow } from '../../sqlite/driver.js';
import { defineDataset } from '../define-dataset.js';
import type { DatasetContext } from '../shared/session.js';
import { cocoaDateOf } from '../shared/times.js';
import { filledTextOf, integerOf } from '../shared/values.js';
import type { DatasetOptions } from '../types.js';
import { decodeAlternateBirthday } from './alternate-birthday.js';
import { calendarDateOf } from './calendar-date.js';
import { ContactImages } from './images.js';
import { readGroups, readLinks, readStores, readTexts, type Stores } from './lookups.js';
import { multiValueRows, toContactValues, type MultiValueRow, type ValueTexts } from './multi-values.js';
import { displayNameOf } from './names.js';
import { noRows, OwnedRows } from './owned-rows.js';
import { addressBookRef, imagesRef, openAddressBook, type AddressBook } from './schema.js';
import type { Contact, ContactGroupRef, ContactImageOptions, ContactLink } from './types.js';

const personColumns = [
  'ROWID',
  'guid',
  'Kind',
  'Prefix',
  'First',
  'Middle',
  'Last',
  'PreviousFamilyName',
  'Suffix',
  'Nickname',
  'FirstPhonetic',
  'MiddlePhonetic',
  'LastPhonetic',
  'FirstPronunciation',
  'MiddlePronunciation',
  'LastPronunciation',
  'Organization',
  'OrganizationPhonetic',
  'Department',
  'JobTitle',
  'DisplayName',
  'CompositeNameFallback',
  'Birthday',
  'AlternateBirthday',
  'Note',
  'StoreID',
  'PersonLink',
  'CreationDate',
  'ModificationDate',
];

/** Number of an organisation in `ABPerson.Kind`. @source Apple, AddressBook/ABPerson.h: kABPersonKindOrganization */
const organizationKind = 1;

/** What all contacts refer to. */
interface Lookups extends ValueTexts {
  readonly stores: Stores;
  readonly groups: ReadonlyMap<number, ContactGroupRef>;
  readonly links: ReadonlyMap<number, ContactLink>;
  readonly images: ContactImages | undefined;
}

/** The rows of other tables that belong to one contact. */
interface OwnRows {
  readonly values: readonly MultiValueRow[];
  readonly memberships: readonly SqliteRow[];
  readonly images: readonly SqliteRow[];
}

/**
 * The contacts of the address book, ordered by ROWID: one record for each card of each account. Cards that the device shows
 * as one contact share a {@link Contact.link}. Values are in the order in which they were added.
 *
 * @example
 * for await (const contact of contacts(backup)) console.log(contact.displayName, contact.phones[0]?.value);
 */
export const contacts = defineDataset<Contact, DatasetOptions, AddressBook>({
  id: 'contacts',
  sources: [addressBookRef, imagesRef],
  open: openAddressBook,
  read: readContacts,
});

async function* readContacts(context: DatasetContext, book: AddressBook): AsyncGenerator<Contact, void, undefined> {
  const images = await ContactImages.open(context);
  const lookups: Lookups = {
    labels: await readTexts(book, 'ABMultiValueLabel', context),
    keys: await readTexts(book, 'ABMultiValueEntryKey', context),
    stores: await readStores(book, context),
    groups: await readGroups(book, context),
    links: await readLinks(book, context),
    images,
  };
  const { db, tables } = book;
  const values = new OwnedRows(
    tables.has('ABMultiValue', 'record_id') ? multiValueRows(book, context) : noRows(),
    'record_id',
    (row) => {
      context.issue({
        kind: 'owner-dangling',
        table: 'ABMultiValue',
        rowId: Number(row.uid),
        field: 'record_id',
        message: 'The value belongs to a contact that does not exist',
      });
    },
  );
  const memberships = new OwnedRows(membershipRows(book, context), 'member_id');
  const imageRows = new OwnedRows(images?.rows(context) ?? noRows(), 'record_id');
  try {
    const sql = `SELECT ${tables.select('ABPerson', 'p', personColumns)} FROM ABPerson p ORDER BY p.ROWID`;
    for await (const row of db.query(sql, [], context)) {
      const rowId = Number(row['ROWID']);
      const own = {
        values: await values.of(rowId),
        memberships: await memberships.of(rowId),
        images: await imageRows.of(rowId),
      };
      yield toContact(row, own, lookups, context);
    }
    await values.drain();
  } finally {
    images?.detach();
    await values.close();
    await memberships.close();
    await imageRows.close();
  }
}

function membershipRows({ db, tables }: AddressBook, context: DatasetContext): AsyncIterable<SqliteRow> {
  if (!tables.has('ABGroupMembers', 'member_id') || !tables.has('ABGroupMembers', 'group_id')) return noRows();
  const people = tables.has('ABGroupMembers', 'member_type') ? 'WHERE coalesce(member_type, 0) = 0' : '';
  return db.query(`SELECT member_id, group_id FROM ABGroupMembers ${people} ORDER BY member_id, group_id`, [], context);
}

function toContact(row: SqliteRow, own: OwnRows, lookups: Lookups, context: DatasetContext): Contact {
  const rowId = Number(row['ROWID']);
  const text = (column: string): string | undefined => textColumn(row, column, context);
  const contact = {
    guid: text('guid'),
    kind: integerOf(row['Kind']) === organizationKind ? ('organization' as const) : ('person' as const),
    isMe: lookups.stores.me?.has(rowId),
    namePrefix: text('Prefix'),
    givenName: text('First'),
    middleName: text('Middle'),
    familyName: text('Last'),
    previousFamilyName: text('PreviousFamilyName'),
    nameSuffix: text('Suffix'),
    nickname: text('Nickname'),
    phoneticGivenName: text('FirstPhonetic'),
    phoneticMiddleName: text('MiddlePhonetic'),
    phoneticFamilyName: text('LastPhonetic'),
    pronunciationGivenName: text('FirstPronunciation'),
    pronunciationMiddleName: text('MiddlePronunciation'),
    pronunciationFamilyName: text('LastPronunciation'),
    organization: text('Organization'),
    phoneticOrganization: text('OrganizationPhonetic'),
    department: text('Department'),
    jobTitle: text('JobTitle'),
    ...toContactValues(own.values, lookups, context),
    birthday: birthdayOf(row, context),
    alternateBirthday: decodeAlternateBirthday(row, context),
    note: text('Note'),
    hasImage: own.images.length > 0,
    store: storeOf(row, lookups.stores, context),
    groups: groupsOf(rowId, own.memberships, lookups.groups, context),
    link: lookups.links.get(integerOf(row['PersonLink']) ?? -1),
    created: cocoaDateOf(row['CreationDate']),
    modified: cocoaDateOf(row['ModificationDate']),
    image: async (options?: ContactImageOptions) => {
      options?.signal?.throwIfAborted();
      return own.images.length > 0 ? await lookups.images?.read(rowId, options) : undefined;
    },
  };
  return {
    rowId,
    displayName: displayNameOf(contact, [text('DisplayName'), text('CompositeNameFallback')]),
    ...contact,
  };
}

function textColumn(row: SqliteRow, column: string, context: DatasetContext): string | undefined {
  const stored = row[column];
  const text = filledTextOf(stored);
  if (text === undefined && stored !== undefined && stored !== null && stored !== '') {
    context.issue({
      kind: 'text-undecoded',
      table: 'ABPerson',
      rowId: Number(row['ROWID']),
      field: column,
      message: `${column} is binary data and not text`,
    });
  }
  return text;
}

function birthdayOf(row: SqliteRow, context: DatasetContext): string | undefined {
  const stored = row['Birthday'];
  if (stored === null || stored === undefined || stored === '') return undefined;
  const birthday = calendarDateOf(stored);
  if (birthday === undefined) {
    context.issue({
      kind: 'birthday-undecoded',
      table: 'ABPerson',
      rowId: Number(row['ROWID']),
      field: 'Birthday',
      message: 'The birthday is neither a number of seconds nor an ISO date',
    });
  }
  return birthday;
}

function storeOf(row: SqliteRow, stores: Stores, context: DatasetContext): Contact['store'] {
  const id = integerOf(row['StoreID']);
  if (id === undefined || id < 0) return undefined;
  const store = stores.byId.get(id);
  if (store === undefined && stores.byId.size > 0) {
    context.issue({
      kind: 'store-dangling',
      table: 'ABPerson',
      rowId: Number(row['ROWID']),
      field: 'StoreID',
      message: `The contact refers to store ${id}, which does not exist`,
    });
  }
  return store;
}

function groupsOf(
  rowId: number,
  memberships: readonly SqliteRow[],
  groups: ReadonlyMap<number, ContactGroupRef>,
  context: DatasetContext,
): ContactGroupRef[] {
  const own: ContactGroupRef[] = [];
  for (const { group_id: id } of memberships) {
    const group = groups.get(integerOf(id ?? null) ?? -1);
    if (group !== undefined) own.push(group);
    else {
      context.issue({
        kind: 'group-dangling',
        table: 'ABGroupMembers',
        rowId,
        field: 'group_id',
        message: 'The contact is a member of a group that does not exist',
      });
    }
  }
  return own;
}

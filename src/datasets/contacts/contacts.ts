import { isBackupKitError } from '../../core/errors.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import { defineDataset } from '../define-dataset.js';
import { salvageRowIds } from '../shared/salvage-rows.js';
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
import { noRows, OwnedRows, reportDamage, type OwnedRowsSource } from './owned-rows.js';
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
  const values = new OwnedRows(multiValueSource(book, context), context);
  const memberships = new OwnedRows(membershipSource(book, context), context);
  const imageRows = new OwnedRows(imageSource(images, context), context);
  try {
    for await (const row of personRows(book, context)) {
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

/** All cards by ROWID; where the table is damaged, those that can still be read. */
async function* personRows(
  { db, tables }: AddressBook,
  context: DatasetContext,
): AsyncGenerator<SqliteRow, void, undefined> {
  const select = `SELECT ${tables.select('ABPerson', 'p', personColumns)} FROM ABPerson p`;
  let last = -Infinity;
  try {
    for await (const row of db.query(`${select} ORDER BY p.ROWID`, [], context)) {
      last = Number(row['ROWID']);
      yield row;
    }
    return;
  } catch (cause) {
    if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    reportDamage('ABPerson', cause, context);
  }
  for await (const rowId of salvageRowIds(db, 'ABPerson', context)) {
    if (rowId <= last) continue;
    try {
      yield* db.query(`${select} WHERE p.ROWID = ?`, [rowId], context);
    } catch (cause) {
      if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
      context.issue({
        kind: 'row-damaged',
        table: 'ABPerson',
        rowId,
        message: 'The contact is on a damaged page',
        cause,
      });
    }
  }
}

function multiValueSource(book: AddressBook, context: DatasetContext): OwnedRowsSource<MultiValueRow> {
  const exists = book.tables.has('ABMultiValue', 'record_id');
  return {
    table: 'ABMultiValue',
    ownerColumn: 'record_id',
    all: () => (exists ? multiValueRows(book, context) : noRows()),
    one: (owner) => multiValueRows(book, context, owner),
    onOrphan(row) {
      context.issue({
        kind: 'owner-dangling',
        table: 'ABMultiValue',
        rowId: Number(row.uid),
        field: 'record_id',
        message: 'The value belongs to a contact that does not exist',
      });
    },
  };
}

function membershipSource({ db, tables }: AddressBook, context: DatasetContext): OwnedRowsSource<SqliteRow> {
  const exists = tables.has('ABGroupMembers', 'member_id') && tables.has('ABGroupMembers', 'group_id');
  const isCard = tables.has('ABGroupMembers', 'member_type') ? 'coalesce(member_type, 0) = 0' : '1';
  const select = `SELECT member_id, group_id FROM ABGroupMembers WHERE ${isCard}`;
  return {
    table: 'ABGroupMembers',
    ownerColumn: 'member_id',
    all: () => (exists ? db.query(`${select} ORDER BY member_id, group_id`, [], context) : noRows()),
    one: (owner) => db.query(`${select} AND member_id = ? ORDER BY group_id`, [owner], context),
  };
}

function imageSource(images: ContactImages | undefined, context: DatasetContext): OwnedRowsSource<SqliteRow> {
  return {
    table: imagesRef.relativePath,
    ownerColumn: 'record_id',
    all: () => images?.rows(context) ?? noRows(),
    one: (owner) => images?.rows(context, owner) ?? noRows(),
  };
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
  };
  const image: Contact['image'] = async (options?: ContactImageOptions) => {
    options?.signal?.throwIfAborted();
    return own.images.length > 0 ? await lookups.images?.read(rowId, options) : undefined;
  };
  const displayName = displayNameOf(contact, [text('DisplayName'), text('CompositeNameFallback')]);
  // Not enumerable, so that records are plain data: they can be compared, cloned and sent to a worker.
  return Object.defineProperty({ rowId, displayName, ...contact, image }, 'image', { enumerable: false });
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

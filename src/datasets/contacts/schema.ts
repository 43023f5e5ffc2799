import type { FileRef } from '../../manifest/types.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import { readSchema, type Schema, type SchemaUnit } from '../shared/schema.js';
import type { DatasetContext } from '../shared/session.js';

/** The address book. */
export const addressBookRef: FileRef = {
  domain: 'HomeDomain',
  relativePath: 'Library/AddressBook/AddressBook.sqlitedb',
};

/** The images of its contacts. */
export const imagesRef: FileRef = {
  domain: 'HomeDomain',
  relativePath: 'Library/AddressBook/AddressBookImages.sqlitedb',
};

/** The tables that are read. No other one is touched: the full-text tables need a tokenizer that only iOS has. */
const tables = [
  'ABPerson',
  'ABMultiValue',
  'ABMultiValueLabel',
  'ABMultiValueEntry',
  'ABMultiValueEntryKey',
  'ABStore',
  'ABAccount',
  'ABGroup',
  'ABGroupMembers',
  'ABPersonLink',
];

const units: readonly SchemaUnit[] = [
  { name: 'stores', table: 'ABStore', columns: [] },
  { name: 'accounts', table: 'ABAccount', columns: [] },
  { name: 'groups', table: 'ABGroupMembers', columns: ['group_id', 'member_id'] },
  { name: 'composite-values', table: 'ABMultiValueEntry', columns: ['parent_id', 'key', 'value'] },
  { name: 'linked-contacts', table: 'ABPerson', columns: ['PersonLink'] },
  { name: 'guids', table: 'ABPerson', columns: ['guid'] },
  { name: 'alternate-birthdays', table: 'ABPerson', columns: ['AlternateBirthday'] },
  { name: 'pronunciations', table: 'ABPerson', columns: ['FirstPronunciation'] },
  { name: 'phonetic-organizations', table: 'ABPerson', columns: ['OrganizationPhonetic'] },
  { name: 'previous-family-names', table: 'ABPerson', columns: ['PreviousFamilyName'] },
];

/** The newest column that is there tells the releases. FORMAT facts: docs/datasets/contacts.md. */
const generations: readonly (readonly [column: string, releases: string])[] = [
  ['Wallpaper', 'iOS 17 or newer'],
  ['ImageType', 'iOS 15 or 16'],
  ['OrganizationPhonetic', 'iOS 10 to 14'],
  ['AlternateBirthday', 'iOS 8 or 9'],
];

/** The opened address book. */
export interface AddressBook {
  readonly db: SqliteDatabase;
  readonly tables: Schema;
  readonly schema: string;
  readonly missingUnits: readonly string[];
}

/** Opens the address book and reads its schema. */
export async function openAddressBook(context: DatasetContext): Promise<AddressBook> {
  const db = await context.openDatabase(addressBookRef);
  const schema = await readSchema(db, tables, context);
  if (!schema.has('ABPerson')) {
    throw context.absent(
      'schema-unknown',
      `${addressBookRef.relativePath} has no table ABPerson; report its iOS version`,
    );
  }
  const releases = generations.find(([column]) => schema.has('ABPerson', column))?.[1] ?? 'iOS 7 or older';
  return { db, tables: schema, schema: `contacts: ${releases}`, missingUnits: schema.missing(units) };
}

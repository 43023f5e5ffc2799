import type { SqliteRow } from '../../sqlite/driver.js';
import { defineDataset } from '../define-dataset.js';
import type { DatasetContext } from '../shared/session.js';
import { filledTextOf, integerOf } from '../shared/values.js';
import type { DatasetOptions } from '../types.js';
import { readStores } from './lookups.js';
import { noRows, OwnedRows, soundRows, type OwnedRowsSource } from './owned-rows.js';
import { addressBookRef, openAddressBook, type AddressBook } from './schema.js';
import type { ContactGroup } from './types.js';

/** Number of a group in `ABGroupMembers.member_type`; people have 0. */
const groupMember = 1;

/** The groups of the address book, ordered by ROWID, empty ones too. */
export const contactGroups = defineDataset<ContactGroup, DatasetOptions, AddressBook>({
  id: 'contactGroups',
  sources: [addressBookRef],
  open: openAddressBook,
  read: readContactGroups,
});

async function* readContactGroups(
  context: DatasetContext,
  book: AddressBook,
): AsyncGenerator<ContactGroup, void, undefined> {
  const { db, tables } = book;
  if (!tables.has('ABGroup')) return;
  const stores = await readStores(book, context);
  const members = new OwnedRows(memberSource(book, context), context);
  try {
    const columns = tables.select('ABGroup', 'g', ['ROWID', 'Name', 'guid', 'StoreID']);
    const rows = db.query(`SELECT ${columns} FROM ABGroup g ORDER BY g.ROWID`, [], context);
    for await (const row of soundRows(rows, 'ABGroup', context)) {
      const rowId = Number(row['ROWID']);
      const own = await members.of(rowId);
      yield {
        rowId,
        name: filledTextOf(row['Name']),
        guid: filledTextOf(row['guid']),
        store: stores.byId.get(integerOf(row['StoreID']) ?? -1),
        contactRowIds: memberIds(own, false),
        groupRowIds: memberIds(own, true),
      };
    }
    await members.drain();
  } finally {
    await members.close();
  }
}

function memberSource({ db, tables }: AddressBook, context: DatasetContext): OwnedRowsSource<SqliteRow> {
  const exists = tables.has('ABGroupMembers', 'group_id') && tables.has('ABGroupMembers', 'member_id');
  const columns = tables.select('ABGroupMembers', 'm', ['group_id', 'member_type', 'member_id']);
  const select = `SELECT m.ROWID AS uid, ${columns} FROM ABGroupMembers m`;
  return {
    table: 'ABGroupMembers',
    ownerColumn: 'group_id',
    all: () => (exists ? db.query(`${select} ORDER BY m.group_id, m.member_id`, [], context) : noRows()),
    one: (owner) => db.query(`${select} WHERE m.group_id = ? ORDER BY m.member_id`, [owner], context),
    onOrphan(row) {
      context.issue({
        kind: 'group-dangling',
        table: 'ABGroupMembers',
        rowId: integerOf(row['uid']),
        field: 'group_id',
        message: 'The member belongs to a group that does not exist',
      });
    },
  };
}

function memberIds(rows: readonly SqliteRow[], groups: boolean): number[] {
  return rows
    .filter((row) => (integerOf(row['member_type']) === groupMember) === groups)
    .map((row) => integerOf(row['member_id']))
    .filter((id): id is number => id !== undefined);
}

import type { DatasetContext } from '../shared/session.js';
import { filledTextOf, flagOf, integerOf, textOf } from '../shared/values.js';
import { soundRows } from './owned-rows.js';
import type { AddressBook } from './schema.js';
import type { ContactGroupRef, ContactLink, ContactStore } from './types.js';

/** Kinds of `ABStore.Type` without the bit for "can be searched". @source Apple, AddressBook/ABSource.h */
const storeKinds: Readonly<Record<number, ContactStore['kind']>> = {
  0: 'local',
  1: 'exchange',
  2: 'mobile-me',
  3: 'ldap',
  4: 'carddav',
};
const searchableStore = 0x01000000;

/** More cards than one person has accounts: such a link is damage, and giving it with each card would be quadratic. */
const maxLinkedCards = 1000;

/**
 * The small tables, by ROWID. `ABMultiValueLabel` and `ABMultiValueEntryKey` have one declared column; what refers to them
 * is the implicit ROWID, which has gaps.
 */
export async function readTexts(
  { db, tables }: AddressBook,
  table: 'ABMultiValueLabel' | 'ABMultiValueEntryKey',
  context: DatasetContext,
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>();
  if (!tables.has(table, 'value')) return texts;
  const rows = db.query(`SELECT ROWID AS id, value FROM ${table}`, [], context);
  for await (const row of soundRows(rows, table, context)) {
    const text = textOf(row['value']);
    if (text !== undefined) texts.set(Number(row['id']), text);
  }
  return texts;
}

/** Stores by ROWID, and the owner's cards. */
export interface Stores {
  readonly byId: ReadonlyMap<number, ContactStore>;
  /** ROWIDs of the owner's cards. `undefined` where the schema does not tell. */
  readonly me: ReadonlySet<number> | undefined;
}

/** Reads `ABStore` and `ABAccount`. */
export async function readStores({ db, tables }: AddressBook, context: DatasetContext): Promise<Stores> {
  const byId = new Map<number, ContactStore>();
  const me = new Set<number>();
  if (!tables.has('ABStore')) return { byId, me: undefined };
  const accounts = new Map<number, string | undefined>();
  if (tables.has('ABAccount')) {
    const columns = tables.select('ABAccount', 'a', ['ROWID', 'AccountIdentifier']);
    const rows = db.query(`SELECT ${columns} FROM ABAccount a`, [], context);
    for await (const row of soundRows(rows, 'ABAccount', context)) {
      accounts.set(Number(row['ROWID']), filledTextOf(row['AccountIdentifier']));
    }
  }
  const columns = tables.select('ABStore', 's', ['ROWID', 'Name', 'Type', 'AccountID', 'Enabled', 'MeIdentifier']);
  const rows = db.query(`SELECT ${columns} FROM ABStore s`, [], context);
  for await (const row of soundRows(rows, 'ABStore', context)) {
    const rowId = Number(row['ROWID']);
    const rawType = integerOf(row['Type']);
    byId.set(rowId, {
      rowId,
      name: filledTextOf(row['Name']),
      kind: rawType === undefined ? undefined : storeKinds[rawType & ~searchableStore],
      rawType,
      accountId: accounts.get(integerOf(row['AccountID']) ?? -1),
      isEnabled: row['Enabled'] === null ? undefined : flagOf(row['Enabled']),
    });
    const owner = integerOf(row['MeIdentifier']) ?? -1;
    if (owner > 0) me.add(owner);
  }
  return { byId, me: tables.has('ABStore', 'MeIdentifier') ? me : undefined };
}

/** Groups by ROWID. */
export async function readGroups(
  { db, tables }: AddressBook,
  context: DatasetContext,
): Promise<ReadonlyMap<number, ContactGroupRef>> {
  const groups = new Map<number, ContactGroupRef>();
  if (!tables.has('ABGroup')) return groups;
  const columns = tables.select('ABGroup', 'g', ['ROWID', 'Name']);
  const rows = db.query(`SELECT ${columns} FROM ABGroup g`, [], context);
  for await (const row of soundRows(rows, 'ABGroup', context)) {
    const rowId = Number(row['ROWID']);
    groups.set(rowId, { rowId, name: filledTextOf(row['Name']) });
  }
  return groups;
}

/** Unified contacts by their number; cards with −1 or 0 stand alone. */
export async function readLinks(
  { db, tables }: AddressBook,
  context: DatasetContext,
): Promise<ReadonlyMap<number, ContactLink>> {
  const links = new Map<number, ContactLink>();
  if (!tables.has('ABPerson', 'PersonLink')) return links;
  const rowIdsOf = new Map<number, number[]>();
  const cards = 'SELECT PersonLink, ROWID AS id FROM ABPerson WHERE PersonLink > 0 ORDER BY ROWID';
  for await (const row of soundRows(db.query(cards, [], context), 'ABPerson', context)) {
    const id = integerOf(row['PersonLink']);
    if (id === undefined) continue;
    const rowIds = rowIdsOf.get(id);
    if (rowIds === undefined) rowIdsOf.set(id, [Number(row['id'])]);
    else rowIds.push(Number(row['id']));
  }
  const preferred = new Map<number, Pick<ContactLink, 'preferredNameRowId' | 'preferredImageRowId'>>();
  if (tables.has('ABPersonLink')) {
    const columns = tables.select('ABPersonLink', 'l', ['ROWID', 'PreferredNamePersonID', 'PreferredImagePersonID']);
    const rows = db.query(`SELECT ${columns} FROM ABPersonLink l`, [], context);
    for await (const row of soundRows(rows, 'ABPersonLink', context)) {
      preferred.set(Number(row['ROWID']), {
        preferredNameRowId: positive(integerOf(row['PreferredNamePersonID'])),
        preferredImageRowId: positive(integerOf(row['PreferredImagePersonID'])),
      });
    }
  }
  for (const [id, rowIds] of rowIdsOf) {
    if (rowIds.length > maxLinkedCards) {
      context.issue({
        kind: 'link-implausible',
        table: 'ABPerson',
        field: 'PersonLink',
        message: `${rowIds.length} cards claim to be one contact; they are given as separate ones`,
      });
      continue;
    }
    const { preferredNameRowId, preferredImageRowId } = preferred.get(id) ?? {};
    links.set(id, { id, rowIds, preferredNameRowId, preferredImageRowId });
  }
  return links;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

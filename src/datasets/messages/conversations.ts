import type { AbortOptions } from '../../core/abort.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import { addressKeys } from '../shared/address.js';
import { filledTextOf, integerOf } from '../shared/values.js';
import type { MessagesStore } from './store.js';
import type { Party } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Conversations".

/**
 * For each chat a key that is equal for the chats of one conversation: direct chats with the same person whatever the service,
 * and groups with the same id, else the same people. Keys are stable as long as the participants are the same.
 */
export async function conversationKeys(
  options: AbortOptions,
  { db, tables }: MessagesStore,
  participants: ReadonlyMap<number, readonly Party[]>,
): Promise<ReadonlyMap<number, string>> {
  const columns = ['ROWID', 'style', 'chat_identifier', 'group_id', 'original_group_id', 'room_name'];
  const parties = [...participants.values()].flat();
  const keyOf = addressKeys(parties.map(({ address }) => address));
  const persons = personKeys(parties, keyOf);
  const keys = new Map<number, string>();
  for await (const row of db.query(`SELECT ${tables.select('chat', 'c', columns)} FROM chat c`, [], options)) {
    const rowId = integerOf(row['ROWID']) ?? 0;
    const members = (participants.get(rowId) ?? []).map((party) => persons.get(party.handleId) ?? party.address);
    keys.set(rowId, integerOf(row['style']) === 43 ? groupKey(row, members) : directKey(row, members, keyOf));
  }
  return keys;
}

function directKey(row: SqliteRow, members: readonly string[], keyOf: (address: string) => string): string {
  const identifier = filledTextOf(row['chat_identifier']);
  const person = members[0] ?? (identifier === undefined ? `chat ${integerOf(row['ROWID'])}` : keyOf(identifier));
  return `direct:${person}`;
}

/** Groups of the same people with different ids are different conversations; MMS groups have no id. */
function groupKey(row: SqliteRow, members: readonly string[]): string {
  const groupId = filledTextOf(row['original_group_id']) ?? filledTextOf(row['group_id']);
  if (groupId !== undefined) return `group:${groupId.toLowerCase()}`;
  const room = filledTextOf(row['room_name']) ?? filledTextOf(row['chat_identifier']);
  if (members.length === 0) return `group:${room ?? `chat ${integerOf(row['ROWID'])}`}`;
  return `group:${[...new Set(members)].sort().join(' ')}`;
}

/**
 * One key for each handle, equal for those of one person: they share an address, or the device gave them the same person id.
 */
function personKeys(parties: readonly Party[], keyOf: (address: string) => string): ReadonlyMap<number, string> {
  const byPerson = new Map<string, string>();
  const keys = new Map<number, string>();
  for (const party of parties.toSorted((a, b) => a.handleId - b.handleId)) {
    const address = keyOf(party.address);
    // The first address that is met stands for the person, so that keys are addresses and the same in the next backup.
    const key = party.personId === undefined ? address : (byPerson.get(party.personId) ?? address);
    if (party.personId !== undefined) byPerson.set(party.personId, key);
    keys.set(party.handleId, key);
  }
  return keys;
}

import { isBackupKitError } from '../../core/errors.js';
import { asDict, asString } from '../../plist/guards.js';
import { parsePlist } from '../../plist/parse.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import { defineDataset } from '../define-dataset.js';
import type { DatasetContext } from '../shared/session.js';
import { cocoaDateOf } from '../shared/times.js';
import { bytesOf, filledTextOf, flagOf, integerOf, textOf } from '../shared/values.js';
import type { Dataset, DatasetOptions } from '../types.js';
import { conversationKeys } from './conversations.js';
import { handleColumns, partyOf } from './handles.js';
import { serviceOf } from './service.js';
import { openMessages, smsDatabase, type MessagesStore } from './store.js';
import type { Chat, Party } from './types.js';

const chatColumns = [
  'ROWID',
  'guid',
  'style',
  'chat_identifier',
  'service_name',
  'display_name',
  'room_name',
  'group_id',
  'original_group_id',
  'account_login',
  'last_addressed_handle',
  'is_archived',
  'is_filtered',
  'last_read_message_timestamp',
  'properties',
] as const;

/** `chat.style` of groups; 45 is a chat with one person. */
const groupStyle = 43;

/**
 * The chats of Messages, by ROWID. What people see as one conversation is often several chats, one for each service or
 * address: those have the same `conversationId`, and their ROWIDs together are what to ask `messages` for.
 *
 * Kinds of issues: `chat-properties-undecoded`, `handle-missing`, `table-damaged`.
 *
 * @example
 * for await (const chat of chats(backup)) {
 *   console.log(chat.displayName ?? chat.participants.map(({ address }) => address).join(', '));
 * }
 */
export const chats: Dataset<Chat> = defineDataset<Chat, DatasetOptions, MessagesStore>({
  id: 'chats',
  sources: [smsDatabase],
  open: openMessages,
  read: readChats,
});

async function* readChats(context: DatasetContext, store: MessagesStore): AsyncGenerator<Chat, void, undefined> {
  if (!store.tables.has('chat')) return;
  const participants = await readParticipants(context, store);
  const keys = await conversationKeys(context, store, participants);
  const columns = store.tables.select('chat', 'c', chatColumns);
  for await (const row of store.db.query(`SELECT ${columns} FROM chat c ORDER BY c.ROWID`, [], context)) {
    const rowId = integerOf(row['ROWID']) ?? 0;
    const members = participants.get(rowId) ?? [];
    yield chatOf(row, { participants: members, conversationId: keys.get(rowId) ?? `chat ${rowId}` }, context);
  }
}

function chatOf(
  row: SqliteRow,
  found: { participants: readonly Party[]; conversationId: string },
  context: DatasetContext,
): Chat {
  const rowId = integerOf(row['ROWID']) ?? 0;
  const style = integerOf(row['style']);
  return {
    rowId,
    guid: textOf(row['guid']) ?? '',
    conversationId: found.conversationId,
    identifier: filledTextOf(row['chat_identifier']),
    kind: style === groupStyle ? 'group' : 'direct',
    style,
    displayName: filledTextOf(row['display_name']),
    roomName: filledTextOf(row['room_name']),
    groupId: filledTextOf(row['group_id']),
    originalGroupId: filledTextOf(row['original_group_id']),
    service: serviceOf(filledTextOf(row['service_name'])),
    participants: found.participants,
    ownerAddress: filledTextOf(
      (filledTextOf(row['last_addressed_handle']) ?? filledTextOf(row['account_login']))?.replace(/^[PE]:/i, ''),
    ),
    groupPhotoGuid: groupPhotoGuid(row, context),
    isArchived: flagOf(row['is_archived']),
    isFiltered: flagOf(row['is_filtered']),
    lastRead: cocoaDateOf(row['last_read_message_timestamp']),
  };
}

function groupPhotoGuid(row: SqliteRow, context: DatasetContext): string | undefined {
  const bytes = bytesOf(row['properties']);
  if (bytes === undefined) return undefined;
  try {
    return asString(asDict(parsePlist(bytes))?.get('groupPhotoGuid'));
  } catch (cause) {
    const rowId = integerOf(row['ROWID']);
    const message = `The properties of chat ${rowId} are no property list`;
    context.issue({ kind: 'chat-properties-undecoded', table: 'chat', rowId, field: 'properties', message, cause });
    return undefined;
  }
}

/** The participants of every chat, but for the owner. */
async function readParticipants(
  context: DatasetContext,
  { db, tables }: MessagesStore,
): Promise<ReadonlyMap<number, readonly Party[]>> {
  const participants = new Map<number, Party[]>();
  if (!tables.has('chat_handle_join') || !tables.has('handle')) return participants;
  const sql = `SELECT j.chat_id AS chat_id, j.handle_id AS handle_id, ${tables.select('handle', 'h', handleColumns)}
    FROM chat_handle_join j LEFT JOIN handle h ON h.ROWID = j.handle_id ORDER BY j.chat_id, j.handle_id`;
  try {
    for await (const row of db.query(sql, [], context)) {
      const chatId = integerOf(row['chat_id']) ?? 0;
      if (row['ROWID'] === null) {
        const message = `Chat ${chatId} has handle ${textOf(row['handle_id'])} as a participant, which does not exist`;
        context.issue({
          kind: 'handle-missing',
          table: 'chat_handle_join',
          rowId: chatId,
          field: 'handle_id',
          message,
        });
        continue;
      }
      const list = participants.get(chatId);
      if (list === undefined) participants.set(chatId, [partyOf(row)]);
      else list.push(partyOf(row));
    }
  } catch (cause) {
    if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    const message = 'A part of table chat_handle_join or handle is damaged; participants are missing';
    context.issue({ kind: 'table-damaged', table: 'chat_handle_join', message, cause });
  }
  return participants;
}

import { cocoaNanosecondsFromDate } from '../../core/apple-time.js';
import type { AbortOptions } from '../../core/abort.js';
import type { SqliteValue } from '../../sqlite/driver.js';
import { integerOf } from '../shared/values.js';
import { nanosecondsSql } from './sql.js';
import type { MessagesStore } from './store.js';
import type { Message } from './types.js';

/** A message to come. */
export interface MessageKey {
  readonly rowId: number;
  /** `undefined` where the row was recovered by itself, so that its chats are still to be found. */
  readonly chatIds: readonly number[] | undefined;
}

/** Which messages, checked. */
export interface MessageFilter {
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly chatIds: readonly number[] | undefined;
  readonly newestFirst: boolean;
}

/** What is asked for. @throws TypeError or RangeError for options that are not as they are typed */
export function checkFilter(options: {
  since?: Date | undefined;
  until?: Date | undefined;
  chatId?: number | readonly number[] | undefined;
  order?: 'oldest-first' | 'newest-first' | undefined;
  reactions?: 'fold' | 'separate' | undefined;
}): MessageFilter {
  const { since, until, chatId, order, reactions } = options;
  for (const [name, date] of Object.entries({ since, until })) {
    if (date !== undefined && !(date instanceof Date && Number.isFinite(date.getTime()))) {
      throw new TypeError(`${name} must be a valid Date`);
    }
  }
  const chatIds = chatId === undefined ? undefined : [chatId].flat();
  if (chatIds?.some((id) => !Number.isSafeInteger(id)) === true) {
    throw new RangeError('chatId must be a ROWID of a chat, or an array of them');
  }
  if (order !== undefined && order !== 'oldest-first' && order !== 'newest-first') {
    throw new RangeError("order must be 'oldest-first' or 'newest-first'");
  }
  if (reactions !== undefined && reactions !== 'fold' && reactions !== 'separate') {
    throw new RangeError("reactions must be 'fold' or 'separate'");
  }
  return { since, until, chatIds, newestFirst: order === 'newest-first' };
}

/** Whether a message that the database did not filter is asked for. */
export function passes(message: Message, { since, until, chatIds }: MessageFilter): boolean {
  if (since !== undefined && (message.date === undefined || message.date < since)) return false;
  if (until !== undefined && (message.date === undefined || message.date >= until)) return false;
  if (chatIds === undefined) return true;
  return [...message.chatIds, ...(message.deletion?.chatIds ?? [])].some((id) => chatIds.includes(id));
}

/**
 * The messages in order with the chats that they are in. Only numbers are sorted, so that it takes some 30 bytes for each
 * message, whatever is in it.
 */
export async function* orderedKeys(
  store: MessagesStore,
  filter: MessageFilter,
  options: AbortOptions,
): AsyncGenerator<MessageKey, void, undefined> {
  const { sql, params } = keysQuery(store, filter);
  let current: { rowId: number; chatIds: number[] } | undefined;
  for await (const rows of store.db.queryBatches(sql, params, options)) {
    for (const [id, chat] of rows) {
      const rowId = integerOf(id) ?? 0;
      const chatId = integerOf(chat);
      if (current?.rowId !== rowId) {
        if (current !== undefined) yield current;
        current = { rowId, chatIds: [] };
      }
      if (chatId !== undefined) current.chatIds.push(chatId);
    }
  }
  if (current !== undefined) yield current;
}

function keysQuery({ tables }: MessagesStore, filter: MessageFilter): { sql: string; params: SqliteValue[] } {
  const time = tables.has('message', 'date') ? nanosecondsSql('m.date') : 'NULL';
  const conditions: string[] = [];
  const params: SqliteValue[] = [];
  if (filter.since !== undefined) {
    conditions.push(`${time} >= ?`);
    params.push(cocoaNanosecondsFromDate(filter.since));
  }
  if (filter.until !== undefined) {
    conditions.push(`${time} < ?`);
    params.push(cocoaNanosecondsFromDate(filter.until));
  }
  if (filter.chatIds !== undefined) {
    const joins = ['chat_message_join', 'chat_recoverable_message_join'].filter((table) => tables.has(table));
    const chats = filter.chatIds.map(() => '?').join(', ');
    const members = joins.map((table) => `SELECT message_id FROM ${table} WHERE chat_id IN (${chats})`);
    conditions.push(members.length === 0 ? '0' : `m.ROWID IN (${members.join(' UNION ')})`);
    for (const _join of joins) params.push(...filter.chatIds);
  }
  const hasChats = tables.has('chat_message_join');
  const direction = filter.newestFirst ? 'DESC' : 'ASC';
  const sql = `SELECT m.ROWID, ${hasChats ? 'j.chat_id' : 'NULL'}
    FROM message m ${hasChats ? 'LEFT JOIN chat_message_join j ON j.message_id = m.ROWID' : ''}
    ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
    ORDER BY ${time} ${direction}, m.ROWID ${direction}${hasChats ? ', j.chat_id' : ''}`;
  return { sql, params };
}

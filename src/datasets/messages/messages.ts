import { isBackupKitError } from '../../core/errors.js';
import { defineDataset } from '../define-dataset.js';
import { salvageRowIds } from '../shared/salvage-rows.js';
import type { DatasetContext } from '../shared/session.js';
import { integerOf } from '../shared/values.js';
import type { Dataset, DatasetOptions } from '../types.js';
import { BatchLoader, type MessageBatch } from './batch.js';
import { checkFilter, orderedKeys, passes, type MessageFilter, type MessageKey } from './message-keys.js';
import { buildMessage } from './message.js';
import { noReactions, readReactionIndex, type ReactionIndex } from './reaction-index.js';
import { openMessages, smsDatabase, type MessagesStore } from './store.js';
import type { Message } from './types.js';

/** Options of {@link messages}. All conditions must hold. */
export interface MessagesOptions extends DatasetOptions {
  /** Only messages sent at this moment or later. Messages without a date are then left out. */
  since?: Date | undefined;
  /** Only messages sent before this moment. Messages without a date are then left out. */
  until?: Date | undefined;
  /** Only messages of this chat, or of these: the `rowId` of one {@link Chat}, or of all chats of a conversation. */
  chatId?: number | readonly number[] | undefined;
  /** `oldest-first` by default. */
  order?: 'oldest-first' | 'newest-first' | undefined;
  /**
   * `fold`, the default, gives reactions, poll votes and poll updates with the message that they belong to, whenever they
   * were sent, and rows of their own only where that message is not there; `separate` gives every row by itself.
   */
  reactions?: 'fold' | 'separate' | undefined;
}

/**
 * SMS, MMS, iMessage, RCS and satellite messages and the events of their conversations, by `date` and then by ROWID. Messages
 * without a date come first. Recently deleted ones are among them, with {@link Message.deletion}.
 *
 * A message is given once, also where it is in several chats, and also where it is in none. Where the database is damaged, what
 * can be read is given by ROWID, with {@link Message.isRecovered}.
 *
 * Kinds of issues: `body-undecoded`, `body-salvaged`, `body-runs-undecoded`, `summary-undecoded`, `app-payload-undecoded`,
 * `sticker-info-undecoded`, `handle-missing`, `database-damaged`, `table-damaged`, `row-damaged`.
 *
 * @example
 * for await (const message of messages(backup, { since: new Date('2024-01-01') })) {
 *   console.log(message.date, message.sender?.address ?? 'me', message.text);
 * }
 */
export const messages: Dataset<Message, MessagesOptions> = defineDataset<Message, MessagesOptions, MessagesStore>({
  id: 'messages',
  sources: [smsDatabase],
  open: openMessages,
  read: readMessages,
});

/** Messages that are fetched together: few enough for memory, enough to be quick. */
const batchSize = 128;

async function* readMessages(
  context: DatasetContext<MessagesOptions>,
  store: MessagesStore,
): AsyncGenerator<Message, void, undefined> {
  const filter = checkFilter(context.options);
  const reactions = context.options.reactions === 'separate' ? noReactions : await reactionsOf(store, context);
  const loader = new BatchLoader(context, store, reactions);
  let keys: MessageKey[] = [];
  for await (const key of messageKeys(context, store, filter)) {
    if (reactions.isFolded(key.rowId)) continue;
    keys.push(key);
    if (keys.length < batchSize) continue;
    yield* buildAll(keys);
    keys = [];
  }
  yield* buildAll(keys);

  async function* buildAll(keys: readonly MessageKey[]): AsyncGenerator<Message, void, undefined> {
    const [first] = keys;
    if (first === undefined) return;
    const isRecovered = first.chatIds === undefined;
    const batch = await loader.load(
      keys.map(({ rowId }) => rowId),
      { withChats: isRecovered },
    );
    for (const { rowId, chatIds } of keys) {
      const row = batch.messages.get(rowId);
      if (row === undefined) continue;
      const message = buildMessage(
        {
          row,
          batch,
          chatIds: chatIds ?? recoveredChatIds(batch, rowId),
          reactionIds: reactions.of(rowId),
          isRecovered,
        },
        context,
      );
      // Rows that were recovered one by one were not filtered by the database.
      if (!isRecovered || passes(message, filter)) yield message;
    }
  }
}

function recoveredChatIds(batch: MessageBatch, rowId: number): number[] {
  return (batch.chats.get(rowId) ?? []).flatMap((row) => integerOf(row['chat_id']) ?? []);
}

async function reactionsOf(store: MessagesStore, context: DatasetContext): Promise<ReactionIndex> {
  try {
    return await readReactionIndex(store, context);
  } catch (cause) {
    if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    context.issue({
      kind: 'table-damaged',
      table: 'message',
      message: 'A part of table message is damaged; reactions are given as rows of their own',
      cause,
    });
    return noReactions;
  }
}

/** The keys in order; where the database is too damaged to sort them, those that can be found, by ROWID. */
async function* messageKeys(
  context: DatasetContext,
  store: MessagesStore,
  filter: MessageFilter,
): AsyncGenerator<MessageKey, void, undefined> {
  let started = false;
  try {
    for await (const key of orderedKeys(store, filter, context)) {
      started = true;
      yield key;
    }
    return;
  } catch (cause) {
    // Sorting reads everything before the first key is given, so that nothing is given twice.
    if (started || !isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
    context.issue({
      kind: 'database-damaged',
      table: 'message',
      message: 'sms.db is damaged; messages that can still be read are given by ROWID',
      cause,
    });
  }
  for await (const rowId of salvageRowIds(store.db, 'message', context)) yield { rowId, chatIds: undefined };
}

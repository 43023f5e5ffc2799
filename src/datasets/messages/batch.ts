import { isBackupKitError } from '../../core/errors.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import type { DatasetContext } from '../shared/session.js';
import { integerOf } from '../shared/values.js';
import { attachmentColumns, readAttachment } from './attachments.js';
import { handleColumns, partyOf } from './handles.js';
import type { ReactionIndex } from './reaction-index.js';
import { messageColumns, reactionColumns } from './row-columns.js';
import { inLists } from './sql.js';
import type { MessagesStore } from './store.js';
import type { Attachment, Party } from './types.js';

/** What some messages are made of, fetched together. Rows are found by the ROWID of their message, except handles. */
export interface MessageBatch {
  readonly messages: ReadonlyMap<number, SqliteRow>;
  /** Rows that are folded into a message, by their own ROWID. */
  readonly reactions: ReadonlyMap<number, SqliteRow>;
  readonly attachments: ReadonlyMap<number, readonly Attachment[]>;
  readonly handles: ReadonlyMap<number, Party>;
  /** Whether a handle that is not there does not exist; else it may lie in a damaged part of its table. */
  readonly handlesAreComplete: boolean;
  /** Rows of `chat_message_join`, only where they were asked for. */
  readonly chats: ReadonlyMap<number, readonly SqliteRow[]>;
  /** Rows of `chat_recoverable_message_join`. */
  readonly deletions: ReadonlyMap<number, readonly SqliteRow[]>;
  /** Rows of `recoverable_message_part`. */
  readonly deletedParts: ReadonlyMap<number, readonly SqliteRow[]>;
}

/** Fetches batches of messages by ROWID. */
export class BatchLoader {
  readonly #context: DatasetContext;
  readonly #store: MessagesStore;
  readonly #reactions: ReactionIndex;
  /** Tables that turned out to be damaged: each is reported once. */
  readonly #damaged = new Set<string>();

  constructor(context: DatasetContext, store: MessagesStore, reactions: ReactionIndex) {
    this.#context = context;
    this.#store = store;
    this.#reactions = reactions;
  }

  /** Everything about the messages with these ROWIDs. Rows that cannot be read are reported and left out. */
  async load(rowIds: readonly number[], { withChats }: { withChats: boolean }): Promise<MessageBatch> {
    const messages = await this.#messageRows(rowIds);
    const reactionIds = [...messages.keys()].flatMap((rowId) => this.#reactions.of(rowId));
    const reactions = await this.#reactionRows(reactionIds);
    const everyId = [...messages.keys(), ...reactions.keys()];
    return {
      messages,
      reactions,
      attachments: await this.#attachments(everyId),
      handles: await this.#handles([...messages.values(), ...reactions.values()]),
      handlesAreComplete: !this.#damaged.has('handle'),
      chats: withChats ? await this.#joined('chat_message_join', ['chat_id'], rowIds) : new Map(),
      deletions: await this.#joined('chat_recoverable_message_join', ['chat_id', 'delete_date'], everyId),
      deletedParts: await this.#joined('recoverable_message_part', ['part_index', 'delete_date', 'part_text'], everyId),
    };
  }

  async #messageRows(rowIds: readonly number[]): Promise<Map<number, SqliteRow>> {
    const rows = new Map<number, SqliteRow>();
    try {
      await this.#byRowId('message', messageColumns, rowIds, rows);
    } catch (error) {
      if (!isBackupKitError(error, 'DATABASE_CORRUPT')) throw error;
      // One bad page spoils the whole query: what lies elsewhere is still to be had row by row.
      for (const rowId of rowIds) await this.#singleRow(rowId, rows);
    }
    return rows;
  }

  async #singleRow(rowId: number, rows: Map<number, SqliteRow>): Promise<void> {
    try {
      await this.#byRowId('message', messageColumns, [rowId], rows);
    } catch (cause) {
      if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
      this.#context.issue({
        kind: 'row-damaged',
        table: 'message',
        rowId,
        message: `Row ${rowId} lies in a damaged part of the database`,
        cause,
      });
    }
  }

  async #reactionRows(rowIds: readonly number[]): Promise<Map<number, SqliteRow>> {
    const rows = new Map<number, SqliteRow>();
    await this.#unlessDamaged('message', async () => {
      await this.#byRowId('message', reactionColumns, rowIds, rows);
    });
    return rows;
  }

  async #handles(messages: readonly SqliteRow[]): Promise<Map<number, Party>> {
    const ids = new Set(
      messages.flatMap((row) => [integerOf(row['handle_id']) ?? 0, integerOf(row['other_handle']) ?? 0]),
    );
    ids.delete(0);
    const rows = new Map<number, SqliteRow>();
    if (this.#store.tables.has('handle')) {
      await this.#unlessDamaged('handle', async () => {
        await this.#byRowId('handle', handleColumns, ids, rows);
      });
    }
    return new Map([...rows].map(([rowId, row]) => [rowId, partyOf(row)]));
  }

  async #byRowId(
    table: string,
    columns: readonly string[],
    rowIds: Iterable<number>,
    into: Map<number, SqliteRow>,
  ): Promise<void> {
    const { db, tables } = this.#store;
    for (const { ids, placeholders } of inLists(rowIds)) {
      const sql = `SELECT ${tables.select(table, 't', columns)} FROM ${table} t WHERE t.ROWID IN (${placeholders})`;
      for await (const row of db.query(sql, ids, this.#context)) into.set(integerOf(row['ROWID']) ?? 0, row);
    }
  }

  async #attachments(messageIds: readonly number[]): Promise<Map<number, readonly Attachment[]>> {
    const { db, tables } = this.#store;
    const found = new Map<number, Attachment[]>();
    if (!tables.has('attachment') || !tables.has('message_attachment_join')) return found;
    await this.#unlessDamaged('attachment', async () => {
      for (const { ids, placeholders } of inLists(messageIds)) {
        const sql = `SELECT j.message_id AS message_id, ${tables.select('attachment', 'a', attachmentColumns)}
          FROM message_attachment_join j JOIN attachment a ON a.ROWID = j.attachment_id
          WHERE j.message_id IN (${placeholders}) ORDER BY j.message_id, a.ROWID`;
        for await (const row of db.query(sql, ids, this.#context)) {
          append(found, integerOf(row['message_id']) ?? 0, await this.#attachment(row));
        }
      }
    });
    return found;
  }

  async #attachment(row: SqliteRow): Promise<Attachment> {
    const rowId = integerOf(row['ROWID']);
    return await readAttachment(row, this.#context.backup, {
      signal: this.#context.signal,
      onProblem: (cause) => {
        this.#context.issue({
          kind: 'sticker-info-undecoded',
          table: 'attachment',
          rowId,
          field: 'sticker_user_info',
          message: `Sticker information of attachment ${rowId} is no property list`,
          cause,
        });
      },
    });
  }

  async #joined(
    table: string,
    columns: readonly string[],
    messageIds: readonly number[],
  ): Promise<Map<number, readonly SqliteRow[]>> {
    const { db, tables } = this.#store;
    const found = new Map<number, SqliteRow[]>();
    if (!tables.has(table)) return found;
    await this.#unlessDamaged(table, async () => {
      for (const { ids, placeholders } of inLists(messageIds)) {
        const sql = `SELECT t.message_id AS message_id, ${tables.select(table, 't', columns)}
          FROM ${table} t WHERE t.message_id IN (${placeholders}) ORDER BY t.message_id, t.ROWID`;
        for await (const row of db.query(sql, ids, this.#context)) {
          append(found, integerOf(row['message_id']) ?? 0, row);
        }
      }
    });
    return found;
  }

  /** What lies beside the messages is not worth losing them for. */
  async #unlessDamaged(table: string, load: () => Promise<void>): Promise<void> {
    try {
      await load();
    } catch (cause) {
      if (!isBackupKitError(cause, 'DATABASE_CORRUPT')) throw cause;
      if (this.#damaged.has(table)) return;
      this.#damaged.add(table);
      this.#context.issue({
        kind: 'table-damaged',
        table,
        message: `A part of table ${table} is damaged; what it holds of some messages is missing`,
        cause,
      });
    }
  }
}

function append<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

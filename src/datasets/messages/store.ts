import type { FileRef } from '../../manifest/types.js';
import type { SqliteDatabase } from '../../sqlite/driver.js';
import type { DatasetStore } from '../define-dataset.js';
import { readSchema, type Schema, type SchemaUnit } from '../shared/schema.js';
import type { DatasetContext } from '../shared/session.js';

// FORMAT facts: docs/datasets/messages.md.

/** The database of messages, SMS and iMessage alike. */
export const smsDatabase: FileRef = { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' };

/** sms.db, opened. */
export interface MessagesStore extends DatasetStore {
  readonly db: SqliteDatabase;
  readonly tables: Schema;
}

const tables = [
  'message',
  'chat',
  'handle',
  'attachment',
  'chat_message_join',
  'chat_handle_join',
  'message_attachment_join',
  'chat_recoverable_message_join',
  'recoverable_message_part',
];

/** Features by the columns that carry them, oldest first. */
const units: readonly SchemaUnit[] = [
  { name: 'attributed-bodies', table: 'message', columns: ['attributedBody'] },
  { name: 'audio-messages', table: 'message', columns: ['is_audio_message'] },
  { name: 'group-events', table: 'message', columns: ['item_type', 'group_action_type'] },
  { name: 'reactions', table: 'message', columns: ['associated_message_guid', 'associated_message_type'] },
  { name: 'app-messages', table: 'message', columns: ['balloon_bundle_id', 'payload_data'] },
  { name: 'effects', table: 'message', columns: ['expressive_send_style_id'] },
  { name: 'owner-addresses', table: 'message', columns: ['destination_caller_id'] },
  { name: 'person-ids', table: 'handle', columns: ['person_centric_id'] },
  { name: 'replies', table: 'message', columns: ['thread_originator_guid'] },
  { name: 'edits', table: 'message', columns: ['date_edited', 'message_summary_info'] },
  { name: 'unsends', table: 'message', columns: ['date_retracted'] },
  { name: 'recently-deleted', table: 'chat_recoverable_message_join', columns: [] },
  { name: 'deleted-parts', table: 'recoverable_message_part', columns: [] },
  { name: 'satellite', table: 'message', columns: ['is_stewie'] },
  { name: 'emoji-reactions', table: 'message', columns: ['associated_message_emoji'] },
  { name: 'send-later', table: 'message', columns: ['schedule_type', 'schedule_state'] },
  { name: 'filters', table: 'message', columns: ['filter_action'] },
];

/** What tells the release that wrote the schema, newest first. For people: nothing is decided by it. */
const releases: readonly (readonly [release: string, table: string, column: string | undefined])[] = [
  ['iOS 26', 'message', 'filter_action'],
  ['iOS 18', 'message', 'associated_message_emoji'],
  ['iOS 17', 'message', 'is_stewie'],
  ['iOS 16', 'message', 'date_edited'],
  ['iOS 15', 'message', 'syndication_ranges'],
  ['iOS 14', 'message', 'thread_originator_guid'],
  ['iOS 12 or 13', 'message', 'reply_to_guid'],
  ['iOS 11', 'message', 'destination_caller_id'],
  ['iOS 10', 'message', 'associated_message_guid'],
  ['iOS 8 or 9', 'message', 'is_audio_message'],
];

/** Opens sms.db and looks at its schema. */
export async function openMessages(context: DatasetContext): Promise<MessagesStore> {
  const db = await context.openDatabase(smsDatabase);
  const schema = await readSchema(db, tables, context);
  if (!schema.has('message')) {
    throw context.absent('schema-unknown', 'sms.db has no table of messages; it may be empty or of another origin');
  }
  if (!schema.has('message', 'guid')) {
    throw context.absent('schema-unknown', 'sms.db has the schema of iOS 5 or older, which is not supported');
  }
  const release = releases.find(([, table, column]) => schema.has(table, column))?.[0] ?? 'iOS 6 or 7';
  return { db, tables: schema, schema: `messages: ${release}`, missingUnits: schema.missing(units) };
}

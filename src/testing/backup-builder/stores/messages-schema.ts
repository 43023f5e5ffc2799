// FORMAT facts: docs/datasets/messages.md. Columns are in the order in which releases added them.

/** Columns of a table by the first major version of iOS that has them. */
type Columns = readonly (readonly [since: number, columns: string])[];

const messageColumns: Columns = [
  [
    6,
    'ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, text TEXT, replace INTEGER DEFAULT 0, service_center TEXT, handle_id INTEGER DEFAULT 0, subject TEXT, country TEXT, attributedBody BLOB, version INTEGER DEFAULT 0, type INTEGER DEFAULT 0, service TEXT, account TEXT, account_guid TEXT, error INTEGER DEFAULT 0, date INTEGER, date_read INTEGER, date_delivered INTEGER, is_delivered INTEGER DEFAULT 0, is_finished INTEGER DEFAULT 0, is_emote INTEGER DEFAULT 0, is_from_me INTEGER DEFAULT 0, is_empty INTEGER DEFAULT 0, is_delayed INTEGER DEFAULT 0, is_auto_reply INTEGER DEFAULT 0, is_prepared INTEGER DEFAULT 0, is_read INTEGER DEFAULT 0, is_system_message INTEGER DEFAULT 0, is_sent INTEGER DEFAULT 0, has_dd_results INTEGER DEFAULT 0, is_service_message INTEGER DEFAULT 0, is_forward INTEGER DEFAULT 0, was_downgraded INTEGER DEFAULT 0, is_archive INTEGER DEFAULT 0, cache_has_attachments INTEGER DEFAULT 0, cache_roomnames TEXT, was_data_detected INTEGER DEFAULT 0, was_deduplicated INTEGER DEFAULT 0',
  ],
  [
    8,
    'is_audio_message INTEGER DEFAULT 0, is_played INTEGER DEFAULT 0, date_played INTEGER, item_type INTEGER DEFAULT 0, other_handle INTEGER DEFAULT 0, group_title TEXT, group_action_type INTEGER DEFAULT 0, share_status INTEGER DEFAULT 0, share_direction INTEGER DEFAULT 0, is_expirable INTEGER DEFAULT 0, expire_state INTEGER DEFAULT 0, message_action_type INTEGER DEFAULT 0, message_source INTEGER DEFAULT 0',
  ],
  [
    10,
    'associated_message_guid TEXT, associated_message_type INTEGER DEFAULT 0, balloon_bundle_id TEXT, payload_data BLOB, expressive_send_style_id TEXT, associated_message_range_location INTEGER DEFAULT 0, associated_message_range_length INTEGER DEFAULT 0, time_expressive_send_played INTEGER, message_summary_info BLOB',
  ],
  [11, 'ck_sync_state INTEGER DEFAULT 0, ck_record_id TEXT, ck_record_change_tag TEXT, destination_caller_id TEXT'],
  [12, 'is_corrupt INTEGER DEFAULT 0, reply_to_guid TEXT, sort_id INTEGER'],
  [13, 'is_spam INTEGER DEFAULT 0, has_unseen_mention INTEGER DEFAULT 0'],
  [14, 'thread_originator_guid TEXT, thread_originator_part TEXT'],
  [
    15,
    'syndication_ranges TEXT, synced_syndication_ranges TEXT, was_delivered_quietly INTEGER DEFAULT 0, did_notify_recipient INTEGER DEFAULT 0',
  ],
  [16, 'date_retracted INTEGER, date_edited INTEGER, was_detonated INTEGER DEFAULT 0, part_count INTEGER'],
  [
    17,
    'is_stewie INTEGER DEFAULT 0, is_sos INTEGER DEFAULT 0, is_critical INTEGER DEFAULT 0, bia_reference_id TEXT, is_kt_verified INTEGER DEFAULT 0, fallback_hash TEXT',
  ],
  [
    18,
    'associated_message_emoji TEXT, is_pending_satellite_send INTEGER DEFAULT 0, needs_relay INTEGER DEFAULT 0, schedule_type INTEGER DEFAULT 0, schedule_state INTEGER DEFAULT 0, sent_or_received_off_grid INTEGER DEFAULT 0, date_recovered INTEGER DEFAULT 0',
  ],
  [26, 'filter_action INTEGER DEFAULT 0, filter_sub_action INTEGER DEFAULT 0'],
];

const chatColumns: Columns = [
  [
    6,
    'ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, style INTEGER, state INTEGER, account_id TEXT, properties BLOB, chat_identifier TEXT, service_name TEXT, room_name TEXT, account_login TEXT, is_archived INTEGER DEFAULT 0, last_addressed_handle TEXT',
  ],
  [8, 'display_name TEXT, group_id TEXT, is_filtered INTEGER, successful_query INTEGER'],
  [
    11,
    'engram_id TEXT, server_change_token TEXT, ck_sync_state INTEGER DEFAULT 0, original_group_id TEXT, last_read_message_timestamp INTEGER DEFAULT 0',
  ],
];

const attachmentColumns: Columns = [
  [
    6,
    'ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, created_date INTEGER DEFAULT 0, start_date INTEGER DEFAULT 0, filename TEXT, uti TEXT, mime_type TEXT, transfer_state INTEGER DEFAULT 0, is_outgoing INTEGER DEFAULT 0',
  ],
  [8, 'user_info BLOB, transfer_name TEXT, total_bytes INTEGER DEFAULT 0'],
  [
    10,
    'is_sticker INTEGER DEFAULT 0, sticker_user_info BLOB, attribution_info BLOB, hide_attachment INTEGER DEFAULT 0',
  ],
  [11, 'ck_sync_state INTEGER DEFAULT 0, ck_record_id TEXT, original_guid TEXT'],
  [
    18,
    'is_commsafety_sensitive INTEGER DEFAULT 0, emoji_image_content_identifier TEXT, emoji_image_short_description TEXT, preview_generation_state INTEGER DEFAULT 0',
  ],
];

const handleColumns: Columns = [
  [
    6,
    'ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, id TEXT NOT NULL, country TEXT, service TEXT NOT NULL, uncanonicalized_id TEXT',
  ],
  [13, 'person_centric_id TEXT'],
];

/** Other tables and indexes by the first major version that has them. */
const statements: Columns = [
  [6, 'CREATE TABLE _SqliteDatabaseProperties (key TEXT, value TEXT, UNIQUE(key))'],
  [6, 'CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER, UNIQUE(chat_id, handle_id))'],
  [
    6,
    'CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER, UNIQUE(message_id, attachment_id))',
  ],
  [8, 'CREATE TABLE deleted_messages (ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, guid TEXT NOT NULL)'],
  [10, 'CREATE INDEX message_idx_associated_message ON message(associated_message_guid)'],
  [
    11,
    'CREATE TABLE kvtable (ROWID INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, key TEXT UNIQUE NOT NULL, value BLOB NOT NULL)',
  ],
  [
    16,
    'CREATE TABLE chat_recoverable_message_join (chat_id INTEGER, message_id INTEGER, delete_date INTEGER, ck_sync_state INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id), CHECK (delete_date != 0))',
  ],
  [
    16,
    'CREATE TABLE recoverable_message_part (chat_id INTEGER, message_id INTEGER, part_index INTEGER, delete_date INTEGER, part_text BLOB NOT NULL, ck_sync_state INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id, part_index), CHECK (delete_date != 0))',
  ],
];

/** `CREATE` statements of sms.db. */
export function messagesSchema(major: number): string[] {
  const upTo = (columns: Columns): string[] =>
    columns.filter(([since]) => since <= Math.max(major, 6)).map(([, text]) => text);
  const joinDate = major >= 11 ? ', message_date INTEGER DEFAULT 0' : '';
  const joinFilter = major >= 26 ? ', filter_action INTEGER DEFAULT 0, filter_sub_action INTEGER DEFAULT 0' : '';
  return [
    `CREATE TABLE message (${upTo(messageColumns).join(', ')})`,
    `CREATE TABLE chat (${upTo(chatColumns).join(', ')})`,
    `CREATE TABLE attachment (${upTo(attachmentColumns).join(', ')})`,
    `CREATE TABLE handle (${upTo(handleColumns).join(', ')}, UNIQUE (id, service))`,
    `CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER${joinDate}${joinFilter}, PRIMARY KEY (chat_id, message_id))`,
    'CREATE INDEX chat_message_join_idx_message_id_only ON chat_message_join(message_id)',
    ...upTo(statements),
  ];
}

/** Names of the columns that `message` has, so that what an older release cannot hold is left out. */
export function messageColumnNames(major: number): ReadonlySet<string> {
  return namesOf(messageColumns, major);
}

/** Names of the columns that `chat` has. */
export function chatColumnNames(major: number): ReadonlySet<string> {
  return namesOf(chatColumns, major);
}

/** Names of the columns that `attachment` has. */
export function attachmentColumnNames(major: number): ReadonlySet<string> {
  return namesOf(attachmentColumns, major);
}

function namesOf(columns: Columns, major: number): ReadonlySet<string> {
  const present = columns.filter(([since]) => since <= Math.max(major, 6));
  return new Set(present.flatMap(([, text]) => text.split(', ').map((column) => column.slice(0, column.indexOf(' ')))));
}

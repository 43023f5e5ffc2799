import { cocoaNanosecondsFromDate, cocoaSecondsFromDate } from '../../../core/apple-time.js';
import { hexEncode, utf8Encode } from '../../../core/bytes.js';
import { writeBinaryPlist } from '../../../plist/binary-write.js';
import { ArchiveObject, archiveUrl, writeKeyedArchive } from '../../../plist/keyed-archive-write.js';
import type { DatabaseSpec, FileSpec, RawValue } from '../types.js';
import { attributedBody, garbageBody, pollOptions, pollUrl, summaryInfo, truncatedBody } from './message-payloads.js';
import { attachmentColumnNames, chatColumnNames, messageColumnNames, messagesSchema } from './messages-schema.js';
import type {
  MessageAppSpec,
  AttachmentSpec,
  ChatSpec,
  MessageSpec,
  MessagesStoreOptions,
  PollSpec,
  ReactionSpec,
} from './messages-spec.js';
import { insertSql } from './sql.js';

type Row = Readonly<Record<string, RawValue | undefined>>;

const firstDate = new Date('2024-03-01T09:00:00Z');
const minuteMs = 60_000;
const pollBundle = 'com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls';
const linkBundle = 'com.apple.messages.URLBalloonProvider';

/** Numbers of `associated_message_type`. FORMAT facts: docs/datasets/messages.md. */
const reactionTypes = {
  'placed-sticker': 1000,
  love: 2000,
  like: 2001,
  dislike: 2002,
  laugh: 2003,
  emphasize: 2004,
  question: 2005,
  emoji: 2006,
  sticker: 2007,
} as const;

/**
 * A database of messages and the files of their attachments, to spread into the spec of `buildBackup`. The first message has
 * ROWID 1; reactions and votes get ROWIDs after the message that they belong to. What a release had no column for is left out.
 *
 * @example
 * await buildBackup({ ios: '17.4', ...messagesStore([{ text: 'Hello', from: '+15550123' }]) });
 */
export function messagesStore(
  messages: readonly MessageSpec[],
  options: MessagesStoreOptions = {},
): {
  /** Attachments, in MediaDomain. */
  files: FileSpec[];
  /** sms.db. */
  databases: DatabaseSpec[];
} {
  const writer = new MessagesWriter(options);
  for (const message of messages) writer.add(message);
  const statements = [...messagesSchema(writer.major), ...writer.statements, ...(options.sql ?? [])];
  const database: DatabaseSpec = {
    domain: 'HomeDomain',
    relativePath: 'Library/SMS/sms.db',
    sql: statements.map((statement) => `${statement};`).join('\n'),
    wal: options.wal ?? 'none',
  };
  return { files: writer.files, databases: [database] };
}

class MessagesWriter {
  readonly major: number;
  readonly statements: string[] = [];
  readonly files: FileSpec[] = [];
  readonly #options: MessagesStoreOptions;
  readonly #owner: string;
  readonly #columns: { message: ReadonlySet<string>; chat: ReadonlySet<string>; attachment: ReadonlySet<string> };
  readonly #handles = new Map<string, number>();
  readonly #chats = new Map<string, number>();
  #messages = 0;
  #attachments = 0;
  #clock = firstDate.getTime();

  constructor(options: MessagesStoreOptions) {
    this.major = Number.parseInt(options.ios ?? '17', 10);
    this.#options = options;
    this.#owner = options.owner ?? '+15550100';
    this.#columns = {
      message: messageColumnNames(this.major),
      chat: chatColumnNames(this.major),
      attachment: attachmentColumnNames(this.major),
    };
  }

  add(spec: MessageSpec): void {
    const date = spec.date ?? new Date(this.#clock + minuteMs);
    this.#clock = date.getTime();
    const service = spec.service ?? 'iMessage';
    const rowId = this.#nextMessage();
    const guid = spec.guid ?? guidOf('message', rowId);
    const attachments = (spec.attachments ?? []).map((attachment) => this.#attachment(attachment, { date, spec }));
    const chats = this.#chatsOf(spec, service);
    this.#insertMessage(
      {
        ROWID: rowId,
        guid,
        ...this.#body(spec, attachments),
        subject: spec.subject,
        handle_id: spec.from === undefined ? 0 : this.#handle(spec.from, service),
        service,
        account: /^[^@]+$/.test(this.#owner) ? `P:${this.#owner}` : `E:${this.#owner}`,
        destination_caller_id: spec.ownerAddress ?? this.#owner,
        error: spec.error,
        date: this.#time(date),
        date_read: this.#time(spec.dateRead),
        date_delivered: this.#time(spec.dateDelivered),
        date_played: this.#time(spec.datePlayed),
        date_edited:
          spec.edits === undefined && spec.unsent === undefined ? 0 : this.#time(new Date(date.getTime() + minuteMs)),
        date_retracted: spec.unsent === true ? this.#time(new Date(date.getTime() + minuteMs)) : 0,
        is_from_me: spec.from === undefined ? 1 : 0,
        is_sent: spec.from === undefined && spec.schedule === undefined ? 1 : 0,
        is_delivered: spec.dateDelivered === undefined ? 0 : 1,
        is_read: spec.isRead === true || spec.dateRead !== undefined ? 1 : 0,
        is_finished: 1,
        is_audio_message: spec.isAudio === true ? 1 : 0,
        is_played: spec.datePlayed === undefined ? 0 : 1,
        cache_has_attachments: attachments.length > 0 ? 1 : 0,
        item_type: spec.groupEvent?.type[0],
        group_action_type: spec.groupEvent?.type[1],
        group_title: spec.groupEvent?.title,
        share_status: spec.groupEvent?.shareStatus,
        other_handle: spec.groupEvent?.other === undefined ? undefined : this.#handle(spec.groupEvent.other, service),
        message_summary_info: summaryInfo(spec, date),
        thread_originator_guid: spec.replyTo?.guid,
        thread_originator_part: spec.replyTo === undefined ? undefined : (spec.replyTo.part ?? '0:0:1'),
        expressive_send_style_id: spec.effect,
        schedule_type: spec.schedule?.type,
        schedule_state: spec.schedule?.state,
        ...this.#app(spec.app),
        ...spec.columns,
      },
      spec.deleted === undefined ? chats : [],
    );
    for (const { id } of attachments) this.#insert('message_attachment_join', { message_id: rowId, attachment_id: id });
    this.#addDeletions(spec, { rowId, chats });
    const target = { guid, chats, service, date };
    if (this.major < 10) return;
    for (const reaction of spec.reactions ?? []) this.#addReaction(reaction, target);
    if (spec.app !== undefined && 'poll' in spec.app) this.#addPollRows(spec.app.poll, target);
  }

  #body(spec: MessageSpec, attachments: readonly { guid: string }[]): Row {
    if (spec.unsent === true) return { text: null };
    const text = spec.text ?? (attachments.length > 0 ? '\uFFFC'.repeat(attachments.length) : undefined);
    if (text === undefined) return { text: null };
    const body = spec.body ?? (this.major >= 16 ? 'attributed' : 'both');
    if (body === 'truncated') return { text: null, attributedBody: truncatedBody() };
    if (body === 'garbage') return { text: null, attributedBody: garbageBody(text) };
    return {
      text: body === 'attributed' ? null : text,
      attributedBody:
        body === 'text'
          ? null
          : attributedBody(text, { spans: spec.spans, attachmentGuids: attachments.map(({ guid }) => guid) }),
    };
  }

  #app(app: MessageAppSpec | undefined): Row {
    if (app === undefined) return {};
    if ('link' in app) {
      const { url, originalUrl = url, title, summary, siteName } = app.link;
      const metadata = new ArchiveObject(['LPLinkMetadata', 'NSObject'], {
        originalURL: archiveUrl(originalUrl),
        URL: archiveUrl(url),
        title,
        summary,
        siteName,
      });
      return { balloon_bundle_id: linkBundle, payload_data: writeKeyedArchive({ richLinkMetadata: metadata }) };
    }
    if ('poll' in app) {
      const { title, options } = app.poll;
      const item = { title, orderedPollOptions: pollOptions(options, this.#owner), creatorHandle: this.#owner };
      return { balloon_bundle_id: pollBundle, payload_data: pollPayload(item) };
    }
    return { balloon_bundle_id: app.bundleId, payload_data: app.payload };
  }

  #addReaction(spec: ReactionSpec, target: Target): void {
    const rowId = this.#nextMessage();
    const type = typeof spec.kind === 'number' ? spec.kind : reactionTypes[spec.kind];
    const sticker =
      spec.sticker === undefined ? undefined : this.#attachment(spec.sticker, { date: target.date, spec });
    const { part = 0 } = spec;
    this.#insertMessage(
      {
        ROWID: rowId,
        guid: guidOf('message', rowId),
        text: 'Reacted to a message',
        ...this.#senderColumns(spec.from, target.service),
        date: this.#time(spec.date ?? new Date(target.date.getTime() + rowId)),
        associated_message_guid:
          part === 'bare' ? target.guid : part === 'balloon' ? `bp:${target.guid}` : `p:${part}/${target.guid}`,
        associated_message_type: spec.isRemoval === true ? type + 1000 : type,
        associated_message_emoji: spec.emoji,
      },
      target.chats,
    );
    if (sticker !== undefined) {
      this.#insert('message_attachment_join', { message_id: rowId, attachment_id: sticker.id });
    }
  }

  #addPollRows(poll: PollSpec, target: Target): void {
    const add = (from: string | undefined, type: number, item: Readonly<Record<string, unknown>>): void => {
      const rowId = this.#nextMessage();
      this.#insertMessage(
        {
          ROWID: rowId,
          guid: guidOf('message', rowId),
          ...this.#senderColumns(from, target.service),
          date: this.#time(new Date(target.date.getTime() + rowId)),
          associated_message_guid: target.guid,
          associated_message_type: type,
          balloon_bundle_id: pollBundle,
          payload_data: pollPayload(item),
        },
        target.chats,
      );
    };
    if (poll.added !== undefined) {
      const options = { ...poll.options, ...poll.added };
      add(undefined, 2, { title: poll.title, orderedPollOptions: pollOptions(options, this.#owner) });
    }
    for (const { from, options } of poll.votes ?? []) {
      const voter = from ?? this.#owner;
      add(from, 4000, {
        votes: options.map((option) => ({ voteOptionIdentifier: option, participantHandle: voter })),
      });
    }
  }

  #addDeletions(spec: MessageSpec, { rowId, chats }: { rowId: number; chats: readonly number[] }): void {
    if (this.major < 16) return;
    for (const chatId of chats) {
      if (spec.deleted !== undefined) {
        const row = { chat_id: chatId, message_id: rowId, delete_date: this.#time(spec.deleted) };
        this.#insert('chat_recoverable_message_join', row);
      }
      for (const { part, text, date } of spec.deletedParts ?? []) {
        this.#insert('recoverable_message_part', {
          chat_id: chatId,
          message_id: rowId,
          part_index: part,
          delete_date: this.#time(date),
          part_text: attributedBody(text),
        });
      }
    }
  }

  #attachment(
    spec: AttachmentSpec,
    { date, spec: owner }: { date: Date; spec: { from?: string | undefined } },
  ): { id: number; guid: string } {
    const id = ++this.#attachments;
    const guid = spec.guid ?? guidOf('attach', id);
    const folder = `Library/SMS/Attachments/${hexByte(id)}/${hexByte(id + 7)}/${guidOf('folder', id)}`;
    const content = spec.content ?? { size: 1000 + id };
    if (spec.isMissing !== true && spec.isNotDownloaded !== true) this.#addFiles(spec, { folder, content });
    this.#insert(
      'attachment',
      this.#only('attachment', {
        ROWID: id,
        guid,
        original_guid: guid,
        created_date: Math.trunc(cocoaSecondsFromDate(date)),
        filename: spec.isNotDownloaded === true ? undefined : `~/${folder}/${spec.name}`,
        transfer_name: spec.name,
        uti: spec.uti,
        mime_type: spec.mimeType,
        transfer_state: 5,
        total_bytes: sizeOf(content),
        is_outgoing: owner.from === undefined ? 1 : 0,
        is_sticker: spec.sticker === undefined ? 0 : 1,
        sticker_user_info:
          spec.sticker?.source === undefined ? undefined : writeBinaryPlist({ pid: spec.sticker.source }),
        emoji_image_short_description: spec.sticker?.prompt,
        hide_attachment: spec.isHidden === true ? 1 : 0,
        ...spec.columns,
      }),
    );
    return { id, guid };
  }

  #addFiles(spec: AttachmentSpec, { folder, content }: { folder: string; content: FileSpec['content'] }): void {
    const at = (name: string): { domain: string; relativePath: string } => ({
      domain: 'MediaDomain',
      relativePath: `${folder}/${name}`,
    });
    if (spec.folder === undefined) this.files.push({ ...at(spec.name), content });
    else this.files.push({ ...at(spec.name), kind: 'directory' });
    for (const [name, inner] of Object.entries(spec.folder ?? {})) {
      this.files.push({ ...at(`${spec.name}/${name}`), content: inner });
    }
    for (const [name, sibling] of Object.entries(spec.siblings ?? {})) {
      this.files.push({ ...at(name), content: sibling });
    }
  }

  #chatsOf(spec: MessageSpec, service: string): number[] {
    const first = spec.chat ?? spec.from ?? '+15550101';
    const chats = first === 'none' ? [] : [first, ...(spec.alsoIn ?? [])];
    return chats.map((chat) =>
      this.#chat(typeof chat === 'string' ? { participants: [chat], service } : { service, ...chat }),
    );
  }

  #chat(spec: ChatSpec): number {
    const key = JSON.stringify([spec.participants, spec.name, spec.groupId, spec.service]);
    const known = this.#chats.get(key);
    if (known !== undefined) return known;
    const id = this.#chats.size + 1;
    this.#chats.set(key, id);
    const { service = 'iMessage', participants } = spec;
    const isGroup = participants.length > 1 || spec.name !== undefined;
    const identifier = isGroup ? `chat${100_000 + id}` : (participants[0] ?? '');
    this.#insert(
      'chat',
      this.#only('chat', {
        ROWID: id,
        guid: `${service};${isGroup ? '+' : '-'};${identifier}`,
        style: isGroup ? 43 : 45,
        state: 3,
        chat_identifier: identifier,
        service_name: service,
        room_name: isGroup ? identifier : undefined,
        account_login: `P:${this.#owner}`,
        last_addressed_handle: this.#owner,
        display_name: spec.name,
        group_id: spec.groupId,
        is_archived: spec.isArchived === true ? 1 : 0,
        ...spec.columns,
      }),
    );
    for (const address of participants) {
      this.#insert('chat_handle_join', { chat_id: id, handle_id: this.#handle(address, service) });
    }
    return id;
  }

  /** One handle for each address and service, as in real databases. */
  #handle(address: string, service: string): number {
    const key = `${service} ${address}`;
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const id = this.#handles.size + 1;
    this.#handles.set(key, id);
    const person = Object.entries(this.#options.persons ?? {}).find(([, addresses]) =>
      addresses.includes(address),
    )?.[0];
    this.#insert('handle', {
      ROWID: id,
      id: address,
      country: address.startsWith('+1') ? 'us' : undefined,
      service,
      ...(this.major >= 13 && { person_centric_id: person }),
    });
    return id;
  }

  #senderColumns(from: string | undefined, service: string): Row {
    return from === undefined
      ? { service, handle_id: 0, is_from_me: 1 }
      : { service, handle_id: this.#handle(from, service), is_from_me: 0 };
  }

  #insertMessage(row: Row, chats: readonly number[]): void {
    this.#insert('message', this.#only('message', row));
    for (const chatId of new Set(chats)) {
      this.#insert('chat_message_join', {
        chat_id: chatId,
        message_id: row['ROWID'],
        ...(this.major >= 11 && { message_date: row['date'] }),
      });
    }
  }

  #insert(table: string, row: Row): void {
    this.statements.push(insertSql(table, row));
  }

  #only(table: 'message' | 'chat' | 'attachment', row: Row): Row {
    return Object.fromEntries(Object.entries(row).filter(([column]) => this.#columns[table].has(column)));
  }

  #time(date: Date | undefined): number | bigint {
    if (date === undefined) return 0;
    const unit = this.#options.timeUnit ?? (this.major >= 11 ? 'nanoseconds' : 'seconds');
    return unit === 'seconds' ? Math.trunc(cocoaSecondsFromDate(date)) : cocoaNanosecondsFromDate(date);
  }

  #nextMessage(): number {
    return ++this.#messages;
  }
}

/** A message that other rows belong to. */
interface Target {
  readonly guid: string;
  readonly chats: readonly number[];
  readonly service: string;
  readonly date: Date;
}

function pollPayload(item: Readonly<Record<string, unknown>>): Uint8Array {
  return writeKeyedArchive({ ldtext: 'Poll', an: 'Polls', URL: archiveUrl(pollUrl(item)) });
}

function guidOf(kind: string, id: number): string {
  const node = hexEncode(utf8Encode(kind.padEnd(6, '-').slice(0, 6))).toUpperCase();
  return `${String(id).padStart(8, '0')}-0000-4000-8000-${node}`;
}

function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0');
}

function sizeOf(content: NonNullable<AttachmentSpec['content']>): number {
  if (typeof content === 'string') return utf8Encode(content).length;
  return 'size' in content ? content.size : content.length;
}

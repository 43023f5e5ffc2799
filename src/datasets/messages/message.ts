import type { SqliteRow } from '../../sqlite/driver.js';
import type { DatasetContext } from '../shared/session.js';
import { cocoaDateOf, cocoaTimeOf } from '../shared/times.js';
import { bytesOf, filledTextOf, flagOf, integerOf, textOf } from '../shared/values.js';
import { readApp, readPollItem } from './app.js';
import type { MessageBatch } from './batch.js';
import { groupEventOf } from './group-event.js';
import { readContent, readDeletedPart } from './message-body.js';
import type { PollChange } from './poll.js';
import { associatedTarget, foldReactions, isPollVoteType, isReactionType, reactionOf } from './reactions.js';
import { effectOf, filterOf, serviceOf } from './service.js';
import type { AppMessage } from './app-types.js';
import type {
  Deletion,
  GroupEvent,
  Message,
  MessageKind,
  Party,
  ReactionEvent,
  ReplyTarget,
  ScheduleInfo,
} from './types.js';

/** One message to build. */
export interface MessageSource {
  readonly row: SqliteRow;
  readonly batch: MessageBatch;
  readonly chatIds: readonly number[];
  /** ROWIDs of the rows that are folded into it, oldest first. */
  readonly reactionIds: readonly number[];
  readonly isRecovered: boolean;
}

/** Builds the record of a row. */
export function buildMessage(source: MessageSource, context: DatasetContext): Message {
  const { row, batch } = source;
  const rowId = integerOf(row['ROWID']) ?? 0;
  const number = (column: string): number => integerOf(row[column]) ?? 0;
  const flag = (column: string): boolean => flagOf(row[column]);
  const type = number('associated_message_type');
  const folded = source.reactionIds.map((id) => batch.reactions.get(id)).filter(isRow);
  const content = readContent(row, batch.attachments.get(rowId) ?? [], context);
  const groupEvent = readGroupEvent(row, batch, context);
  const app = readMessageApp(source, folded, context);
  const reactionEvent = isReactionType(type) ? readReaction(row, batch, context) : undefined;
  const sender = readSender(row, batch, context);
  const time = cocoaTimeOf(row['date']);
  return {
    rowId,
    guid: textOf(row['guid']) ?? '',
    kind: kindOf(type, groupEvent, app),
    chatIds: source.chatIds,
    service: serviceOf(filledTextOf(row['service'])) ?? sender?.service,
    isFromMe: flag('is_from_me'),
    sender,
    handleId: number('handle_id'),
    ownerAddress: ownerAddressOf(row),
    subject: filledTextOf(row['subject']),
    date: time?.date,
    dateNs: time?.nanoseconds,
    dateDelivered: cocoaDateOf(row['date_delivered']),
    dateRead: cocoaDateOf(row['date_read']),
    datePlayed: cocoaDateOf(row['date_played']),
    dateEdited: cocoaDateOf(row['date_edited']),
    dateRetracted: cocoaDateOf(row['date_retracted']),
    ...content,
    reactions: foldReactions(
      folded
        .filter((other) => isReactionType(integerOf(other['associated_message_type']) ?? 0))
        .map((other) => readReaction(other, batch, context)),
    ),
    reactionEvent,
    replyTo: replyTargetOf(row),
    groupEvent,
    effect: effectOf(filledTextOf(row['expressive_send_style_id'])),
    app,
    schedule: scheduleOf(row),
    deletion: deletionOf(batch.deletions.get(rowId)),
    deletedParts: (batch.deletedParts.get(rowId) ?? []).map((part) => readDeletedPart(part, rowId, context)),
    isRead: flag('is_read'),
    isSent: flag('is_sent'),
    isDelivered: flag('is_delivered'),
    isPlayed: flag('is_played'),
    isAudio: flag('is_audio_message'),
    isExpirable: flag('is_expirable'),
    isAutoReply: flag('is_auto_reply'),
    isForward: flag('is_forward'),
    isSystem: flag('is_system_message'),
    isSpam: flag('is_spam'),
    isOffGrid: flag('is_stewie') || flag('is_pending_satellite_send') || flag('sent_or_received_off_grid'),
    wasDowngraded: flag('was_downgraded'),
    error: number('error'),
    filter: filterOf(integerOf(row['filter_action'])),
    isRecovered: source.isRecovered,
  };
}

function isRow(row: SqliteRow | undefined): row is SqliteRow {
  return row !== undefined;
}

function kindOf(type: number, groupEvent: GroupEvent | undefined, app: AppMessage | undefined): MessageKind {
  if (isReactionType(type)) return 'reaction';
  if (isPollVoteType(type)) return 'poll-vote';
  if (groupEvent !== undefined) return 'group-event';
  return app === undefined ? 'message' : 'app';
}

function readSender(row: SqliteRow, batch: MessageBatch, context: DatasetContext): Party | undefined {
  const handleId = integerOf(row['handle_id']) ?? 0;
  if (flagOf(row['is_from_me']) || handleId === 0) return undefined;
  const sender = batch.handles.get(handleId);
  if (sender === undefined && batch.handlesAreComplete) {
    const rowId = integerOf(row['ROWID']);
    context.issue({
      kind: 'handle-missing',
      table: 'message',
      rowId,
      field: 'handle_id',
      message: `Message ${rowId} is from handle ${handleId}, which does not exist`,
    });
  }
  return sender;
}

/** `P:+15550100` and `E:someone@example.com` are accounts; which address of several was used, the newer column tells. */
function ownerAddressOf(row: SqliteRow): string | undefined {
  const address = filledTextOf(row['destination_caller_id']) ?? filledTextOf(row['account']);
  return filledTextOf(address?.replace(/^[PE]:/i, ''));
}

function readGroupEvent(row: SqliteRow, batch: MessageBatch, context: DatasetContext): GroupEvent | undefined {
  const number = (column: string): number => integerOf(row[column]) ?? 0;
  const otherHandleId = number('other_handle');
  const participant = batch.handles.get(otherHandleId);
  const event = groupEventOf({
    itemType: number('item_type'),
    actionType: number('group_action_type'),
    handleId: number('handle_id'),
    otherHandleId,
    groupTitle: filledTextOf(row['group_title']),
    shareStatus: number('share_status'),
    shareDirection: number('share_direction'),
    participant,
  });
  if (
    event !== undefined &&
    'participant' in event &&
    participant === undefined &&
    otherHandleId !== 0 &&
    batch.handlesAreComplete
  ) {
    const rowId = integerOf(row['ROWID']);
    context.issue({
      kind: 'handle-missing',
      table: 'message',
      rowId,
      field: 'other_handle',
      message: `Group event ${rowId} is about handle ${otherHandleId}, which does not exist`,
    });
  }
  return event;
}

function readReaction(row: SqliteRow, batch: MessageBatch, context: DatasetContext): ReactionEvent {
  const rowId = integerOf(row['ROWID']) ?? 0;
  const rawType = integerOf(row['associated_message_type']) ?? 0;
  const { kind, action } = reactionOf(rawType);
  const target = associatedTarget(textOf(row['associated_message_guid']) ?? '');
  return {
    action,
    targetGuid: target.guid,
    reaction: {
      rowId,
      guid: textOf(row['guid']) ?? '',
      kind,
      rawType,
      emoji: filledTextOf(row['associated_message_emoji']),
      attachment: batch.attachments.get(rowId)?.[0],
      isFromMe: flagOf(row['is_from_me']),
      sender: readSender(row, batch, context),
      date: cocoaDateOf(row['date']),
      part: target.part,
    },
  };
}

/** `thread_originator_part` is `part:start:length`. `reply_to_guid` is no reply: it names the previous message. */
function replyTargetOf(row: SqliteRow): ReplyTarget | undefined {
  const guid = filledTextOf(row['thread_originator_guid']);
  if (guid === undefined) return undefined;
  const match = /^(\d{1,9})(?::(\d{1,9}):(\d{1,9}))?/.exec(textOf(row['thread_originator_part']) ?? '');
  return {
    guid,
    part: Number(match?.[1] ?? 0),
    start: match?.[2] === undefined ? undefined : Number(match[2]),
    length: match?.[3] === undefined ? undefined : Number(match[3]),
  };
}

function scheduleOf(row: SqliteRow): ScheduleInfo | undefined {
  const type = integerOf(row['schedule_type']) ?? 0;
  if (type === 0) return undefined;
  return { type, state: integerOf(row['schedule_state']) ?? 0, isPending: !flagOf(row['is_sent']) };
}

function deletionOf(rows: readonly SqliteRow[] | undefined): Deletion | undefined {
  const [first] = rows ?? [];
  if (rows === undefined || first === undefined) return undefined;
  return { date: cocoaDateOf(first['delete_date']), chatIds: rows.flatMap((row) => integerOf(row['chat_id']) ?? []) };
}

function readMessageApp(
  { row, batch }: MessageSource,
  folded: readonly SqliteRow[],
  context: DatasetContext,
): AppMessage | undefined {
  const rowId = integerOf(row['ROWID']);
  const onProblem = (cause: unknown): void => {
    context.issue({
      kind: 'app-payload-undecoded',
      table: 'message',
      rowId,
      field: 'payload_data',
      message: `The app content of message ${rowId} cannot be decoded`,
      cause,
    });
  };
  const changes = folded.flatMap((other): PollChange[] => {
    const type = integerOf(other['associated_message_type']) ?? 0;
    if (isReactionType(type)) return [];
    const item = readPollItem(bytesOf(other['payload_data']), onProblem);
    const sender = batch.handles.get(integerOf(other['handle_id']) ?? 0);
    const address = flagOf(other['is_from_me']) ? ownerAddressOf(row) : sender?.address;
    return [{ kind: isPollVoteType(type) ? 'vote' : 'update', item, address }];
  });
  return readApp(
    {
      bundleId: filledTextOf(row['balloon_bundle_id']),
      payload: bytesOf(row['payload_data']),
      associatedGuid: filledTextOf(row['associated_message_guid']),
      guid: textOf(row['guid']),
    },
    onProblem,
    changes,
  );
}

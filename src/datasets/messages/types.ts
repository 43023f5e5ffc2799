import type { FileRef } from '../../manifest/types.js';
import type { AddressKind } from '../shared/address.js';
import type { AppMessage } from './app-types.js';

/** How a message was sent. */
export type MessageService = 'iMessage' | 'SMS' | 'RCS' | 'satellite' | (string & {});

/** A person or service at the other end. */
export interface Party {
  /** ROWID in `handle`. The same person has several: one for each address and service. */
  readonly handleId: number;
  /** The address as the database has it: phone number, e-mail address, `urn:biz:…`, short code. */
  readonly address: string;
  readonly kind: AddressKind;
  /** The address in a form to compare: see {@link Address.canonical}. */
  readonly canonicalAddress: string;
  /** Service that the handle belongs to. */
  readonly service: MessageService | undefined;
  /** ISO 3166 code in lower case, for phone numbers. */
  readonly country: string | undefined;
  /** Equal for handles that the device knew to be one person. From iOS 13. */
  readonly personId: string | undefined;
}

/**
 * Where the text of a message comes from and what its absence means:
 * - `text`: from the plain column;
 * - `attributed`: from the attributed body, the only source for most messages since iOS 16;
 * - `salvaged`: from a damaged attributed body, by pattern; it may be cut;
 * - `empty`: the message has none, e.g. a group event;
 * - `undecoded`: it has a body that cannot be decoded. The text is unknown, not empty;
 * - `unsent`: the sender took the message back and iOS deleted its content.
 */
export type BodyState = 'text' | 'attributed' | 'salvaged' | 'empty' | 'undecoded' | 'unsent';

/** A stretch of the text with what is special about it. Without an attributed body there are no runs. */
export interface TextRun {
  /** Start in {@link MessageBody.text}, in UTF-16 units. */
  readonly start: number;
  /** Length in UTF-16 units. */
  readonly length: number;
  /** Index of the part of the message that it belongs to; reactions, edits and unsends refer to it. */
  readonly part: number | undefined;
  /** `Attachment.guid` of the attachment that stands here, in place of one U+FFFC. */
  readonly attachmentGuid: string | undefined;
  /** Address of the person who is mentioned. */
  readonly mention: string | undefined;
  /** Target of a link. */
  readonly link: string | undefined;
  /** From iOS 18. */
  readonly formats: readonly TextFormat[];
  /** Animation, from iOS 18. */
  readonly effect: TextEffect | undefined;
  /** Whether iOS took it for a one-time code. */
  readonly isOneTimeCode: boolean;
  /** Whether iOS took it for a date, an address or the like. */
  readonly isDataDetected: boolean;
  /** What iOS heard in the voice message that stands here. */
  readonly transcription: string | undefined;
}

/** Style of a stretch of text. */
export type TextFormat = 'bold' | 'italic' | 'underline' | 'strikethrough';

/** Animation of a stretch of text. */
export type TextEffect =
  'big' | 'small' | 'shake' | 'nod' | 'explode' | 'ripple' | 'bloom' | 'jitter' | 'unknown' | (string & {});

/** The text of a message, or of a former version of it. */
export interface MessageBody {
  /** The text. U+FFFC stands for each attachment, U+FFFD for an app's content. `undefined` where there is none. */
  readonly text: string | undefined;
  readonly bodyState: BodyState;
  readonly runs: readonly TextRun[];
}

/** What a message consists of, in the order in which it is shown. */
export type MessagePart =
  | { readonly kind: 'text'; readonly index: number; readonly text: string; readonly start: number }
  | {
      readonly kind: 'attachment';
      readonly index: number;
      readonly attachmentGuid: string | undefined;
      readonly start: number;
    }
  | { readonly kind: 'app'; readonly index: number }
  | { readonly kind: 'unsent'; readonly index: number };

/** A file that came with a message. */
export interface Attachment {
  /** ROWID in `attachment`. */
  readonly rowId: number;
  readonly guid: string;
  /** Name that the user sees. */
  readonly name: string | undefined;
  /** Its file in the backup, or the folder where it is a bundle. `undefined` where it was never downloaded. */
  readonly file: FileRef | undefined;
  /**
   * Whether the backup lists that file. It does not where it was kept in iCloud, expired or was thinned out. That the content of
   * a listed file is missing, as in filtered backups, is known when it is read.
   */
  readonly isPresent: boolean;
  /** Whether the file is a folder, e.g. a Pages document. */
  readonly isDirectory: boolean;
  /** The video beside a live photo, where the backup has it. */
  readonly livePhotoVideo: FileRef | undefined;
  readonly mimeType: string | undefined;
  /** Uniform type identifier, e.g. `public.jpeg`. */
  readonly uti: string | undefined;
  /** Size in bytes that the database states. */
  readonly size: number | undefined;
  readonly created: Date | undefined;
  readonly isOutgoing: boolean;
  /** Apple's number for how far the transfer came; it does not tell whether the file is in the backup. */
  readonly transferState: number | undefined;
  readonly isHidden: boolean;
  /** What is known of a sticker; `undefined` for other files. */
  readonly sticker: StickerInfo | undefined;
  /** Where it stands in the text, in UTF-16 units; `undefined` where the text has no place for it. */
  readonly position: number | undefined;
  /** Part of the message that it is. */
  readonly part: number | undefined;
}

/** What is known of a sticker. */
export interface StickerInfo {
  /** Bundle id of its origin, e.g. `com.apple.messages.genmoji`. */
  readonly source: string | undefined;
  /** Description that a generated emoji was made from. */
  readonly prompt: string | undefined;
}

/** Kind of a reaction. */
export type ReactionKind =
  | 'love'
  | 'like'
  | 'dislike'
  | 'laugh'
  | 'emphasize'
  | 'question'
  | 'emoji'
  | 'sticker'
  /** A sticker that was placed somewhere on the message. */
  | 'placed-sticker'
  | 'unknown';

/** A reaction (tapback, or a sticker put on a message). */
export interface Reaction {
  /** ROWID in `message` of the row that carries it. */
  readonly rowId: number;
  readonly guid: string;
  readonly kind: ReactionKind;
  /** Apple's number, e.g. 2000 for `love`. */
  readonly rawType: number;
  /** With kind `emoji`. */
  readonly emoji: string | undefined;
  /** With a sticker. */
  readonly attachment: Attachment | undefined;
  readonly isFromMe: boolean;
  /** Who reacted; `undefined` for the owner. */
  readonly sender: Party | undefined;
  readonly date: Date | undefined;
  /** Index of the part that it is on. `undefined` for the app balloon, or the message as a whole. */
  readonly part: number | undefined;
}

/** A row that is a reaction by itself: its target is not there, or reactions were asked for separately. */
export interface ReactionEvent {
  readonly action: 'add' | 'remove';
  readonly reaction: Reaction;
  readonly targetGuid: string;
}

/** What a message replies to. */
export interface ReplyTarget {
  /** `guid` of the message that the thread began with. */
  readonly guid: string;
  /** Index of the part that is replied to. */
  readonly part: number;
  /** The stretch of that part, in UTF-16 units. */
  readonly start: number | undefined;
  readonly length: number | undefined;
}

/** The history of one part of an edited message. */
export interface EditHistory {
  readonly part: number;
  /** Oldest first: the original text first, what is shown now last. */
  readonly versions: readonly EditVersion[];
}

/** One version of a part. */
export interface EditVersion extends MessageBody {
  /** When it was written. */
  readonly date: Date | undefined;
}

/** A change of a conversation, which has a row among the messages. */
export type GroupEvent =
  | { readonly kind: 'participant-added' | 'participant-removed'; readonly participant: Party | undefined }
  /** A participant changed the phone number or address. */
  | { readonly kind: 'number-changed'; readonly participant: Party | undefined }
  | { readonly kind: 'participant-left' }
  | { readonly kind: 'renamed'; readonly name: string | undefined }
  | { readonly kind: 'photo-changed' | 'photo-removed' | 'background-set' | 'background-removed' }
  | { readonly kind: 'location-sharing-started' | 'location-sharing-stopped'; readonly rawDirection: number }
  | { readonly kind: 'audio-kept' | 'shared-activity' }
  | { readonly kind: 'unknown'; readonly rawItemType: number; readonly rawActionType: number };

/** How a message is presented. */
export interface MessageEffect {
  readonly kind: 'bubble' | 'screen' | 'unknown';
  /** E.g. `slam`, `confetti`; `unknown` with an id that this package does not know. */
  readonly name: string;
  /** Apple's identifier, verbatim. */
  readonly id: string;
}

/** A message whose sending was put off (Send Later, from iOS 18). Its `date` may lie in the future. */
export interface ScheduleInfo {
  /** Apple's number of the kind of schedule. */
  readonly type: number;
  /** Apple's number of its state. */
  readonly state: number;
  /** Whether it was still to be sent when the backup was made. */
  readonly isPending: boolean;
}

/** That a message is in "Recently Deleted". */
export interface Deletion {
  /** When it was deleted; iOS keeps it for 30 to 40 days. */
  readonly date: Date | undefined;
  /** The chats that it was deleted from. */
  readonly chatIds: readonly number[];
}

/** One deleted part of a message that otherwise stays. */
export interface DeletedPart extends MessageBody {
  readonly part: number | undefined;
  readonly date: Date | undefined;
}

/** What a row is. */
export type MessageKind = 'message' | 'app' | 'reaction' | 'poll-vote' | 'group-event';

/** One message, or one event of a conversation. */
export interface Message extends MessageBody {
  /** ROWID in `message`. */
  readonly rowId: number;
  /** The same on all devices of both sides. */
  readonly guid: string;
  readonly kind: MessageKind;
  /** ROWIDs of the chats that it is in: none for an orphan, several where chats were merged. */
  readonly chatIds: readonly number[];
  /** Of the row, else of the sender's handle. */
  readonly service: MessageService | undefined;
  readonly isFromMe: boolean;
  /** Who sent it; `undefined` for the owner, and where the row names nobody. */
  readonly sender: Party | undefined;
  /** ROWID in `handle` that the row states, 0 for none; it may point nowhere. */
  readonly handleId: number;
  /** Which of the owner's addresses sent or received it, where known. */
  readonly ownerAddress: string | undefined;
  readonly subject: string | undefined;
  /** When it was sent, or will be (see {@link ScheduleInfo}); for received ones when it arrived. */
  readonly date: Date | undefined;
  /** The same in nanoseconds since 2001-01-01 UTC. */
  readonly dateNs: bigint | undefined;
  readonly dateDelivered: Date | undefined;
  readonly dateRead: Date | undefined;
  readonly datePlayed: Date | undefined;
  /** When it was edited or a part of it was unsent. */
  readonly dateEdited: Date | undefined;
  /** When it was unsent as a whole. */
  readonly dateRetracted: Date | undefined;
  /** Text, attachments and gaps in order. */
  readonly parts: readonly MessagePart[];
  /** In the order in which the text has them. */
  readonly attachments: readonly Attachment[];
  /** What counts now: removed and replaced ones are left out. Oldest first. */
  readonly reactions: readonly Reaction[];
  /** With kind `reaction`. */
  readonly reactionEvent: ReactionEvent | undefined;
  readonly replyTo: ReplyTarget | undefined;
  readonly edits: readonly EditHistory[];
  /** Indexes of the parts that the sender took back. */
  readonly unsentParts: readonly number[];
  readonly groupEvent: GroupEvent | undefined;
  readonly effect: MessageEffect | undefined;
  /** A link preview, poll, payment or other content of an app. */
  readonly app: AppMessage | undefined;
  readonly schedule: ScheduleInfo | undefined;
  readonly deletion: Deletion | undefined;
  readonly deletedParts: readonly DeletedPart[];
  readonly isRead: boolean;
  readonly isSent: boolean;
  readonly isDelivered: boolean;
  readonly isPlayed: boolean;
  readonly isAudio: boolean;
  /** Whether it disappears after it was played, unless it is kept. */
  readonly isExpirable: boolean;
  readonly isAutoReply: boolean;
  readonly isForward: boolean;
  readonly isSystem: boolean;
  readonly isSpam: boolean;
  /** Whether it went or came by satellite, or waits for one. From iOS 17. */
  readonly isOffGrid: boolean;
  /** Whether an iMessage went out as SMS. */
  readonly wasDowngraded: boolean;
  /** 0 where all went well, else Apple's number for the failure. */
  readonly error: number;
  /** How a filter sorted it in, from iOS 26. */
  readonly filter: 'allowed' | 'junk' | 'promotion' | 'transaction' | 'unknown' | undefined;
  /** Whether the row was read from a damaged database, apart from the rest. */
  readonly isRecovered: boolean;
}

/** A chat as the database has it: one service, one set of people. */
export interface Chat {
  /** ROWID in `chat`. */
  readonly rowId: number;
  /** E.g. `iMessage;-;+15550100` for one person, `iMessage;+;chat123` for a group. */
  readonly guid: string;
  /** Equal for the chats that people see as one conversation. */
  readonly conversationId: string;
  /** Address of the person, or name of the room. */
  readonly identifier: string | undefined;
  readonly kind: 'direct' | 'group';
  /** Apple's number: 43 for groups, 45 for one person. */
  readonly style: number | undefined;
  /** Name that the group was given. */
  readonly displayName: string | undefined;
  readonly roomName: string | undefined;
  readonly groupId: string | undefined;
  readonly originalGroupId: string | undefined;
  readonly service: MessageService | undefined;
  /** Everybody but the owner. */
  readonly participants: readonly Party[];
  /** The owner's address that this chat was last used with. */
  readonly ownerAddress: string | undefined;
  /** `Attachment.guid` of the group's photo. */
  readonly groupPhotoGuid: string | undefined;
  readonly isArchived: boolean;
  /** Whether it is among "Unknown Senders" or filtered otherwise. */
  readonly isFiltered: boolean;
  /** Up to when its messages were read. */
  readonly lastRead: Date | undefined;
}

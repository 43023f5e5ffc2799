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
  /** What the form of the address tells. */
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
  /** Where the text comes from, or why there is none. */
  readonly bodyState: BodyState;
  /** All of the text in stretches, in order. Empty where there is no attributed body, or none that fits the text. */
  readonly runs: readonly TextRun[];
}

/** What a message consists of, in the order in which it is shown. */
export type MessagePart =
  | {
      /** A stretch of text between attachments. */
      readonly kind: 'text';
      /** Index of the part; reactions, edits and unsends refer to it. */
      readonly index: number;
      /** The text of this stretch. */
      readonly text: string;
      /** Start in {@link MessageBody.text}, in UTF-16 units. */
      readonly start: number;
    }
  | {
      /** A file in its place. */
      readonly kind: 'attachment';
      /** Index of the part. */
      readonly index: number;
      /** `Attachment.guid`; `undefined` where neither the text nor a row names the file. */
      readonly attachmentGuid: string | undefined;
      /** Position of its U+FFFC in {@link MessageBody.text}, in UTF-16 units; 0 without text. */
      readonly start: number;
    }
  | {
      /** The content of an app: {@link Message.app}. */
      readonly kind: 'app';
      /** Index of the part, always 0. */
      readonly index: number;
    }
  | {
      /** A part that the sender took back. */
      readonly kind: 'unsent';
      /** Index that the part had. */
      readonly index: number;
    };

/** A file that came with a message. */
export interface Attachment {
  /** ROWID in `attachment`. */
  readonly rowId: number;
  /** Identifier by which text runs and groups refer to it; `''` where the row has none. */
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
  /** Media type that the database states, e.g. `image/heic`. */
  readonly mimeType: string | undefined;
  /** Uniform type identifier, e.g. `public.jpeg`. */
  readonly uti: string | undefined;
  /** Size in bytes that the database states. */
  readonly size: number | undefined;
  /** When the row was made, to the second; `undefined` where it states no date. */
  readonly created: Date | undefined;
  /** Whether the owner sent it. */
  readonly isOutgoing: boolean;
  /** Apple's number for how far the transfer came; it does not tell whether the file is in the backup. */
  readonly transferState: number | undefined;
  /** Whether Messages does not show it as a file, e.g. the picture of a link preview. */
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
  /** `guid` of that row. */
  readonly guid: string;
  /** `unknown` for a number that this package does not know. */
  readonly kind: ReactionKind;
  /** Apple's number, e.g. 2000 for `love`. */
  readonly rawType: number;
  /** With kind `emoji`. */
  readonly emoji: string | undefined;
  /** With a sticker. */
  readonly attachment: Attachment | undefined;
  /** Whether the owner reacted. */
  readonly isFromMe: boolean;
  /** Who reacted; `undefined` for the owner. */
  readonly sender: Party | undefined;
  /** When the person reacted; `undefined` where the row states no date. */
  readonly date: Date | undefined;
  /** Index of the part that it is on. `undefined` for the app balloon, or the message as a whole. */
  readonly part: number | undefined;
}

/** A row that is a reaction by itself: its target is not there, or reactions were asked for separately. */
export interface ReactionEvent {
  /** Whether the row puts the reaction there or takes it back. */
  readonly action: 'add' | 'remove';
  /** The reaction that is added, or one of the kind that is removed. */
  readonly reaction: Reaction;
  /** `guid` of the message that it is about; `''` where the row names none. */
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
  /** Length of that stretch in UTF-16 units. */
  readonly length: number | undefined;
}

/** The history of one part of an edited message. */
export interface EditHistory {
  /** Index of the part, as in {@link MessagePart}. */
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
  | {
      /** The sender, or the owner, added or removed somebody. */
      readonly kind: 'participant-added' | 'participant-removed';
      /** Who was added or removed; `undefined` where the row names nobody who is in the database. */
      readonly participant: Party | undefined;
    }
  | {
      /** A participant changed the phone number or address. */
      readonly kind: 'number-changed';
      /** The new number or address; `undefined` where it is not in the database. */
      readonly participant: Party | undefined;
    }
  | {
      /** The sender left, or the owner did. */
      readonly kind: 'participant-left';
    }
  | {
      /** The group was named, or its name was taken away. */
      readonly kind: 'renamed';
      /** The new name; `undefined` where it has none any more. */
      readonly name: string | undefined;
    }
  | {
      /** The photo of the group or the background of the conversation was changed. */
      readonly kind: 'photo-changed' | 'photo-removed' | 'background-set' | 'background-removed';
    }
  | {
      /** Somebody began or ended to share the location. */
      readonly kind: 'location-sharing-started' | 'location-sharing-stopped';
      /** `share_direction` of the row, 0 where it has none. */
      readonly rawDirection: number;
    }
  | {
      /** An audio message was kept; something was shared over SharePlay or FaceTime. */
      readonly kind: 'audio-kept' | 'shared-activity';
    }
  | {
      /** An event that this package does not know. */
      readonly kind: 'unknown';
      /** `item_type` of the row. */
      readonly rawItemType: number;
      /** `group_action_type` of the row. */
      readonly rawActionType: number;
    };

/** How a message is presented. */
export interface MessageEffect {
  /** Whether it is on the bubble or fills the screen; `unknown` with an id that this package does not know. */
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
  /** Index of the part, as in {@link MessagePart}; `undefined` where the row states none. */
  readonly part: number | undefined;
  /** When it was deleted; `undefined` where the row states no date. */
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
  /** What the row is, and which of the fields below to look at. */
  readonly kind: MessageKind;
  /** ROWIDs of the chats that it is in: none for an orphan, several where chats were merged. */
  readonly chatIds: readonly number[];
  /** Of the row, else of the sender's handle. */
  readonly service: MessageService | undefined;
  /** Whether the owner sent it. */
  readonly isFromMe: boolean;
  /** Who sent it; `undefined` for the owner, and where the row names nobody. */
  readonly sender: Party | undefined;
  /** ROWID in `handle` that the row states, 0 for none; it may point nowhere. */
  readonly handleId: number;
  /** Which of the owner's addresses sent or received it, where known. */
  readonly ownerAddress: string | undefined;
  /** Subject line, which the sender may add; `undefined` without one. */
  readonly subject: string | undefined;
  /** When it was sent, or will be (see {@link ScheduleInfo}); for received ones when it arrived. */
  readonly date: Date | undefined;
  /** The same in nanoseconds since 2001-01-01 UTC. */
  readonly dateNs: bigint | undefined;
  /** When it was delivered; `undefined` where the service did not say so. */
  readonly dateDelivered: Date | undefined;
  /** When it was read: by the owner, or by the other side where that sends read receipts. */
  readonly dateRead: Date | undefined;
  /** When its audio was played; `undefined` where it was not. */
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
  /** What it replies to in a thread, from iOS 14. `undefined` for other messages. */
  readonly replyTo: ReplyTarget | undefined;
  /** Former versions of its parts, from iOS 16. Empty where it was never edited. */
  readonly edits: readonly EditHistory[];
  /** Indexes of the parts that the sender took back. */
  readonly unsentParts: readonly number[];
  /** With kind `group-event`; `undefined` for messages. */
  readonly groupEvent: GroupEvent | undefined;
  /** Bubble or screen effect, from iOS 10. `undefined` where it was sent without. */
  readonly effect: MessageEffect | undefined;
  /** A link preview, poll, payment or other content of an app. */
  readonly app: AppMessage | undefined;
  /** Send Later, from iOS 18. `undefined` for messages that were sent at once. */
  readonly schedule: ScheduleInfo | undefined;
  /** `undefined` where it is not in "Recently Deleted". */
  readonly deletion: Deletion | undefined;
  /** Parts of it that are in "Recently Deleted", from iOS 16. */
  readonly deletedParts: readonly DeletedPart[];
  /** Whether it was read; of own messages only where the other side sends read receipts. */
  readonly isRead: boolean;
  /** Whether an own message has left the device. */
  readonly isSent: boolean;
  /** Whether an own message has arrived, as far as the service tells. */
  readonly isDelivered: boolean;
  /** Whether its audio was played. */
  readonly isPlayed: boolean;
  /** Whether it is a voice message. */
  readonly isAudio: boolean;
  /** Whether it disappears after it was played, unless it is kept. */
  readonly isExpirable: boolean;
  /** Whether the device answered by itself, e.g. while its owner was driving. */
  readonly isAutoReply: boolean;
  /** Whether the row is marked as forwarded. */
  readonly isForward: boolean;
  /** Whether the row is marked as a message of the system and not of a person. */
  readonly isSystem: boolean;
  /** Whether iOS took it for spam; never before iOS 12. */
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
  /** `group` where the style is 43, else `direct`. */
  readonly kind: 'direct' | 'group';
  /** Apple's number: 43 for groups, 45 for one person. */
  readonly style: number | undefined;
  /** Name that the group was given. */
  readonly displayName: string | undefined;
  /** Name of the room, e.g. `chat123`; `undefined` for chats with one person. */
  readonly roomName: string | undefined;
  /** Equal for the chats of one group. MMS groups have none. */
  readonly groupId: string | undefined;
  /** {@link Chat.groupId} that the group had first. MMS groups have none. */
  readonly originalGroupId: string | undefined;
  /** Service that its messages go by. */
  readonly service: MessageService | undefined;
  /** Everybody but the owner. */
  readonly participants: readonly Party[];
  /** The owner's address that this chat was last used with. */
  readonly ownerAddress: string | undefined;
  /** `Attachment.guid` of the group's photo. */
  readonly groupPhotoGuid: string | undefined;
  /** Whether the row is marked as archived; false where the schema cannot tell. */
  readonly isArchived: boolean;
  /** Whether it is among "Unknown Senders" or filtered otherwise. */
  readonly isFiltered: boolean;
  /** Up to when its messages were read. */
  readonly lastRead: Date | undefined;
}

import type { Party, Reaction, ReactionEvent, ReactionKind } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Reactions".

/** Types of `associated_message_type`, with the number that takes each back. */
const stickerType = 1000;
const firstReaction = 2000;
const firstRemoval = 3000;
const pollVoteType = 4000;

const kinds: readonly ReactionKind[] = [
  'love',
  'like',
  'dislike',
  'laugh',
  'emphasize',
  'question',
  'emoji',
  'sticker',
];

/** Whether rows of this type say something about another message. */
export function isReactionType(type: number): boolean {
  return type >= stickerType && type < pollVoteType;
}

/** Whether rows of this type are votes in a poll. */
export function isPollVoteType(type: number): boolean {
  return type === pollVoteType;
}

/** Kind of a reaction, and whether the row puts it there or takes it back. */
export function reactionOf(type: number): { kind: ReactionKind; action: ReactionEvent['action'] } {
  if (type === stickerType) return { kind: 'placed-sticker', action: 'add' };
  const isRemoval = type >= firstRemoval;
  const kind = kinds[type - (isRemoval ? firstRemoval : firstReaction)] ?? 'unknown';
  return { kind, action: isRemoval ? 'remove' : 'add' };
}

/** What an `associated_message_guid` points at. */
export interface AssociatedTarget {
  readonly guid: string;
  /** `undefined` for an app balloon and for the message as a whole. */
  readonly part: number | undefined;
}

/** Takes an `associated_message_guid` apart: `p:0/GUID`, `bp:GUID` or the GUID alone. */
export function associatedTarget(value: string): AssociatedTarget {
  const match = /^p:(\d{1,6})\/(.*)$/s.exec(value);
  if (match !== null) return { guid: match[2] ?? '', part: Number(match[1]) };
  return { guid: value.startsWith('bp:') ? value.slice(3) : value, part: undefined };
}

/**
 * What counts of the reactions to one message, given oldest first: a person has one reaction on each part, so that a new one
 * replaces the former; a removal takes back the reaction of its kind. Stickers that were placed stay.
 */
export function foldReactions(events: readonly ReactionEvent[]): readonly Reaction[] {
  const live = new Map<string, Reaction>();
  for (const { action, reaction } of events) {
    if (reaction.kind === 'placed-sticker') {
      live.set(`sticker ${reaction.rowId}`, reaction);
      continue;
    }
    const key = `${personKey(reaction)} ${reaction.part ?? 0}`;
    if (action === 'add') {
      live.delete(key);
      live.set(key, reaction);
    } else if (isSameReaction(live.get(key), reaction)) {
      live.delete(key);
    }
  }
  return [...live.values()];
}

function isSameReaction(present: Reaction | undefined, removed: Reaction): boolean {
  if (present?.kind !== removed.kind) return false;
  return present.emoji === removed.emoji || present.emoji === undefined || removed.emoji === undefined;
}

/** Who reacted. One person may do so from a phone number and from an e-mail address. */
export function personKey(row: { readonly isFromMe: boolean; readonly sender: Party | undefined }): string {
  if (row.isFromMe) return 'me';
  if (row.sender === undefined) return 'unknown';
  return row.sender.personId ?? row.sender.canonicalAddress;
}

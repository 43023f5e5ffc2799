import { base64Decode, utf8Decode } from '../../core/bytes.js';
import { parseAddress } from '../shared/address.js';
import type { AppMessageBase, Poll, PollOption } from './app-types.js';

// FORMAT facts: docs/datasets/messages.md, "Polls".

/** The JSON object inside a poll's URL, under `item`; nothing in it is certain. */
export type PollItem = Readonly<Record<string, unknown>>;

/** A row that changes a poll: its votes, or a new list of options. Oldest first. */
export interface PollChange {
  readonly kind: 'vote' | 'update';
  readonly item: PollItem | undefined;
  /** Address of the person whose row it is, where known. */
  readonly address: string | undefined;
}

/** The content of a poll from its URL, `data:,` with JSON in base64 or in percent encoding. */
export function pollItem(url: string | undefined, onProblem: (cause: unknown) => void): PollItem | undefined {
  if (url === undefined || !url.startsWith('data:')) return undefined;
  const content = url.slice(url.indexOf(',') + 1);
  try {
    const plain = decodeURIComponent(content);
    const json: unknown = JSON.parse(plain.trimStart().startsWith('{') ? plain : utf8Decode(base64Decode(plain)));
    const item = isRecord(json) ? json['item'] : undefined;
    return isRecord(item) ? item : undefined;
  } catch (error) {
    onProblem(error);
    return undefined;
  }
}

/** A poll as it was created, with the changes that came later. */
export function pollOf(base: AppMessageBase, item: PollItem | undefined, changes: readonly PollChange[] = []): Poll {
  let title = text(item?.['title']);
  let options = optionsOf(item);
  /** Each person's current choice: a vote states all options that the person is for. */
  const choices = new Map<string, { voter: string; optionIds: readonly string[] }>();
  for (const change of [{ kind: 'vote', item, address: undefined } as const, ...changes]) {
    if (change.kind === 'update') {
      title = text(change.item?.['title']) ?? title;
      const updated = optionsOf(change.item);
      if (updated.length > 0) options = updated;
    }
    if (change.item === undefined) continue;
    if (change.kind === 'vote' && change.address !== undefined) choices.delete(keyOf(change.address));
    for (const { voter, optionIds } of votesOf(change.item)) choices.set(keyOf(voter), { voter, optionIds });
  }
  const voters = new Map<string, string[]>(options.map(({ id }) => [id, []]));
  for (const { voter, optionIds } of choices.values()) {
    for (const optionId of new Set(optionIds)) voters.get(optionId)?.push(voter);
  }
  return {
    ...base,
    kind: 'poll',
    title,
    options: options.map((option) => ({ ...option, voters: voters.get(option.id) ?? [] })),
  };
}

function keyOf(address: string): string {
  return parseAddress(address).canonical;
}

function optionsOf(item: PollItem | undefined): readonly PollOption[] {
  return records(item?.['orderedPollOptions']).flatMap((option) => {
    const id = text(option['optionIdentifier']);
    if (id === undefined) return [];
    return [{ id, text: text(option['text']) ?? '', creator: text(option['creatorHandle']), voters: [] }];
  });
}

function votesOf(item: PollItem): { voter: string; optionIds: string[] }[] {
  const votes = new Map<string, string[]>();
  for (const vote of records(item['votes'])) {
    const voter = text(vote['participantHandle'])?.replace(/^(?:mailto|tel):/, '');
    const optionId = text(vote['voteOptionIdentifier']);
    if (voter === undefined || optionId === undefined) continue;
    const optionIds = votes.get(voter);
    if (optionIds === undefined) votes.set(voter, [optionId]);
    else optionIds.push(optionId);
  }
  return [...votes].map(([voter, optionIds]) => ({ voter, optionIds }));
}

function records(value: unknown): PollItem[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is PollItem {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

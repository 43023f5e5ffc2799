import {
  decodeAttributedString,
  isKindOf,
  type AttributedString,
  type AttributeRun,
  type FoundationValue,
} from '../shared/foundation.js';
import { salvageText } from '../shared/salvage-text.js';
import { readTypedStream } from '../shared/typedstream.js';
import type { MessageBody, TextEffect, TextFormat, TextRun } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Attributed bodies".

/** A body without any text. */
export const emptyBody: MessageBody = { text: undefined, bodyState: 'empty', runs: [] };

/** Called where a body cannot be decoded as it should be. */
export type OnBodyProblem = (kind: 'body-undecoded' | 'body-salvaged' | 'body-runs-undecoded', cause: unknown) => void;

/**
 * The body of a row: the plain column where it has content, with the runs of the attributed body where that agrees; else the
 * attributed body alone. A body that is there and cannot be decoded is `undecoded`, never empty.
 */
export function readBody(
  text: string | undefined,
  attributedBody: Uint8Array | undefined,
  onProblem: OnBodyProblem,
): MessageBody {
  if (attributedBody === undefined) {
    return text === undefined || text === '' ? emptyBody : { text, bodyState: 'text', runs: [] };
  }
  let decoded: AttributedString;
  try {
    decoded = decodeBody(attributedBody);
  } catch (error) {
    if (text !== undefined && text !== '') {
      onProblem('body-runs-undecoded', error);
      return { text, bodyState: 'text', runs: [] };
    }
    const salvaged = salvageText(attributedBody);
    if (salvaged === undefined) {
      onProblem('body-undecoded', error);
      return { text: undefined, bodyState: 'undecoded', runs: [] };
    }
    onProblem('body-salvaged', error);
    return { text: salvaged, bodyState: 'salvaged', runs: [] };
  }
  const runs = decoded.runs.map((run) => textRun(run));
  if (text === decoded.text && text !== '') return { text, bodyState: 'text', runs };
  if (text !== undefined && text !== '') return { text, bodyState: 'text', runs: [] };
  return decoded.text === '' ? emptyBody : { text: decoded.text, bodyState: 'attributed', runs };
}

function decodeBody(bytes: Uint8Array): AttributedString {
  const [group] = readTypedStream(bytes).groups;
  const object = group?.values[0];
  if (typeof object !== 'object' || !('kind' in object) || object.kind !== 'object') {
    throw new TypeError('The archive holds no object');
  }
  if (!isKindOf(object, 'NSAttributedString')) throw new TypeError('The archive holds no attributed string');
  return decodeAttributedString(object);
}

const attribute = {
  part: '__kIMMessagePartAttributeName',
  transferGuid: '__kIMFileTransferGUIDAttributeName',
  mention: '__kIMMentionConfirmedMention',
  link: '__kIMLinkAttributeName',
  oneTimeCode: '__kIMOneTimeCodeAttributeName',
  dataDetected: '__kIMDataDetectedAttributeName',
  calendarEvent: '__kIMCalendarEventAttributeName',
  effect: '__kIMTextEffectAttributeName',
  transcription: 'IMAudioTranscription',
} as const;

const formatAttributes: readonly (readonly [string, TextFormat])[] = [
  ['__kIMTextBoldAttributeName', 'bold'],
  ['__kIMTextItalicAttributeName', 'italic'],
  ['__kIMTextUnderlineAttributeName', 'underline'],
  ['__kIMTextStrikethroughAttributeName', 'strikethrough'],
];

const effects = new Map<number, TextEffect>([
  [4, 'ripple'],
  [5, 'big'],
  [6, 'bloom'],
  [8, 'nod'],
  [9, 'shake'],
  [10, 'jitter'],
  [11, 'small'],
  [12, 'explode'],
]);

function textRun({ start, length, attributes }: AttributeRun): TextRun {
  const effect = attributes.get(attribute.effect);
  const link = attributes.get(attribute.link);
  return {
    start,
    length,
    part: numberIn(attributes.get(attribute.part)),
    attachmentGuid: stringIn(attributes.get(attribute.transferGuid)),
    mention: stringIn(attributes.get(attribute.mention)),
    link: link instanceof URL ? link.href : stringIn(link),
    formats: formatAttributes.filter(([name]) => isSet(attributes.get(name))).map(([, format]) => format),
    effect: typeof effect === 'number' ? (effects.get(effect) ?? 'unknown') : undefined,
    isOneTimeCode: attributes.has(attribute.oneTimeCode),
    isDataDetected: attributes.has(attribute.dataDetected) || attributes.has(attribute.calendarEvent),
    transcription: stringIn(attributes.get(attribute.transcription)),
  };
}

function isSet(value: FoundationValue): boolean {
  return value === true || (typeof value === 'number' && value !== 0);
}

function stringIn(value: FoundationValue): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberIn(value: FoundationValue): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

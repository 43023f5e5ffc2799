import { cocoaSecondsFromDate } from '../../../core/apple-time.js';
import { base64Encode, concatBytes, utf8Encode } from '../../../core/bytes.js';
import { writeBinaryPlist } from '../../../plist/binary-write.js';
import { PlistReal } from '../../../plist/types.js';
import type { MessageSpec, PollSpec } from './messages-spec.js';
import { writeTypedStream, type ArchivableValue } from './typedstream-writer.js';

// FORMAT facts: docs/datasets/messages.md.

const partName = '__kIMMessagePartAttributeName';
const transferName = '__kIMFileTransferGUIDAttributeName';

/** An attributed body as Messages archives it: one part for each attachment (U+FFFC) and each text between them. */
export function attributedBody(
  text: string,
  options: { spans?: MessageSpec['spans']; attachmentGuids?: readonly string[] } = {},
): Uint8Array {
  const { spans = [], attachmentGuids = [] } = options;
  const borders = new Set([0, text.length]);
  for (const { start, length } of spans) borders.add(start).add(start + length);
  for (const { index } of text.matchAll(/\uFFFC/g)) borders.add(index).add(index + 1);
  const cuts = [...borders].filter((border) => border <= text.length).sort((a, b) => a - b);
  const guids = [...attachmentGuids];
  let part = -1;
  let isText = false;
  const runs = cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1] ?? text.length;
    const isAttachment = text[start] === '\uFFFC';
    if (isAttachment || !isText) part++;
    isText = !isAttachment;
    const guid = isAttachment ? guids.shift() : undefined;
    const attributes: Record<string, ArchivableValue> = { [partName]: part };
    if (guid !== undefined) attributes[transferName] = guid;
    for (const span of spans) {
      if (span.start <= start && end <= span.start + span.length) Object.assign(attributes, span.attributes);
    }
    return { length: end - start, attributes };
  });
  return writeTypedStream({ text, runs });
}

/** `message_summary_info` of an edited or unsent message; `undefined` for others. */
export function summaryInfo(message: MessageSpec, date: Date): Uint8Array | undefined {
  const { edits = [], unsent } = message;
  const unsentParts = unsent === true ? [0] : unsent === false || unsent === undefined ? [] : [...unsent];
  if (edits.length === 0 && unsentParts.length === 0) return undefined;
  const versions = [...edits, { text: message.text ?? '', date: undefined }];
  const parts = Math.max(1, ...unsentParts.map((part) => part + (unsent === true ? 1 : 2)));
  return writeBinaryPlist({
    otr: Object.fromEntries(Array.from({ length: parts }, (_, part) => [String(part), { lo: 0, le: 1 }])),
    ...(edits.length > 0 && {
      ec: {
        '0': versions.map((version, index) => ({
          d: new PlistReal(cocoaSecondsFromDate(version.date ?? new Date(date.getTime() + index * 60_000))),
          t: attributedBody(version.text),
        })),
      },
      ep: [0],
    }),
    ...(unsentParts.length > 0 && { rp: unsentParts }),
    ust: true,
  });
}

/** JSON of a poll in the form in which its URL carries it. */
export function pollUrl(item: Readonly<Record<string, unknown>>): string {
  return `data:,${base64Encode(utf8Encode(JSON.stringify({ version: 1, item })))}`;
}

/** The options of a poll as its JSON has them. */
export function pollOptions(options: PollSpec['options'], creator: string): object[] {
  return Object.entries(options).map(([optionIdentifier, text]) => ({
    optionIdentifier,
    text,
    creatorHandle: creator,
    canBeEdited: false,
  }));
}

/** An attributed body of which nothing is left but its beginning. */
export function truncatedBody(): Uint8Array {
  return attributedBody('lost').subarray(0, 20);
}

/** An attributed body that states a longer text than it has: the text is there, but only for those who look for it. */
export function garbageBody(text: string): Uint8Array {
  const whole = attributedBody('');
  // Up to the type encoding of the text; what follows is its length, 0, and the end of the object.
  const head = whole.subarray(0, whole.lastIndexOf(0x2b) + 1);
  return concatBytes([head, Uint8Array.of(0x81, 0xff, 0x7f), utf8Encode(text), Uint8Array.of(0x86, 0x84)]);
}

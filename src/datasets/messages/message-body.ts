import { parsePlist } from '../../plist/parse.js';
import type { PlistValue } from '../../plist/types.js';
import type { DatasetContext } from '../shared/session.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import { cocoaDateOf } from '../shared/times.js';
import { bytesOf, integerOf, textOf } from '../shared/values.js';
import { emptyBody, readBody, type OnBodyProblem } from './body.js';
import { noSummary, summaryInfoOf, type SummaryInfo } from './summary-info.js';
import type { Attachment, DeletedPart, MessageBody, MessagePart, TextRun } from './types.js';

const problemMessages = {
  'body-undecoded': 'cannot be decoded; the text is unknown',
  'body-salvaged': 'is damaged; its text was recovered by pattern and may be cut',
  'body-runs-undecoded': 'cannot be decoded; links, mentions and formats are unknown',
} as const;

/** The text of a message and its history. */
export interface MessageContent extends MessageBody, Pick<SummaryInfo, 'edits' | 'unsentParts'> {
  readonly parts: readonly MessagePart[];
  readonly attachments: readonly Attachment[];
}

/** Reads the text of a row with what it says of edits and unsends, and puts its attachments where they belong. */
export function readContent(
  row: SqliteRow,
  attachments: readonly Attachment[],
  context: DatasetContext,
): MessageContent {
  const rowId = integerOf(row['ROWID']);
  const summary = readSummary(row, context);
  const body = currentBody(row, summary, problemReporter(context, 'message', { rowId, field: 'attributedBody' }));
  const placed = placeAttachments(body, attachments);
  return {
    ...body,
    edits: summary.edits,
    unsentParts: summary.unsentParts,
    attachments: placed,
    parts: partsOf(body, placed, {
      hasApp: textOf(row['balloon_bundle_id']) !== undefined,
      unsentParts: summary.unsentParts,
    }),
  };
}

/** One row of `recoverable_message_part`. */
export function readDeletedPart(row: SqliteRow, messageId: number, context: DatasetContext): DeletedPart {
  const onProblem = problemReporter(context, 'recoverable_message_part', { rowId: messageId, field: 'part_text' });
  const content = row['part_text'];
  return {
    ...(typeof content === 'string'
      ? readBody(content, undefined, onProblem)
      : readBody(undefined, bytesOf(content), onProblem)),
    part: integerOf(row['part_index']),
    date: cocoaDateOf(row['delete_date']),
  };
}

function currentBody(row: SqliteRow, summary: SummaryInfo, onProblem: OnBodyProblem): MessageBody {
  const body = readBody(textOf(row['text']), bytesOf(row['attributedBody']), onProblem);
  if (body.bodyState !== 'empty') return body;
  const isUnsent = summary.unsentParts.length > 0 && summary.unsentParts.length >= Math.max(1, summary.originalParts);
  if (isUnsent || cocoaDateOf(row['date_retracted']) !== undefined) return { ...emptyBody, bodyState: 'unsent' };
  return bodyFromEdits(summary) ?? body;
}

/** Rows of edited messages without a body of their own: the last version of each part. */
function bodyFromEdits(summary: SummaryInfo): MessageBody | undefined {
  const latest = summary.edits.flatMap(({ part, versions }) => {
    const version = versions.at(-1);
    return version?.text === undefined || summary.unsentParts.includes(part) ? [] : [version];
  });
  const [only] = latest;
  if (only === undefined) return undefined;
  if (latest.length === 1) return { text: only.text, bodyState: only.bodyState, runs: only.runs };
  return { text: latest.map(({ text }) => text).join(''), bodyState: 'attributed', runs: [] };
}

/** Attachments in the order of the text. The text names them by guid; where it does not, they follow the join. */
function placeAttachments(body: MessageBody, attachments: readonly Attachment[]): readonly Attachment[] {
  if (attachments.length === 0) return attachments;
  const left = new Map(attachments.map((attachment) => [attachment.guid, attachment]));
  const slots = [...(body.text ?? '').matchAll(/\uFFFC/g)].map(({ index }) => ({
    index,
    run: body.runs[runIndexAt(body.runs, index)],
  }));
  const named = new Map<number, Attachment>();
  for (const { index, run } of slots) {
    const attachment = run?.attachmentGuid === undefined ? undefined : left.get(run.attachmentGuid);
    if (attachment === undefined) continue;
    left.delete(attachment.guid);
    named.set(index, attachment);
  }
  const rest = [...left.values()];
  const unnamed = rest.filter(({ isHidden }) => !isHidden);
  const placed = slots.flatMap(({ index, run }) => {
    const attachment = named.get(index) ?? unnamed.shift();
    return attachment === undefined ? [] : [{ ...attachment, position: index, part: run?.part }];
  });
  const placedIds = new Set(placed.map(({ rowId }) => rowId));
  return [...placed, ...rest.filter(({ rowId }) => !placedIds.has(rowId))];
}

function partsOf(
  body: MessageBody,
  attachments: readonly Attachment[],
  row: { hasApp: boolean; unsentParts: readonly number[] },
): readonly MessagePart[] {
  const parts: MessagePart[] = [];
  if (row.hasApp) parts.push({ kind: 'app', index: 0 });
  else parts.push(...textParts(body, attachments));
  for (const index of row.unsentParts) parts.push({ kind: 'unsent', index });
  // A stable sort: pieces of one part keep the order of the text.
  return parts.sort((a, b) => a.index - b.index);
}

function textParts(body: MessageBody, attachments: readonly Attachment[]): MessagePart[] {
  const { text } = body;
  if (text === undefined || text === '') {
    return attachments
      .filter(({ isHidden }) => !isHidden)
      .map((attachment, index) => ({ kind: 'attachment', index, attachmentGuid: attachment.guid, start: 0 }));
  }
  const atPosition = new Map(attachments.map((attachment) => [attachment.position, attachment.guid]));
  const parts: MessagePart[] = [];
  for (const { 0: piece, index: start } of text.matchAll(/\uFFFC|[^\uFFFC]+/g)) {
    if (piece === '\uFFFC') {
      const run = body.runs[runIndexAt(body.runs, start)];
      parts.push({
        kind: 'attachment',
        index: run?.part ?? parts.length,
        attachmentGuid: atPosition.get(start) ?? run?.attachmentGuid,
        start,
      });
    } else {
      parts.push(...piecesByPart(body, { piece, start, index: parts.length }));
    }
  }
  return parts;
}

/** Text between two attachments may be of several parts: what was sent as one message in pieces. */
function piecesByPart(
  { runs }: MessageBody,
  { piece, start, index }: { piece: string; start: number; index: number },
): MessagePart[] {
  const end = start + piece.length;
  const pieces: { kind: 'text'; index: number; text: string; start: number }[] = [];
  for (let next = runIndexAt(runs, start); next !== -1 && next < runs.length; next++) {
    const run = runs[next];
    if (run === undefined || run.start >= end) break;
    const from = Math.max(run.start, start);
    const to = Math.min(run.start + run.length, end);
    if (from >= to) continue;
    const text = piece.slice(from - start, to - start);
    const last = pieces.at(-1);
    const part = run.part ?? last?.index ?? index;
    if (last?.index === part) last.text += text;
    else pieces.push({ kind: 'text', index: part, text, start: from });
  }
  return pieces.length === 0 ? [{ kind: 'text', index, text: piece, start }] : pieces;
}

/** Index of the run that covers a position, which are in order and without gaps; −1 where there is none. */
function runIndexAt(runs: readonly TextRun[], position: number): number {
  let low = 0;
  let high = runs.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const run = runs[middle];
    if (run === undefined) break;
    if (position < run.start) high = middle - 1;
    else if (position >= run.start + run.length) low = middle + 1;
    else return middle;
  }
  return -1;
}

function readSummary(row: SqliteRow, context: DatasetContext): SummaryInfo {
  const bytes = bytesOf(row['message_summary_info']);
  if (bytes === undefined) return noSummary;
  const rowId = integerOf(row['ROWID']);
  const field = 'message_summary_info';
  let root: PlistValue;
  try {
    root = parsePlist(bytes);
  } catch (cause) {
    context.issue({
      kind: 'summary-undecoded',
      table: 'message',
      rowId,
      field,
      message: `The summary of message ${rowId} cannot be decoded; edits and unsends are unknown`,
      cause,
    });
    return noSummary;
  }
  return summaryInfoOf(root, problemReporter(context, 'message', { rowId, field }));
}

function problemReporter(
  context: DatasetContext,
  table: string,
  at: { rowId: number | undefined; field: string },
): OnBodyProblem {
  return (kind, cause) => {
    context.issue({ kind, table, ...at, message: `The body of message ${at.rowId} ${problemMessages[kind]}`, cause });
  };
}

import type { MessagesStore } from './store.js';
import type { AbortOptions } from '../../core/abort.js';
import { integerOf } from '../shared/values.js';
import { nanosecondsSql } from './sql.js';

/**
 * Which rows are reactions, votes or poll updates of which messages: pairs of ROWIDs, 16 bytes each, so that a message can be
 * given with its reactions although they come later in the database, in flat memory and without an index in the database.
 */
export interface ReactionIndex {
  /** ROWIDs of the rows that belong to a message, oldest first. */
  of(messageId: number): readonly number[];
  /** Whether the row belongs to another one. */
  isFolded(messageId: number): boolean;
}

/** Of a schema without reactions, and where they are asked for separately. */
export const noReactions: ReactionIndex = { of: () => [], isFolded: () => false };

/** `p:0/GUID` for a part, `bp:GUID` for an app balloon, or the GUID alone. */
const targetGuid = `CASE
  WHEN substr(r.associated_message_guid, 1, 3) = 'bp:' THEN substr(r.associated_message_guid, 4)
  WHEN substr(r.associated_message_guid, 1, 2) = 'p:'
    THEN substr(r.associated_message_guid, instr(r.associated_message_guid, '/') + 1)
  ELSE r.associated_message_guid END`;

/** Reads all pairs in one pass. */
export async function readReactionIndex(store: MessagesStore, options: AbortOptions): Promise<ReactionIndex> {
  const { db, tables } = store;
  if (!tables.has('message', 'associated_message_guid') || !tables.has('message', 'associated_message_type')) {
    return noReactions;
  }
  const pollUpdates = tables.has('message', 'balloon_bundle_id')
    ? `OR (r.associated_message_type IN (2, 3) AND r.balloon_bundle_id LIKE '%com.apple.messages.Polls')`
    : '';
  const sql = `SELECT t.ROWID, r.ROWID FROM message r JOIN message t ON t.guid = ${targetGuid}
    WHERE r.associated_message_guid IS NOT NULL AND t.ROWID <> r.ROWID
      AND (r.associated_message_type BETWEEN 1000 AND 4999 ${pollUpdates})
      AND coalesce(t.associated_message_type, 0) < 1000
    ORDER BY t.ROWID, ${nanosecondsSql('r.date')}, r.ROWID`;
  const targets: number[] = [];
  const reactions: number[] = [];
  for await (const rows of db.queryBatches(sql, [], options)) {
    for (const [target, reaction] of rows) {
      targets.push(integerOf(target) ?? 0);
      reactions.push(integerOf(reaction) ?? 0);
    }
  }
  return pairIndex(Float64Array.from(targets), Float64Array.from(reactions));
}

/** `targets` is sorted. */
function pairIndex(targets: Float64Array, reactions: Float64Array): ReactionIndex {
  const folded = reactions.toSorted();
  return {
    of(messageId) {
      const start = lowerBound(targets, messageId);
      let end = start;
      while (targets[end] === messageId) end++;
      return Array.from(reactions.subarray(start, end));
    },
    isFolded: (messageId) => folded[lowerBound(folded, messageId)] === messageId,
  };
}

/** First index whose value is not less than `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

import { dateFromCocoaSeconds } from '../../core/apple-time.js';
import { asArray, asData, asDict, asNumber } from '../../plist/guards.js';
import type { PlistDict, PlistValue } from '../../plist/types.js';
import { readBody, type OnBodyProblem } from './body.js';
import type { EditHistory, EditVersion } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Edits and unsends".

/** What `message_summary_info` tells. */
export interface SummaryInfo {
  readonly edits: readonly EditHistory[];
  /** Parts that were taken back. */
  readonly unsentParts: readonly number[];
  /** Number of parts that the message was sent with; 0 where unknown. */
  readonly originalParts: number;
}

/** Of a message that was never changed. */
export const noSummary: SummaryInfo = { edits: [], unsentParts: [], originalParts: 0 };

/** What the property list in `message_summary_info` tells. */
export function summaryInfoOf(value: PlistValue, onProblem: OnBodyProblem): SummaryInfo {
  const root = asDict(value);
  if (root === undefined) return noSummary;
  return {
    edits: partsOf(root.get('ec')).map(({ part, value }) => ({
      part,
      versions: (asArray(value) ?? []).flatMap((entry) => {
        const version = asDict(entry);
        return version === undefined ? [] : [editVersion(version, onProblem)];
      }),
    })),
    unsentParts: numbersOf(root.get('rp')).sort((a, b) => a - b),
    originalParts: partsOf(root.get('otr')).length,
  };
}

function editVersion(version: PlistDict, onProblem: OnBodyProblem): EditVersion {
  const seconds = asNumber(version.get('d'));
  return {
    ...readBody(undefined, asData(version.get('t')), onProblem),
    date: seconds === undefined ? undefined : dateFromCocoaSeconds(seconds),
  };
}

/** Entries of a dictionary whose keys are part indexes, in order of the parts. */
function partsOf(value: PlistValue | undefined): { part: number; value: PlistValue }[] {
  return [...(asDict(value) ?? [])]
    .filter(([key]) => /^\d{1,6}$/.test(key))
    .map(([key, entry]) => ({ part: Number(key), value: entry }))
    .sort((a, b) => a.part - b.part);
}

function numbersOf(value: PlistValue | undefined): number[] {
  return (asArray(value) ?? []).flatMap((entry) => asNumber(entry) ?? []);
}

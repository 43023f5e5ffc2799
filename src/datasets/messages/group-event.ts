import type { GroupEvent, Party } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Group events".

/** What tells of a group event in a row. */
export interface GroupEventFields {
  readonly itemType: number;
  readonly actionType: number;
  readonly handleId: number;
  readonly otherHandleId: number;
  readonly groupTitle: string | undefined;
  readonly shareStatus: number;
  readonly shareDirection: number;
  /** The party that `otherHandleId` names. */
  readonly participant: Party | undefined;
}

/** The event that a row is; `undefined` for messages. */
export function groupEventOf(fields: GroupEventFields): GroupEvent | undefined {
  const { itemType, actionType, participant } = fields;
  switch (itemType) {
    case 0:
      return undefined;
    case 1:
      if (actionType === 1) return { kind: 'participant-removed', participant };
      if (actionType !== 0) break;
      return fields.otherHandleId !== 0 && fields.otherHandleId === fields.handleId
        ? { kind: 'number-changed', participant }
        : { kind: 'participant-added', participant };
    case 2:
      return { kind: 'renamed', name: fields.groupTitle };
    case 3: {
      const kind = leavesAndLooks.get(actionType);
      if (kind === undefined) break;
      return { kind };
    }
    case 4:
      return {
        kind: fields.shareStatus === 0 ? 'location-sharing-started' : 'location-sharing-stopped',
        rawDirection: fields.shareDirection,
      };
    case 5:
      return { kind: 'audio-kept' };
    case 6:
      return { kind: 'shared-activity' };
  }
  return { kind: 'unknown', rawItemType: itemType, rawActionType: actionType };
}

const leavesAndLooks = new Map([
  [0, 'participant-left' as const],
  [1, 'photo-changed' as const],
  [2, 'photo-removed' as const],
  [4, 'background-set' as const],
  [6, 'background-removed' as const],
]);

import { KeyedArchive } from '../../plist/keyed-archive.js';
import { ArchivedObject, type ArchivedValue } from '../../plist/archived-value.js';
import type { AppCard, AppMessage, AppMessageBase } from './app-types.js';
import { pollItem, pollOf, type PollChange, type PollItem } from './poll.js';
import { associatedTarget } from './reactions.js';

// FORMAT facts: docs/datasets/messages.md, "App messages".

/** What a row says of an app's content. */
export interface AppFields {
  /** `balloon_bundle_id`. */
  readonly bundleId: string | undefined;
  /** `payload_data`. */
  readonly payload: Uint8Array | undefined;
  /** `associated_message_guid`. */
  readonly associatedGuid: string | undefined;
  /** `guid` of the message itself. */
  readonly guid: string | undefined;
}

const linkBundle = 'com.apple.messages.URLBalloonProvider';
const pollBundle = 'com.apple.messages.Polls';

const cardKinds = new Map<string, AppCard['kind']>([
  ['com.apple.Handwriting.HandwritingProvider', 'handwriting'],
  ['com.apple.DigitalTouchBalloonProvider', 'digital-touch'],
  ['com.apple.PassbookUIService.PeerPaymentMessagesExtension', 'apple-cash'],
  ['com.apple.ActivityMessagesApp.MessagesExtension', 'activity'],
  ['com.apple.mobileslideshow.PhotosMessagesApp', 'photos'],
  ['com.apple.SafetyMonitorApp.SafetyMonitorMessages', 'check-in'],
  ['com.apple.findmy.FindMyMessagesApp', 'find-my'],
  ['com.apple.icloud.apps.messages.business.extension', 'business'],
]);

/** Drawings are in a format of their own, not in an archive. */
const drawings: readonly AppCard['kind'][] = ['handwriting', 'digital-touch'];

/**
 * The app content of a row; `undefined` where it has none. Where the content cannot be decoded, `onProblem` is called and what
 * the bundle id alone tells is given.
 */
export function readApp(
  fields: AppFields,
  onProblem: (cause: unknown) => void,
  pollChanges: readonly PollChange[] = [],
): AppMessage | undefined {
  const { payload } = fields;
  if (fields.bundleId === undefined && payload === undefined) return undefined;
  const rawBundleId = fields.bundleId ?? linkBundle;
  const bundleId = withoutWrapper(rawBundleId);
  const kind = cardKinds.get(bundleId) ?? 'third-party';
  const root = payload === undefined || drawings.includes(kind) ? undefined : decode(payload, onProblem);
  // Some previews have no bundle id; other payloads without one are of no known kind.
  if (fields.bundleId === undefined && fieldOf(root, 'richLinkMetadata') === undefined) return undefined;
  const base: AppMessageBase = { bundleId, rawBundleId, updatesGuid: updatesGuid(fields) };
  if (bundleId === linkBundle) return linkPreview(base, root);
  if (bundleId === pollBundle) return pollOf(base, pollItem(textField(root, 'URL'), onProblem), pollChanges);
  return card({ ...base, kind }, root);
}

/** `com.apple.messages.MSMessageExtensionBalloonPlugin:<team id>:<bundle id>` */
function withoutWrapper(bundleId: string): string {
  return /^com\.apple\.messages\.MSMessageExtensionBalloonPlugin:[^:]*:(.+)$/s.exec(bundleId)?.[1] ?? bundleId;
}

function updatesGuid({ associatedGuid, guid }: AppFields): string | undefined {
  if (associatedGuid === undefined) return undefined;
  const target = associatedTarget(associatedGuid).guid;
  return target === guid ? undefined : target;
}

function linkPreview(base: AppMessageBase, root: ArchivedValue): AppMessage {
  const metadata = fieldOf(root, 'richLinkMetadata');
  return {
    ...base,
    kind: 'link',
    url: textField(metadata, 'URL') ?? textField(metadata, 'originalURL'),
    originalUrl: textField(metadata, 'originalURL'),
    title: textField(metadata, 'title'),
    summary: textField(metadata, 'summary'),
    siteName: textField(metadata, 'siteName'),
  };
}

function card(base: AppMessageBase & { readonly kind: AppCard['kind'] }, root: ArchivedValue): AppCard {
  const info = fieldOf(root, 'userInfo');
  return {
    ...base,
    appName: textField(root, 'an'),
    fallbackText: textField(root, 'ldtext'),
    url: textField(root, 'URL'),
    caption: textField(info, 'caption'),
    subcaption: textField(info, 'subcaption'),
    secondaryCaption: textField(info, 'secondary-subcaption'),
    tertiaryCaption: textField(info, 'tertiary-subcaption'),
    imageTitle: textField(info, 'image-title'),
    imageSubtitle: textField(info, 'image-subtitle'),
  };
}

function decode(payload: Uint8Array, onProblem: (cause: unknown) => void): ArchivedValue {
  try {
    return KeyedArchive.parse(payload).root;
  } catch (error) {
    onProblem(error);
    return undefined;
  }
}

/** A field of an archived object or dictionary. One that cannot be decoded is as good as absent: the others may be sound. */
function fieldOf(value: ArchivedValue, name: string): ArchivedValue {
  if (value instanceof Map) return (value as ReadonlyMap<ArchivedValue, ArchivedValue>).get(name);
  if (!(value instanceof ArchivedObject)) return undefined;
  try {
    return value.get(name);
  } catch {
    return undefined;
  }
}

function textField(value: ArchivedValue, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'string' && field !== '' ? field : undefined;
}

/** The content of a row that is a vote or an update of a poll. */
export function readPollItem(
  payload: Uint8Array | undefined,
  onProblem: (cause: unknown) => void,
): PollItem | undefined {
  return payload === undefined ? undefined : pollItem(textField(decode(payload, onProblem), 'URL'), onProblem);
}

/** What all app messages have. */
export interface AppMessageBase {
  /** Bundle id of the extension, without Apple's wrapper and the team id. */
  readonly bundleId: string;
  /** The whole value of `balloon_bundle_id`. */
  readonly rawBundleId: string;
  /** `guid` of the message that this one brings up to date, where it is not itself. */
  readonly updatesGuid: string | undefined;
}

/** The preview of a link. */
export interface LinkPreview extends AppMessageBase {
  readonly kind: 'link';
  readonly url: string | undefined;
  /** The address that was sent, where it led elsewhere. */
  readonly originalUrl: string | undefined;
  readonly title: string | undefined;
  readonly summary: string | undefined;
  readonly siteName: string | undefined;
}

/** A poll, from iOS 26. */
export interface Poll extends AppMessageBase {
  readonly kind: 'poll';
  readonly title: string | undefined;
  readonly options: readonly PollOption[];
}

/** A choice of a poll. */
export interface PollOption {
  readonly id: string;
  readonly text: string;
  /** Address of the person who added it. */
  readonly creator: string | undefined;
  /** Addresses of those who voted for it. */
  readonly voters: readonly string[];
}

/** A card of an iMessage app: game, payment, location, anything with captions. */
export interface AppCard extends AppMessageBase {
  readonly kind:
    | 'apple-cash'
    | 'handwriting'
    | 'digital-touch'
    | 'business'
    | 'check-in'
    | 'find-my'
    | 'photos'
    | 'activity'
    | 'third-party';
  /** Name of the app. */
  readonly appName: string | undefined;
  /** Text for where the card cannot be shown. */
  readonly fallbackText: string | undefined;
  readonly url: string | undefined;
  readonly caption: string | undefined;
  readonly subcaption: string | undefined;
  readonly secondaryCaption: string | undefined;
  readonly tertiaryCaption: string | undefined;
  readonly imageTitle: string | undefined;
  readonly imageSubtitle: string | undefined;
}

/** The content that an app put into a message. */
export type AppMessage = LinkPreview | Poll | AppCard;

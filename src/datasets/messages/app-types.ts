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
  /** The content of `com.apple.messages.URLBalloonProvider`. */
  readonly kind: 'link';
  /** The page that is shown; `undefined` where the preview cannot be decoded. */
  readonly url: string | undefined;
  /** The address that was sent, where it led elsewhere. */
  readonly originalUrl: string | undefined;
  /** Title of the page. */
  readonly title: string | undefined;
  /** Description of the page, in its own words. */
  readonly summary: string | undefined;
  /** Name of the site, e.g. `Example News`. */
  readonly siteName: string | undefined;
}

/** A poll, from iOS 26. */
export interface Poll extends AppMessageBase {
  /** The content of `com.apple.messages.Polls`. */
  readonly kind: 'poll';
  /** The question, as the last update states it. */
  readonly title: string | undefined;
  /** The choices in order, with those that were added later. */
  readonly options: readonly PollOption[];
}

/** A choice of a poll. */
export interface PollOption {
  /** Identifier within the poll, to which votes refer. */
  readonly id: string;
  /** What the choice says; `''` where it states nothing. */
  readonly text: string;
  /** Address of the person who added it. */
  readonly creator: string | undefined;
  /** Addresses of those who voted for it. */
  readonly voters: readonly string[];
}

/** A card of an iMessage app: game, payment, location, anything with captions. */
export interface AppCard extends AppMessageBase {
  /** The app, where it is one of Apple's known ones; `third-party` for every other. */
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
  /** What the app opens when the card is tapped: often its own data, in the query or as `data:`. */
  readonly url: string | undefined;
  /** First line below the image, left. */
  readonly caption: string | undefined;
  /** Second line, left. */
  readonly subcaption: string | undefined;
  /** First line, right: `secondary-subcaption` of the payload. */
  readonly secondaryCaption: string | undefined;
  /** Second line, right: `tertiary-subcaption` of the payload. */
  readonly tertiaryCaption: string | undefined;
  /** Title on the image. */
  readonly imageTitle: string | undefined;
  /** Subtitle on the image. */
  readonly imageSubtitle: string | undefined;
}

/** The content that an app put into a message. */
export type AppMessage = LinkPreview | Poll | AppCard;

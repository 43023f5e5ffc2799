import type { AbortOptions } from '../../core/abort.js';

/** A person or an organisation of the address book: one card of one account. */
export interface Contact {
  /** ROWID of the card in `ABPerson`. */
  readonly rowId: number;
  /** Identifier that Contacts keeps across syncs. `undefined` before iOS 7. */
  readonly guid: string | undefined;
  /** `organization` for a card that is filed under the name of its organisation. */
  readonly kind: 'person' | 'organization';
  /** Whether it is the owner's own card. `undefined` where the schema cannot tell. */
  readonly isMe: boolean | undefined;
  /** The name to show: names in the order of their script, else the organisation, nickname, e-mail address or phone number. */
  readonly displayName: string | undefined;
  /** Title before the name, e.g. `Dr.`. */
  readonly namePrefix: string | undefined;
  /** Given name. */
  readonly givenName: string | undefined;
  /** Middle names. */
  readonly middleName: string | undefined;
  /** Family name. */
  readonly familyName: string | undefined;
  /** Family name before, e.g. before a marriage. */
  readonly previousFamilyName: string | undefined;
  /** What follows the name, e.g. `Jr.`. */
  readonly nameSuffix: string | undefined;
  /** Nickname. */
  readonly nickname: string | undefined;
  /** Reading of the given name, for sorting and display: kana, pinyin and the like. */
  readonly phoneticGivenName: string | undefined;
  /** Reading of the middle name. */
  readonly phoneticMiddleName: string | undefined;
  /** Reading of the family name. */
  readonly phoneticFamilyName: string | undefined;
  /** How Siri says it. */
  readonly pronunciationGivenName: string | undefined;
  /** How Siri says the middle name. */
  readonly pronunciationMiddleName: string | undefined;
  /** How Siri says the family name. */
  readonly pronunciationFamilyName: string | undefined;
  /** Name of the organisation, or of the employer of a person. */
  readonly organization: string | undefined;
  /** Reading of the name of the organisation. From iOS 10. */
  readonly phoneticOrganization: string | undefined;
  /** Department within the organisation. */
  readonly department: string | undefined;
  /** Position within the organisation. */
  readonly jobTitle: string | undefined;
  /** Phone numbers, in the order in which they were added. */
  readonly phones: readonly ContactValue[];
  /** E-mail addresses, in the order in which they were added. */
  readonly emails: readonly ContactValue[];
  /** Web addresses, in the order in which they were added. */
  readonly urls: readonly ContactValue[];
  /** Postal addresses, in the order in which they were added. */
  readonly addresses: readonly ContactAddress[];
  /** Names of related people; the label says the relation. */
  readonly relatedNames: readonly ContactValue[];
  /** Dates other than birthdays, e.g. an anniversary. */
  readonly dates: readonly ContactDate[];
  /** Accounts of instant messengers. */
  readonly instantMessages: readonly ContactInstantMessage[];
  /** Profiles of social networks. */
  readonly socialProfiles: readonly ContactSocialProfile[];
  /** Own ringtone and text tone. */
  readonly tones: readonly ContactTone[];
  /** Values of a kind that has no field of its own. */
  readonly otherValues: readonly ContactOtherValue[];
  /** `1990-04-05`, or `--04-05` without a year (ISO 8601 of 2000, as vCard writes it). Has no time zone. */
  readonly birthday: string | undefined;
  /** Birthday of another calendar. */
  readonly alternateBirthday: AlternateBirthday | undefined;
  /** Free text of the user, which may have several lines. */
  readonly note: string | undefined;
  /** Whether the backup holds an image; {@link Contact.image} reads it. */
  readonly hasImage: boolean;
  /** Where the card is kept. */
  readonly store: ContactStore | undefined;
  /** Groups that it belongs to, by ROWID of the group. */
  readonly groups: readonly ContactGroupRef[];
  /** The unified contact that it is a part of. `undefined` where it stands alone. */
  readonly link: ContactLink | undefined;
  /** When the card was made; `undefined` where the database has no date. */
  readonly created: Date | undefined;
  /** When the card was last changed; `undefined` where the database has no date. */
  readonly modified: Date | undefined;
  /**
   * Reads the image, also after the iteration has ended, as long as the backup is open. `undefined` where there is none.
   * It is not enumerable: a copy of the record (`{ ...contact }`, `structuredClone`) holds the data alone.
   *
   * @throws {@link ManifestError}, {@link DatabaseError} where the images cannot be read.
   */
  image(options?: ContactImageOptions): Promise<ContactImage | undefined>;
}

/** What every value of a contact has. */
export interface ContactLabel {
  /** The label for people, in English: `home`, `home fax`, `iPhone`; custom labels as they are. `undefined` where unlabelled. */
  readonly label: string | undefined;
  /** The label as it is stored: `_$!<Home>!$_` for a built-in one. */
  readonly rawLabel: string | undefined;
}

/** A labelled text: a phone number, an e-mail address, a URL, a name. */
export interface ContactValue extends ContactLabel {
  /** As the user typed it. */
  readonly value: string;
}

/** A part of a value whose meaning is not known. */
export interface ContactPart {
  /** Key as it is stored, in any case; `#` and its number where the database has no such key. */
  readonly key: string;
  /** Text of the part, never empty. */
  readonly value: string;
}

/** A postal address. */
export interface ContactAddress extends ContactLabel {
  /** Lines are separated by line feeds. */
  readonly street: string | undefined;
  /** District of the city or town. */
  readonly subLocality: string | undefined;
  /** City or town. */
  readonly city: string | undefined;
  /** County, or what else is between city and state. */
  readonly subAdministrativeArea: string | undefined;
  /** State, province or region. */
  readonly state: string | undefined;
  /** Postal code; ZIP code in the United States. */
  readonly postalCode: string | undefined;
  /** Name of the country, in the language in which it was entered. */
  readonly country: string | undefined;
  /** ISO 3166-1 alpha-2 code as it is stored, mostly in lower case. */
  readonly countryCode: string | undefined;
  /** Parts that have no field here, in the order of the database. */
  readonly otherParts: readonly ContactPart[];
}

/** A date such as an anniversary. */
export interface ContactDate extends ContactLabel {
  /** Like {@link Contact.birthday}. `undefined` where it cannot be decoded. */
  readonly date: string | undefined;
  /** The date as it is stored. */
  readonly raw: string;
}

/** An account of an instant messenger. */
export interface ContactInstantMessage extends ContactLabel {
  /** E.g. `Skype`. */
  readonly service: string | undefined;
  /** Name of the account at the service. */
  readonly username: string | undefined;
  /** Parts that have no field here. */
  readonly otherParts: readonly ContactPart[];
}

/** A profile of a social network. */
export interface ContactSocialProfile extends ContactLabel {
  /** E.g. `twitter`. */
  readonly service: string | undefined;
  /** Name of the account at the service. */
  readonly username: string | undefined;
  /** Name that the profile shows. */
  readonly displayName: string | undefined;
  /** The network's own identifier of the user. */
  readonly userId: string | undefined;
  /** Address of the profile. */
  readonly url: string | undefined;
  /** Parts that have no field here. */
  readonly otherParts: readonly ContactPart[];
}

/** A sound that this contact's calls or messages make; the label says which. */
export interface ContactTone extends ContactLabel {
  /** Identifier of the sound, e.g. `system:Opening`. */
  readonly sound: string | undefined;
  /** Identifier of the vibration. */
  readonly vibration: string | undefined;
  /** Parts that have no field here. */
  readonly otherParts: readonly ContactPart[];
}

/** A value of a kind that has no field of its own. */
export interface ContactOtherValue extends ContactLabel {
  /** Number of the property. */
  readonly property: number | undefined;
  /** The scalar; `undefined` where the value consists of parts alone. */
  readonly value: string | undefined;
  /** All parts; empty where the value is a scalar alone. */
  readonly parts: readonly ContactPart[];
}

/** A birthday of a calendar other than the Gregorian one. */
export interface AlternateBirthday {
  /** Identifier as Foundation has it, e.g. `chinese`. */
  readonly calendar: string | undefined;
  /** Number of the era within the calendar; for `chinese` of the cycle of 60 years. */
  readonly era: number | undefined;
  /** Year within the era; within the cycle of 60 years for `chinese`. */
  readonly year: number | undefined;
  /** From 1. */
  readonly month: number;
  /** Day of the month, from 1. */
  readonly day: number;
  /** Whether it is the leap month that follows the month of that number. */
  readonly isLeapMonth: boolean;
}

/** A source of contacts: an account or the device. */
export interface ContactStore {
  /** ROWID in `ABStore`. */
  readonly rowId: number;
  /** Name of the source; `undefined` where it has none. */
  readonly name: string | undefined;
  /** What kind of source it is, where the number is a known one. */
  readonly kind: 'local' | 'exchange' | 'mobile-me' | 'ldap' | 'carddav' | undefined;
  /** The number behind `kind`. */
  readonly rawType: number | undefined;
  /** Identifier of the account, the same as in the accounts database. `undefined` for the device's own contacts. */
  readonly accountId: string | undefined;
  /** Whether the source is switched on. `undefined` where the schema cannot tell. */
  readonly isEnabled: boolean | undefined;
}

/** A group as a contact refers to it. */
export interface ContactGroupRef {
  /** ROWID in `ABGroup`. */
  readonly rowId: number;
  /** Name that the group was given. */
  readonly name: string | undefined;
}

/** A unified contact: cards of several accounts that the device shows as one. */
export interface ContactLink {
  /** Number of the unified contact. */
  readonly id: number;
  /** ROWIDs of all its cards, ascending, this one too. */
  readonly rowIds: readonly number[];
  /** ROWID of the card whose name is shown. */
  readonly preferredNameRowId: number | undefined;
  /** ROWID of the card whose image is shown. */
  readonly preferredImageRowId: number | undefined;
}

/** Which image to read. */
export interface ContactImageOptions extends AbortOptions {
  /** `full` by default. Where the one asked for is missing the other is given. */
  size?: 'full' | 'thumbnail' | undefined;
}

/** An image of a contact. */
export interface ContactImage {
  /** Which one it is, where the one asked for is missing the other one. */
  readonly size: 'full' | 'thumbnail';
  /** By the first bytes. `undefined` for bare pixels of early releases and for what is not known. */
  readonly mediaType: 'image/jpeg' | 'image/png' | 'image/heic' | 'image/gif' | 'image/tiff' | undefined;
  /** The image file as it is stored. */
  readonly data: Uint8Array;
  /** The square of a full image that the device shows, in pixels from the bottom left corner. `undefined` where none is stored. */
  readonly crop:
    | {
        /** Left edge, in pixels from the left edge of the image. */
        readonly x: number;
        /** Lower edge, in pixels from the lower edge of the image. */
        readonly y: number;
        /** Width and height, in pixels. */
        readonly width: number;
      }
    | undefined;
}

/** A group of contacts. */
export interface ContactGroup extends ContactGroupRef {
  /** Identifier that Contacts keeps across syncs. `undefined` before iOS 7. */
  readonly guid: string | undefined;
  /** Where the group is kept. `undefined` where its source is unknown. */
  readonly store: ContactStore | undefined;
  /** ROWIDs of the cards in it, ascending. */
  readonly contactRowIds: readonly number[];
  /** ROWIDs of the groups in it, ascending. */
  readonly groupRowIds: readonly number[];
}

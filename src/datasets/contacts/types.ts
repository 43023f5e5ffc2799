import type { AbortOptions } from '../../core/abort.js';

/** A person or an organisation of the address book: one card of one account. */
export interface Contact {
  /** ROWID of the card in `ABPerson`. */
  readonly rowId: number;
  /** Identifier that Contacts keeps across syncs. `undefined` before iOS 7. */
  readonly guid: string | undefined;
  readonly kind: 'person' | 'organization';
  /** Whether it is the owner's own card. `undefined` where the schema cannot tell. */
  readonly isMe: boolean | undefined;
  /** The name to show: names in the order of their script, else the organisation, nickname, e-mail address or phone number. */
  readonly displayName: string | undefined;
  /** Title before the name, e.g. `Dr.`. */
  readonly namePrefix: string | undefined;
  readonly givenName: string | undefined;
  readonly middleName: string | undefined;
  readonly familyName: string | undefined;
  readonly previousFamilyName: string | undefined;
  /** What follows the name, e.g. `Jr.`. */
  readonly nameSuffix: string | undefined;
  readonly nickname: string | undefined;
  readonly phoneticGivenName: string | undefined;
  readonly phoneticMiddleName: string | undefined;
  readonly phoneticFamilyName: string | undefined;
  /** How Siri says it. */
  readonly pronunciationGivenName: string | undefined;
  readonly pronunciationMiddleName: string | undefined;
  readonly pronunciationFamilyName: string | undefined;
  readonly organization: string | undefined;
  readonly phoneticOrganization: string | undefined;
  readonly department: string | undefined;
  readonly jobTitle: string | undefined;
  readonly phones: readonly ContactValue[];
  readonly emails: readonly ContactValue[];
  readonly urls: readonly ContactValue[];
  readonly addresses: readonly ContactAddress[];
  /** Names of related people; the label says the relation. */
  readonly relatedNames: readonly ContactValue[];
  readonly dates: readonly ContactDate[];
  readonly instantMessages: readonly ContactInstantMessage[];
  readonly socialProfiles: readonly ContactSocialProfile[];
  /** Own ringtone and text tone. */
  readonly tones: readonly ContactTone[];
  /** Values of a kind that has no field of its own. */
  readonly otherValues: readonly ContactOtherValue[];
  /** `1990-04-05`, or `--04-05` without a year (ISO 8601 of 2000, as vCard writes it). Has no time zone. */
  readonly birthday: string | undefined;
  /** Birthday of another calendar. */
  readonly alternateBirthday: AlternateBirthday | undefined;
  readonly note: string | undefined;
  /** Whether the backup holds an image; {@link Contact.image} reads it. */
  readonly hasImage: boolean;
  /** Where the card is kept. */
  readonly store: ContactStore | undefined;
  /** Groups that it belongs to, by ROWID of the group. */
  readonly groups: readonly ContactGroupRef[];
  /** The unified contact that it is a part of. `undefined` where it stands alone. */
  readonly link: ContactLink | undefined;
  readonly created: Date | undefined;
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
  readonly key: string;
  readonly value: string;
}

/** A postal address. */
export interface ContactAddress extends ContactLabel {
  /** Lines are separated by line feeds. */
  readonly street: string | undefined;
  readonly subLocality: string | undefined;
  readonly city: string | undefined;
  readonly subAdministrativeArea: string | undefined;
  readonly state: string | undefined;
  readonly postalCode: string | undefined;
  readonly country: string | undefined;
  /** ISO 3166-1 alpha-2 code as it is stored, mostly in lower case. */
  readonly countryCode: string | undefined;
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
  readonly username: string | undefined;
  readonly otherParts: readonly ContactPart[];
}

/** A profile of a social network. */
export interface ContactSocialProfile extends ContactLabel {
  /** E.g. `twitter`. */
  readonly service: string | undefined;
  readonly username: string | undefined;
  readonly displayName: string | undefined;
  /** The network's own identifier of the user. */
  readonly userId: string | undefined;
  readonly url: string | undefined;
  readonly otherParts: readonly ContactPart[];
}

/** A sound that this contact's calls or messages make; the label says which. */
export interface ContactTone extends ContactLabel {
  /** Identifier of the sound, e.g. `system:Opening`. */
  readonly sound: string | undefined;
  /** Identifier of the vibration. */
  readonly vibration: string | undefined;
  readonly otherParts: readonly ContactPart[];
}

/** A value of a kind that has no field of its own. */
export interface ContactOtherValue extends ContactLabel {
  /** Number of the property. */
  readonly property: number | undefined;
  readonly value: string | undefined;
  readonly parts: readonly ContactPart[];
}

/** A birthday of a calendar other than the Gregorian one. */
export interface AlternateBirthday {
  /** Identifier as Foundation has it, e.g. `chinese`. */
  readonly calendar: string | undefined;
  readonly era: number | undefined;
  /** Year within the era; within the cycle of 60 years for `chinese`. */
  readonly year: number | undefined;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly isLeapMonth: boolean;
}

/** A source of contacts: an account or the device. */
export interface ContactStore {
  /** ROWID in `ABStore`. */
  readonly rowId: number;
  readonly name: string | undefined;
  /** What kind of source it is, where the number is a known one. */
  readonly kind: 'local' | 'exchange' | 'mobile-me' | 'ldap' | 'carddav' | undefined;
  /** The number behind `kind`. */
  readonly rawType: number | undefined;
  /** Identifier of the account, the same as in the accounts database. `undefined` for the device's own contacts. */
  readonly accountId: string | undefined;
  readonly isEnabled: boolean | undefined;
}

/** A group as a contact refers to it. */
export interface ContactGroupRef {
  /** ROWID in `ABGroup`. */
  readonly rowId: number;
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
  readonly size: 'full' | 'thumbnail';
  /** By the first bytes. `undefined` for bare pixels of early releases and for what is not known. */
  readonly mediaType: 'image/jpeg' | 'image/png' | 'image/heic' | 'image/gif' | 'image/tiff' | undefined;
  readonly data: Uint8Array;
  /** The square of a full image that the device shows, in pixels from the bottom left corner. `undefined` where none is stored. */
  readonly crop: { readonly x: number; readonly y: number; readonly width: number } | undefined;
}

/** A group of contacts. */
export interface ContactGroup extends ContactGroupRef {
  readonly guid: string | undefined;
  readonly store: ContactStore | undefined;
  /** ROWIDs of the cards in it, ascending. */
  readonly contactRowIds: readonly number[];
  /** ROWIDs of the groups in it, ascending. */
  readonly groupRowIds: readonly number[];
}

import { cocoaSecondsFromDate } from '../../../core/apple-time.js';
import { hexEncode, utf8Encode } from '../../../core/bytes.js';
import type { DatabaseSpec, RawValue } from '../types.js';
import { addressBookSchema, imagesSchema } from './contacts-schema.js';
import { insertSql } from './sql.js';

/** A value of a contact: text without a label, or with one. */
export type ContactValueSpec =
  | string
  | {
      /** The text, stored as it is. */
      value: string;
      /** Label as it is stored; none by default. */
      label?: ContactLabelSpec;
    };

/**
 * A label as Contacts stores it: `_$!<Home>!$_` for a built-in one, anything else for a custom one. A number is written as a
 * reference to a label as it is, also to one that does not exist.
 */
export type ContactLabelSpec = string | number | undefined;

/** A value in parts: an address (`Street`, `City`, `ZIP` …), a profile or messenger account (`service`, `username` …). */
export interface ContactPartsSpec {
  /** Parts by key, as they are stored. */
  parts: Readonly<Record<string, string>>;
  /** The scalar beside them; none by default. */
  value?: string | undefined;
  /** Label as it is stored; none by default. */
  label?: ContactLabelSpec;
}

/** A contact of {@link contactsStore}. */
export interface ContactSpec {
  /** `person` by default. */
  kind?: 'person' | 'organization' | undefined;
  /** Title before the name, e.g. `Dr.`. */
  namePrefix?: string | undefined;
  /** Given name. */
  givenName?: string | undefined;
  /** Middle names. */
  middleName?: string | undefined;
  /** Family name. */
  familyName?: string | undefined;
  /** What follows the name, e.g. `Jr.`. */
  nameSuffix?: string | undefined;
  /** Nickname. */
  nickname?: string | undefined;
  /** Reading of the given name. */
  phoneticGivenName?: string | undefined;
  /** Reading of the family name. */
  phoneticFamilyName?: string | undefined;
  /** Name of the organisation, or of the employer of a person. */
  organization?: string | undefined;
  /** Department within the organisation. */
  department?: string | undefined;
  /** Position within the organisation. */
  jobTitle?: string | undefined;
  /** Free text. */
  note?: string | undefined;
  /** `1990-04-05`, or `--04-05` without a year; stored as seconds since 2001-01-01 at noon UTC. */
  birthday?: string | undefined;
  /** Phone numbers, stored as they are. */
  phones?: readonly ContactValueSpec[] | undefined;
  /** E-mail addresses, stored as they are. */
  emails?: readonly ContactValueSpec[] | undefined;
  /** Web addresses, stored as they are. */
  urls?: readonly ContactValueSpec[] | undefined;
  /** Names of related people; the label says the relation, e.g. `_$!<Mother>!$_`. */
  relatedNames?: readonly ContactValueSpec[] | undefined;
  /** Like `birthday`, or any other text as it is. */
  dates?: readonly ContactValueSpec[] | undefined;
  /** Postal addresses. */
  addresses?: readonly ContactPartsSpec[] | undefined;
  /** Accounts of instant messengers. */
  instantMessages?: readonly ContactPartsSpec[] | undefined;
  /** Profiles of social networks. */
  socialProfiles?: readonly ContactPartsSpec[] | undefined;
  /** Own ringtone and text tone; the label says which. */
  tones?: readonly ContactPartsSpec[] | undefined;
  /** Whether it is the owner's card. */
  isMe?: boolean | undefined;
  /** Name of its store; the device's own one by default. */
  store?: string | undefined;
  /** Names of its groups. */
  groups?: readonly string[] | undefined;
  /** Contacts with the same number are one unified contact; the first one's name is shown. */
  link?: number | undefined;
  /** Image file in full size, with a crop of 320 pixels at its bottom left corner. */
  fullImage?: Uint8Array | undefined;
  /** Image file of the thumbnail. */
  thumbnail?: Uint8Array | undefined;
  /** When the card was made, cut to whole seconds; 2019-06-01 10:00 UTC by default. */
  created?: Date | undefined;
  /** When the card was last changed, cut to whole seconds; `created` by default. */
  modified?: Date | undefined;
  /** Columns of `ABPerson` as they are, in place of what the other fields give. */
  columns?: Readonly<Record<string, RawValue>> | undefined;
}

/** How {@link contactsStore} writes. */
export interface ContactsStoreOptions {
  /** iOS version that chooses the schema; `17.4` by default. */
  ios?: string | undefined;
  /** Where the rows lie, as in {@link DatabaseSpec}; `none` by default. */
  wal?: 'none' | 'all' | undefined;
  /** Groups without members. */
  emptyGroups?: readonly string[] | undefined;
  /** Whether to write AddressBookImages.sqlitedb; true by default. */
  images?: boolean | undefined;
  /** Statements to run at the end, for what no other option gives. */
  sql?: readonly string[] | undefined;
}

/** Numbers of the properties. FORMAT facts: docs/datasets/contacts.md. */
const properties = {
  phones: 3,
  emails: 4,
  addresses: 5,
  dates: 12,
  instantMessages: 13,
  tones: 16,
  urls: 22,
  relatedNames: 23,
  socialProfiles: 46,
} as const;

const localStore = 'Local';
const firstDate = new Date('2019-06-01T10:00:00Z');

/**
 * The databases of an address book, to spread into the spec of `buildBackup`. The first contact has ROWID 1. Labels and part
 * keys get ROWIDs with gaps, as in grown databases.
 *
 * @example
 * await buildBackup({ ios: '17.4', ...contactsStore([{ givenName: 'Ada', phones: ['+1 555 0100'] }]) });
 */
export function contactsStore(
  contacts: readonly ContactSpec[],
  options: ContactsStoreOptions = {},
): {
  /** AddressBook.sqlitedb, and AddressBookImages.sqlitedb unless `images` is false. */
  databases: DatabaseSpec[];
} {
  const major = Number.parseInt(options.ios ?? '17', 10);
  const book = new AddressBookWriter(major);
  for (const contact of contacts) book.add(contact);
  for (const name of options.emptyGroups ?? []) book.groupId(name);
  const wal = options.wal ?? 'none';
  const database = (name: string, statements: readonly string[]): DatabaseSpec => ({
    domain: 'HomeDomain',
    relativePath: `Library/AddressBook/${name}`,
    sql: statements.map((statement) => `${statement};`).join('\n'),
    wal,
  });
  const databases = [
    database('AddressBook.sqlitedb', [...addressBookSchema(major), ...book.statements, ...(options.sql ?? [])]),
  ];
  if (options.images !== false) {
    databases.push(database('AddressBookImages.sqlitedb', [...imagesSchema, ...book.imageStatements]));
  }
  return { databases };
}

/** Gives out ROWIDs by name and writes each row once. */
class AddressBookWriter {
  readonly statements: string[] = [];
  readonly imageStatements: string[] = [];
  readonly #hasGuids: boolean;
  readonly #ids = new Map<string, Map<string, number>>();
  readonly #links = new Set<number>();
  #people = 0;
  #values = 0;

  constructor(major: number) {
    this.#hasGuids = major >= 7;
  }

  add(contact: ContactSpec): void {
    const rowId = ++this.#people;
    const created = contact.created ?? firstDate;
    this.#insert('ABPerson', {
      ROWID: rowId,
      Kind: contact.kind === 'organization' ? 1 : 0,
      Prefix: contact.namePrefix,
      First: contact.givenName,
      Middle: contact.middleName,
      Last: contact.familyName,
      Suffix: contact.nameSuffix,
      Nickname: contact.nickname,
      FirstPhonetic: contact.phoneticGivenName,
      LastPhonetic: contact.phoneticFamilyName,
      Organization: contact.organization,
      Department: contact.department,
      JobTitle: contact.jobTitle,
      Note: contact.note,
      Birthday: contact.birthday === undefined ? undefined : storedDate(contact.birthday),
      CreationDate: Math.trunc(cocoaSecondsFromDate(created)),
      ModificationDate: Math.trunc(cocoaSecondsFromDate(contact.modified ?? created)),
      StoreID: this.#storeId(contact.store ?? localStore),
      PersonLink: this.#linkId(contact.link, rowId),
      ...(this.#hasGuids ? { guid: guidOf('person', rowId) } : {}),
      ...contact.columns,
    });
    this.#addValues(rowId, contact);
    for (const group of contact.groups ?? []) {
      this.#insert('ABGroupMembers', { group_id: this.groupId(group), member_type: 0, member_id: rowId });
    }
    if (contact.isMe === true) {
      const store = this.#storeId(contact.store ?? localStore);
      this.statements.push(`UPDATE ABStore SET MeIdentifier = ${rowId} WHERE ROWID = ${store}`);
    }
    this.#addImages(rowId, contact);
  }

  /** ROWID of a group, which is made when it is first asked for. */
  groupId(name: string): number {
    return this.#named('group', name, (ROWID) => {
      this.#insert('ABGroup', { ROWID, Name: name, StoreID: this.#storeId(localStore), ...this.#guid('group', ROWID) });
    });
  }

  #addValues(rowId: number, contact: ContactSpec): void {
    for (const [field, property] of Object.entries(properties)) {
      const values = contact[field as keyof typeof properties] ?? [];
      for (const [identifier, given] of values.entries()) {
        const spec = typeof given === 'string' ? { value: given } : given;
        const value = spec.value !== undefined && property === properties.dates ? storedDate(spec.value) : spec.value;
        const uid = ++this.#values;
        this.#insert('ABMultiValue', {
          UID: uid,
          record_id: rowId,
          property,
          identifier,
          label: this.#labelId(spec.label),
          value,
          ...this.#guid('value', uid),
        });
        for (const [key, part] of Object.entries('parts' in spec ? spec.parts : {})) {
          const keyId = this.#textId('ABMultiValueEntryKey', key);
          this.#insert('ABMultiValueEntry', { parent_id: uid, key: keyId, value: part });
        }
      }
    }
  }

  #addImages(rowId: number, { fullImage, thumbnail }: ContactSpec): void {
    if (fullImage !== undefined) {
      const crop = { crop_x: 0, crop_y: 0, crop_width: 320 };
      this.imageStatements.push(insertSql('ABFullSizeImage', { record_id: rowId, ...crop, data: fullImage }));
    }
    if (thumbnail !== undefined) {
      const row = { record_id: rowId, format: 0, derived_from_format: -1, data: thumbnail };
      this.imageStatements.push(insertSql('ABThumbnailImage', row));
    }
  }

  #storeId(name: string): number {
    return this.#named('store', name, (ROWID) => {
      const isLocal = name === localStore;
      const account = { ROWID, AccountIdentifier: guidOf('account', ROWID), ...this.#guid('account', ROWID) };
      if (!isLocal) this.#insert('ABAccount', account);
      const row = { ROWID, Name: name, Type: isLocal ? 0 : 4, AccountID: isLocal ? -1 : ROWID };
      this.#insert('ABStore', { ...row, ...this.#guid('store', ROWID) });
    });
  }

  #linkId(link: number | undefined, rowId: number): number {
    if (link === undefined) return -1;
    if (!this.#links.has(link)) {
      this.#links.add(link);
      const row = { ROWID: link, PreferredNamePersonID: rowId, PreferredImagePersonID: rowId };
      this.#insert('ABPersonLink', { ...row, ...this.#guid('link', link) });
    }
    return link;
  }

  #labelId(label: ContactLabelSpec): number | undefined {
    return typeof label === 'string' ? this.#textId('ABMultiValueLabel', label) : label;
  }

  #textId(table: 'ABMultiValueLabel' | 'ABMultiValueEntryKey', value: string): number {
    return this.#named(table, value, (rowid) => this.#insert(table, { rowid, value }));
  }

  /** ROWIDs 1, 2 for most kinds; 2, 5, 8 for labels and keys, which have no declared one and lose rows over time. */
  #named(kind: string, name: string, make: (id: number) => void): number {
    const ids = this.#ids.get(kind) ?? new Map<string, number>();
    this.#ids.set(kind, ids);
    const known = ids.get(name);
    if (known !== undefined) return known;
    const id = kind.startsWith('AB') ? 2 + 3 * ids.size : 1 + ids.size;
    ids.set(name, id);
    make(id);
    return id;
  }

  #guid(kind: string, id: number): { guid?: string } {
    return this.#hasGuids ? { guid: guidOf(kind, id) } : {};
  }

  #insert(table: string, row: Readonly<Record<string, RawValue | undefined>>): void {
    this.statements.push(insertSql(table, row));
  }
}

function guidOf(kind: string, id: number): string {
  const node = hexEncode(utf8Encode(kind.padEnd(6, '-').slice(0, 6))).toUpperCase();
  return `${String(id).padStart(8, '0')}-0000-4000-8000-${node}`;
}

/** A day at noon UTC as the text of seconds since 2001; any other text as it is. */
function storedDate(day: string): string {
  const date = new Date(`${day.replace(/^--/, '1604-')}T12:00:00Z`);
  return Number.isNaN(date.getTime()) ? day : cocoaSecondsFromDate(date).toFixed(1);
}

import type { SqliteRow, SqliteValue } from '../../sqlite/driver.js';
import type { DatasetContext } from '../shared/session.js';
import { integerOf, textOf } from '../shared/values.js';
import { calendarDateOf } from './calendar-date.js';
import { decodeLabel } from './labels.js';
import type { AddressBook } from './schema.js';
import type {
  Contact,
  ContactAddress,
  ContactDate,
  ContactInstantMessage,
  ContactLabel,
  ContactOtherValue,
  ContactPart,
  ContactSocialProfile,
  ContactTone,
  ContactValue,
} from './types.js';

/** Numbers of the properties in `ABMultiValue.property`. FORMAT facts: docs/datasets/contacts.md. */
const property = {
  phone: 3,
  email: 4,
  address: 5,
  date: 12,
  instantMessage: 13,
  tone: 16,
  url: 22,
  relatedName: 23,
  socialProfile: 46,
} as const;

/** One row of the statement of {@link multiValueRows}: a value, repeated for each of its parts. */
export interface MultiValueRow extends SqliteRow {
  uid: SqliteValue;
  record_id: SqliteValue;
  property: SqliteValue;
  label: SqliteValue;
  value: SqliteValue;
  part_key: SqliteValue;
  part_value: SqliteValue;
}

/** All multi-values with their parts, or those of one contact, ordered by contact. */
export function multiValueRows(
  { db, tables }: AddressBook,
  context: DatasetContext,
  owner?: number,
): AsyncIterable<MultiValueRow> {
  const columns = tables.select('ABMultiValue', 'm', ['record_id', 'property', 'label', 'value']);
  const hasParts = tables.has('ABMultiValueEntry', 'parent_id') && tables.has('ABMultiValueEntry', 'key');
  const parts = hasParts ? 'e.key AS part_key, e.value AS part_value' : 'NULL AS part_key, NULL AS part_value';
  const join = hasParts ? 'LEFT JOIN ABMultiValueEntry e ON e.parent_id = m.ROWID' : '';
  const where = owner === undefined ? '' : 'WHERE m.record_id = ?';
  const order = hasParts ? 'm.record_id, m.ROWID, e.ROWID' : 'm.record_id, m.ROWID';
  return db.query<MultiValueRow>(
    `SELECT m.ROWID AS uid, ${columns}, ${parts} FROM ABMultiValue m ${join} ${where} ORDER BY ${order}`,
    owner === undefined ? [] : [owner],
    context,
  );
}

/** The values of one contact by kind. */
export type ContactValues = Pick<
  Contact,
  | 'phones'
  | 'emails'
  | 'urls'
  | 'addresses'
  | 'relatedNames'
  | 'dates'
  | 'instantMessages'
  | 'socialProfiles'
  | 'tones'
  | 'otherValues'
>;

/** What the numbers in the rows refer to. */
export interface ValueTexts {
  readonly labels: ReadonlyMap<number, string>;
  readonly keys: ReadonlyMap<number, string>;
}

/** Sorts the rows of one contact into its values. */
export function toContactValues(
  rows: readonly MultiValueRow[],
  texts: ValueTexts,
  context: DatasetContext,
): ContactValues {
  const values = {
    phones: [] as ContactValue[],
    emails: [] as ContactValue[],
    urls: [] as ContactValue[],
    addresses: [] as ContactAddress[],
    relatedNames: [] as ContactValue[],
    dates: [] as ContactDate[],
    instantMessages: [] as ContactInstantMessage[],
    socialProfiles: [] as ContactSocialProfile[],
    tones: [] as ContactTone[],
    otherValues: [] as ContactOtherValue[],
  };
  for (const multiValue of groupByValue(rows)) {
    const row = multiValue[0];
    const label = labelOf(row, texts.labels, context);
    const parts = partsOf(multiValue, texts.keys, context);
    const value = scalarOf(row, 'value', context);
    if (value === undefined && parts.length === 0) {
      if (row.value === null || row.value === '') {
        context.issue({
          kind: 'value-missing',
          table: 'ABMultiValue',
          rowId: Number(row.uid),
          field: 'value',
          message: 'The value is empty and has no parts',
        });
      }
      continue;
    }
    const number = integerOf(row.property);
    const list = simpleLists.get(number);
    if (list !== undefined && value !== undefined) values[list].push({ ...label, value });
    else if (number === property.date && value !== undefined) values.dates.push(toDate(row, label, value, context));
    else if (number === property.address && parts.length > 0) values.addresses.push(toAddress(label, parts));
    else if (number === property.instantMessage) values.instantMessages.push(toInstantMessage(label, parts, value));
    else if (number === property.socialProfile) values.socialProfiles.push(toSocialProfile(label, parts, value));
    else if (number === property.tone) values.tones.push(toTone(label, parts, value));
    else values.otherValues.push({ ...label, property: number, value, parts });
  }
  return values;
}

const simpleLists = new Map<number | undefined, 'phones' | 'emails' | 'urls' | 'relatedNames'>([
  [property.phone, 'phones'],
  [property.email, 'emails'],
  [property.url, 'urls'],
  [property.relatedName, 'relatedNames'],
]);

function* groupByValue(rows: readonly MultiValueRow[]): Generator<[MultiValueRow, ...MultiValueRow[]]> {
  let group: [MultiValueRow, ...MultiValueRow[]] | undefined;
  for (const row of rows) {
    if (group !== undefined && group[0].uid === row.uid) group.push(row);
    else {
      if (group !== undefined) yield group;
      group = [row];
    }
  }
  if (group !== undefined) yield group;
}

function labelOf(row: MultiValueRow, labels: ReadonlyMap<number, string>, context: DatasetContext): ContactLabel {
  const id = integerOf(row.label);
  // Unlabelled values have NULL, 0 or −1.
  if (id === undefined || id <= 0) return decodeLabel(undefined);
  if (!labels.has(id)) {
    context.issue({
      kind: 'label-dangling',
      table: 'ABMultiValue',
      rowId: Number(row.uid),
      field: 'label',
      message: `The value refers to label ${id}, which does not exist`,
    });
  }
  return decodeLabel(labels.get(id));
}

function partsOf(
  rows: readonly MultiValueRow[],
  keys: ReadonlyMap<number, string>,
  context: DatasetContext,
): ContactPart[] {
  const parts: ContactPart[] = [];
  for (const row of rows) {
    const id = integerOf(row.part_key);
    if (id === undefined) continue;
    const key = keys.get(id);
    const value = scalarOf(row, 'part_value', context);
    if (key === undefined) {
      context.issue({
        kind: 'part-key-dangling',
        table: 'ABMultiValueEntry',
        rowId: Number(row.uid),
        field: 'key',
        message: `A part of the value refers to key ${id}, which does not exist`,
      });
    }
    if (value !== undefined && value !== '') parts.push({ key: key ?? `#${id}`, value });
  }
  return parts;
}

function scalarOf(row: MultiValueRow, column: 'value' | 'part_value', context: DatasetContext): string | undefined {
  const text = textOf(row[column]);
  if (text === undefined && row[column] !== null) {
    context.issue({
      kind: 'value-undecoded',
      table: column === 'value' ? 'ABMultiValue' : 'ABMultiValueEntry',
      rowId: Number(row.uid),
      field: 'value',
      message: 'The value is binary data and not text',
    });
  }
  return text === '' ? undefined : text;
}

/** Takes known parts by name, whatever their case: `ZIP` and `zip` both occur. The rest stays in `otherParts`. */
class PartReader {
  readonly otherParts: ContactPart[];

  constructor(parts: readonly ContactPart[]) {
    this.otherParts = [...parts];
  }

  take(...names: readonly string[]): string | undefined {
    const index = this.otherParts.findIndex(({ key }) => names.includes(key.toLowerCase()));
    return index === -1 ? undefined : this.otherParts.splice(index, 1)[0]?.value;
  }
}

function toAddress(label: ContactLabel, parts: readonly ContactPart[]): ContactAddress {
  const reader = new PartReader(parts);
  return {
    ...label,
    street: reader.take('street'),
    subLocality: reader.take('sublocality'),
    city: reader.take('city'),
    subAdministrativeArea: reader.take('subadministrativearea'),
    state: reader.take('state'),
    postalCode: reader.take('zip', 'postalcode'),
    country: reader.take('country'),
    countryCode: reader.take('countrycode', 'isocountrycode'),
    otherParts: reader.otherParts,
  };
}

function toInstantMessage(
  label: ContactLabel,
  parts: readonly ContactPart[],
  value: string | undefined,
): ContactInstantMessage {
  const reader = new PartReader(parts);
  const service = reader.take('service');
  const username = reader.take('username') ?? value;
  return { ...label, service, username, otherParts: reader.otherParts };
}

function toSocialProfile(
  label: ContactLabel,
  parts: readonly ContactPart[],
  value: string | undefined,
): ContactSocialProfile {
  const reader = new PartReader(parts);
  return {
    ...label,
    service: reader.take('service'),
    username: reader.take('username') ?? value,
    displayName: reader.take('displayname'),
    userId: reader.take('identifier', 'userid', 'useridentifier'),
    url: reader.take('url', 'urlstring'),
    otherParts: reader.otherParts,
  };
}

function toTone(label: ContactLabel, parts: readonly ContactPart[], value: string | undefined): ContactTone {
  const reader = new PartReader(parts);
  const sound = reader.take('sound', 'tone') ?? value;
  return { ...label, sound, vibration: reader.take('vibration'), otherParts: reader.otherParts };
}

function toDate(row: MultiValueRow, label: ContactLabel, raw: string, context: DatasetContext): ContactDate {
  const date = calendarDateOf(row.value);
  if (date === undefined) {
    context.issue({
      kind: 'date-undecoded',
      table: 'ABMultiValue',
      rowId: Number(row.uid),
      field: 'value',
      message: 'The date is neither a number of seconds nor an ISO date',
    });
  }
  return { ...label, date, raw };
}

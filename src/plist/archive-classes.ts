import { dateFromCocoaSeconds } from '../core/apple-time.js';
import { hexEncode, utf8Decode } from '../core/bytes.js';
import { ArchivedText, type ArchivedMap, type ArchivedTextRun, type ArchivedValue } from './archived-value.js';
import { asBoolean, asData, asInteger, asNumber, asString } from './guards.js';

/** The fields of one object. */
export interface ArchivedFields {
  /** A field, decoded with all that it holds. */
  get(name: string): ArchivedValue;
  /** The elements of an array field, or of the fields `<numbered>0`, `<numbered>1`, … in its place. */
  list(name: string, numbered: string): readonly ArchivedValue[];
}

/** How instances of a Foundation class become JavaScript values. */
export interface FoundationClass {
  /** Fields that its instances have; a subclass with others is decoded as an object, so that none is lost. */
  readonly fields: RegExp;
  readonly decode: (fields: ArchivedFields) => ArchivedValue;
}

const string: FoundationClass = {
  fields: /^NS\.(string|bytes)$/,
  decode(fields) {
    const bytes = asData(fields.get('NS.bytes'));
    return asString(fields.get('NS.string')) ?? (bytes === undefined ? undefined : utf8Decode(bytes));
  },
};

const objects = (fields: ArchivedFields): readonly ArchivedValue[] => fields.list('NS.objects', 'NS.object.');

const list: FoundationClass = { fields: /^NS\.(objects|object\.\d+)$/, decode: objects };

const text: FoundationClass = {
  fields: /^NS(String|Attributes|AttributeInfo|Delegate)$/,
  decode(fields) {
    const text = asString(fields.get('NSString')) ?? '';
    return new ArchivedText(text, runsOf(text, fields.get('NSAttributes'), asData(fields.get('NSAttributeInfo'))));
  },
};

/** Foundation classes by the name under which archives know them. Facts: docs/format/property-lists.md. */
export const foundationClasses: ReadonlyMap<string, FoundationClass> = new Map([
  ['NSString', string],
  ['NSAttributedString', text],
  ['NSArray', list],
  ['NSSet', list],
  ['NSOrderedSet', list],
  [
    'NSDictionary',
    {
      fields: /^NS\.(keys|objects|(key|object)\.\d+)$/,
      decode(fields) {
        const values = objects(fields);
        return new Map(fields.list('NS.keys', 'NS.key.').map((key, i) => [key, values[i]]));
      },
    },
  ],
  ['NSData', { fields: /^NS\.(data|bytes)$/, decode: (fields) => fields.get('NS.data') ?? fields.get('NS.bytes') }],
  [
    'NSDate',
    {
      fields: /^NS\.time$/,
      decode: (fields) => dateFromCocoaSeconds(asNumber(fields.get('NS.time')) ?? Number.NaN),
    },
  ],
  [
    'NSURL',
    {
      fields: /^NS\.(base|relative|minimalBookmarkData)$/,
      decode: (fields) => resolveUrl(asString(fields.get('NS.relative')), asString(fields.get('NS.base'))),
    },
  ],
  ['NSUUID', { fields: /^NS\.uuidbytes$/, decode: (fields) => uuidText(asData(fields.get('NS.uuidbytes'))) }],
  ['NSNull', { fields: /^$/, decode: () => null }],
  [
    'NSNumber',
    {
      fields: /^NS\.(boolval|intval|dblval|number)$/,
      decode: (fields) =>
        asBoolean(fields.get('NS.boolval')) ??
        asInteger(fields.get('NS.intval')) ??
        asNumber(fields.get('NS.dblval')) ??
        asNumber(fields.get('NS.number')),
    },
  ],
] satisfies [string, FoundationClass][]);

function resolveUrl(relative: string | undefined, base: string | undefined): string | undefined {
  if (relative === undefined || base === undefined) return relative ?? base;
  return URL.canParse(relative, base) ? new URL(relative, base).href : relative;
}

function uuidText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 16) return undefined;
  return hexEncode(bytes)
    .toUpperCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * The runs of an attributed string: one dictionary holds for the whole text; with an array of them, `info` has a pair of
 * numbers for each run, its length and the index of its attributes, in little-endian groups of seven bits.
 */
function runsOf(text: string, attributes: ArchivedValue, info: Uint8Array | undefined): ArchivedTextRun[] {
  if (attributes instanceof Map) return [{ start: 0, length: text.length, attributes: attributes as ArchivedMap }];
  if (!Array.isArray(attributes) || info === undefined) return [];
  const runs: ArchivedTextRun[] = [];
  const numbers = variableLengthIntegers(info);
  let start = 0;
  for (let i = 0; i + 1 < numbers.length && start < text.length; i += 2) {
    const length = Math.min(numbers[i] ?? 0, text.length - start);
    const chosen: unknown = attributes[numbers[i + 1] ?? -1];
    if (length > 0 && chosen instanceof Map) runs.push({ start, length, attributes: chosen as ArchivedMap });
    start += length;
  }
  return runs;
}

function variableLengthIntegers(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  let value = 0;
  let unit = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * unit;
    unit *= 128;
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
    unit = 1;
  }
  return numbers;
}

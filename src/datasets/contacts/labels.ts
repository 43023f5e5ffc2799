import type { ContactLabel } from './types.js';

/** Built-in labels whose English name is not their key in lower case, word by word. FORMAT facts: docs/datasets/contacts.md. */
const englishNames: ReadonlyMap<string, string> = new Map([
  ['AppleWatch', 'Apple Watch'],
  ['APPLEWATCH', 'Apple Watch'],
  ['HomePage', 'homepage'],
  ['iCloud', 'iCloud'],
  ['iPhone', 'iPhone'],
]);

/** A stored label, decoded: `_$!<HomeFAX>!$_` is built in and becomes `home fax`; anything else is the user's own text. */
export function decodeLabel(rawLabel: string | undefined): ContactLabel {
  if (rawLabel === undefined || rawLabel === '') return { label: undefined, rawLabel: undefined };
  const key = /^_\$!<(.*)>!\$_$/s.exec(rawLabel)?.[1] ?? (englishNames.has(rawLabel) ? rawLabel : undefined);
  if (key === undefined) return { label: rawLabel, rawLabel };
  return { label: englishNames.get(key) ?? wordsOf(key), rawLabel };
}

/** `YoungerCousin` to `younger cousin`, `HomeFAX` to `home fax`. */
function wordsOf(key: string): string {
  return key.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ').toLowerCase();
}

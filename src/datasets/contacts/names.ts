import type { Contact } from './types.js';

/** Scripts whose names begin with the family and are written without a space. */
const familyFirst = /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u30fc\u30fb\s]+$/u;

/** The fields that a name to show is made of. */
type Named = Pick<
  Contact,
  | 'kind'
  | 'namePrefix'
  | 'givenName'
  | 'middleName'
  | 'familyName'
  | 'nameSuffix'
  | 'nickname'
  | 'organization'
  | 'emails'
  | 'phones'
>;

/**
 * The name that a device would show. `stored` are names that the database itself has for cards without one
 * (`DisplayName`, `CompositeNameFallback`), in order of preference.
 */
export function displayNameOf(contact: Named, stored: readonly (string | undefined)[]): string | undefined {
  const { kind, organization, nickname, emails, phones } = contact;
  const candidates = [
    kind === 'organization' ? organization : undefined,
    personalName(contact),
    organization,
    nickname,
    ...stored,
    emails[0]?.value,
    phones[0]?.value,
  ];
  return candidates.find((name) => name !== undefined && name.trim() !== '');
}

function personalName({ namePrefix, givenName, middleName, familyName, nameSuffix }: Named): string | undefined {
  const core = [givenName, middleName, familyName].filter((part): part is string => part !== undefined);
  if (core.length > 1 && core.every((part) => familyFirst.test(part))) {
    return [namePrefix, [familyName, middleName, givenName].filter(Boolean).join(''), nameSuffix]
      .filter(Boolean)
      .join(' ');
  }
  // A title alone is no name.
  return core.length === 0 ? undefined : [namePrefix, ...core, nameSuffix].filter(Boolean).join(' ');
}

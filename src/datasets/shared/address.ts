/** What an address of a person or service is. */
export type AddressKind = 'phone' | 'short-code' | 'email' | 'business' | 'other';

/** An address, recognised. */
export interface Address {
  /** What the form of the address tells; `other` where it has none of the known ones. */
  readonly kind: AddressKind;
  /** The address as the database has it. */
  readonly value: string;
  /**
   * The form to compare: phone numbers `+` and digits where the country is known, else digits alone; e-mail addresses and
   * the rest in lower case.
   */
  readonly canonical: string;
}

/** Digits with what people put between them, dashes of all widths too. */
const phonePattern = /^\+?[\d\s().\-/*#\u2010-\u2015]+$/u;

/** Marks of writing direction, which phones put around numbers. */
const directionMarks = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Fewest digits of a phone number; what is shorter is a short code such as 62442. */
const phoneDigits = 7;

/** Recognises an address of a handle, a contact or a call. The prefixes `tel:`, `mailto:`, `P:` and `E:` are taken off. */
export function parseAddress(value: string): Address {
  const bare = value
    .replace(directionMarks, '')
    .trim()
    .replace(/^(?:tel:|mailto:|[PE]:(?=\S))/i, '');
  if (/^urn:biz:/i.test(bare)) return { kind: 'business', value, canonical: bare.toLowerCase() };
  if (/^[^\s@]+@[^\s@]+$/.test(bare)) return { kind: 'email', value, canonical: bare.toLowerCase() };
  if (phonePattern.test(bare)) {
    const digits = bare.replace(/\D/g, '');
    if (digits.length >= phoneDigits) {
      return { kind: 'phone', value, canonical: bare.startsWith('+') ? `+${digits}` : digits };
    }
    if (digits.length > 0) return { kind: 'short-code', value, canonical: digits };
  }
  return { kind: 'other', value, canonical: bare.toLowerCase() };
}

/** Digits that must agree where one of two numbers has no country code. */
const comparedDigits = 8;

/**
 * Gives equal keys to addresses of the same subscriber. Full international numbers must be equal; a number without country code is
 * that of `known` that ends in the same 8 digits, where there is only one. All else is compared in its canonical form.
 */
export function addressKeys(known: Iterable<string>): (address: string) => string {
  const bySuffix = new Map<string, Set<string>>();
  for (const { kind, canonical } of Array.from(known, parseAddress)) {
    if (kind !== 'phone' || !canonical.startsWith('+')) continue;
    const suffix = canonical.slice(-comparedDigits);
    bySuffix.set(suffix, (bySuffix.get(suffix) ?? new Set()).add(canonical));
  }
  return (address) => {
    const { kind, canonical } = parseAddress(address);
    if (kind !== 'phone' || canonical.startsWith('+')) return canonical;
    const [candidate, another] = bySuffix.get(canonical.slice(-comparedDigits)) ?? [];
    // Without a unique match the 8 digits stand for it, so that forms with and without trunk prefix are equal.
    return candidate === undefined || another !== undefined ? canonical.slice(-comparedDigits) : candidate;
  };
}

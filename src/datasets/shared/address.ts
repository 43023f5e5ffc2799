/** What an address of a person or service is. */
export type AddressKind = 'phone' | 'short-code' | 'email' | 'business' | 'other';

/** An address, recognised. */
export interface Address {
  readonly kind: AddressKind;
  /** The address as the database has it. */
  readonly value: string;
  /**
   * The form to compare: phone numbers `+` and digits where the country is known, else digits alone; e-mail addresses and
   * the rest in lower case.
   */
  readonly canonical: string;
}

/** Digits with what people and phones put between them: dashes of all widths and marks of writing direction too. */
const phonePattern = /^\+?[\d\s().\-/*#\u2010-\u2015\u202a-\u202e]+$/u;

/** Fewest digits of a phone number; what is shorter is a short code such as 62442. */
const phoneDigits = 7;

/** Recognises an address of a handle, a contact or a call. The prefixes `tel:`, `mailto:`, `P:` and `E:` are taken off. */
export function parseAddress(value: string): Address {
  const bare = value.trim().replace(/^(?:tel:|mailto:|[PE]:(?=\S))/i, '');
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
 * A key that is equal for addresses of the same subscriber: for phone numbers their last 8 digits, because the same number
 * occurs with and without country code and trunk prefix; for everything else the canonical form.
 */
export function addressKey(value: string): string {
  const { kind, canonical } = parseAddress(value);
  return kind === 'phone' ? `tel:${canonical.replace(/\D/g, '').slice(-comparedDigits)}` : canonical;
}

/** Whether two addresses are the same: full international numbers must be equal, others agree in their last 8 digits. */
export function isSameAddress(a: string, b: string): boolean {
  const first = parseAddress(a).canonical;
  const second = parseAddress(b).canonical;
  if (first.startsWith('+') && second.startsWith('+')) return first === second;
  return addressKey(a) === addressKey(b);
}

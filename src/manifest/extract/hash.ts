import { hash } from 'node:crypto';

/** SHA-1 of a text as UTF-8, in lower-case hexadecimal. */
export function sha1Hex(text: string): string {
  return hash('sha1', text, 'hex');
}

/** 48 bits of a hash of a text: few enough for a `number`, enough to tell millions of texts apart. */
export function hash48(text: string): number {
  return parseInt(hash('sha256', text, 'hex').slice(0, 12), 16);
}

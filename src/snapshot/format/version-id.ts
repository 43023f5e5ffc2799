import { randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const pattern = /^\d{8}T\d{9}Z-[a-z2-7]{8}$/;

/** A new identity for a version made at `created`. */
export function newVersionId(created: Date): string {
  const time = created.toISOString().replaceAll(/[-:.]/g, '');
  const random = [...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return `${time}-${random}`;
}

/** The time in an identity; `undefined` where it is none. */
export function timeOfVersionId(id: string): Date | undefined {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-/.exec(id) ?? [];
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Whether `text` can name a version. */
export function isVersionId(text: string): boolean {
  return pattern.test(text);
}

/** Whether `text` can name the folder of a device: UDIDs, and simulator identities, are letters, digits and `-`. */
export function isUdid(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text);
}

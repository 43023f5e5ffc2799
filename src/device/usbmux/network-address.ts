import { hexEncode } from '../../core/bytes.js';

/* FORMAT facts: docs/format/usbmux.md, "Network addresses". */

const bsdFamilies = { v4: 0x02, v6: 0x1e } as const;
const linuxFamilies = { v4: 0x02, v6: 0x0a } as const;

/** Smallest length that a BSD `sockaddr` states in its first byte; that of Linux has a family there. */
const bsdLength = 0x10;

/**
 * The IP address of a device out of `NetworkAddress`, which is a `sockaddr` of BSD or of Linux; `undefined` where it is
 * neither. An address that is only valid on one link has the number of the host's interface behind a `%`.
 */
export function decodeNetworkAddress(bytes: Uint8Array): string | undefined {
  const isBsd = (bytes[0] ?? 0) >= bsdLength && (bytes[1] === bsdFamilies.v4 || bytes[1] === bsdFamilies.v6);
  const families = isBsd ? bsdFamilies : linuxFamilies;
  const family = bytes[isBsd ? 1 : 0];
  if (!isBsd && bytes[1] !== 0) return undefined;
  if (family === families.v4 && bytes.length >= 8) return bytes.slice(4, 8).join('.');
  if (family !== families.v6 || bytes.length < 24) return undefined;
  const groups = hexEncode(bytes.subarray(8, 24)).match(/.{4}/g) ?? [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLinkLocal = bytes[8] === 0xfe && ((bytes[9] ?? 0) & 0xc0) === 0x80;
  const scope = bytes.length >= 28 ? view.getUint32(24, true) : 0;
  return `${groups.join(':')}${isLinkLocal && scope !== 0 ? `%${scope}` : ''}`;
}

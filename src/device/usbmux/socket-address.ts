import { isIPv4, isIPv6 } from 'node:net';
import { concatBytes } from '../../core/bytes.js';

/* FORMAT facts: docs/format/usbmux.md, "Network addresses". */

/** Whose `sockaddr` is meant: Apple's, which begins with a length, or that of Linux. */
export type SocketAddressForm = 'bsd' | 'linux';

/**
 * `NetworkAddress` of a device: a `sockaddr_in` or `sockaddr_in6`.
 *
 * @throws RangeError where `address` is no IP address.
 */
export function encodeSocketAddress(address: string, port: number, form: SocketAddressForm): Uint8Array {
  const ip = isIPv4(address) ? ipv4Bytes(address) : ipv6Bytes(address);
  const isV4 = ip.length === 4;
  const portBytes = Uint8Array.of(port >> 8, port & 0xff);
  // Flow information before the address and the scope after it are 0.
  const rest = isV4 ? [ip, new Uint8Array(8)] : [new Uint8Array(4), ip, new Uint8Array(4)];
  const head = form === 'bsd' ? (isV4 ? [0x10, 0x02] : [0x1c, 0x1e]) : [isV4 ? 0x02 : 0x0a, 0x00];
  return concatBytes([Uint8Array.from(head), portBytes, ...rest]);
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split('.').map(Number));
}

function ipv6Bytes(address: string): Uint8Array {
  if (!isIPv6(address) || address.includes('%')) throw new RangeError(`${JSON.stringify(address)} is no IP address`);
  // The URL parser writes an address in one way, with an IPv4 tail in hexadecimal.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

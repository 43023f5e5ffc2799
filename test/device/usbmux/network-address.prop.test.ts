import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeNetworkAddress } from '../../../src/device/usbmux/network-address.js';
import { encodeSocketAddress } from '../../../src/device/usbmux/socket-address.js';

/** An IP address in one spelling. */
const canonical = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]`).hostname : address;

test('A network address is read in both forms, IPv4 and IPv6', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.constantFrom('bsd', 'linux'), (address, form) => {
      const decoded = decodeNetworkAddress(encodeSocketAddress(address, 62_078, form));
      expect(canonical(decoded ?? '')).toBe(canonical(address));
    }),
  );
});

test('A link-local address names the interface of the host', () => {
  const bytes = encodeSocketAddress('fe80::1', 62_078, 'bsd');
  bytes[24] = 7;
  expect(decodeNetworkAddress(bytes)).toMatch(/^fe80:.*%7$/);
});

test('Bytes that are no socket address give nothing, and none fail', () => {
  expect(decodeNetworkAddress(new Uint8Array())).toBeUndefined();
  expect(decodeNetworkAddress(Uint8Array.of(0x10, 0x02, 1, 2, 3))).toBeUndefined();
  expect(decodeNetworkAddress(Uint8Array.of(0x1c, 0x1e, ...new Uint8Array(10)))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(['string', 'undefined']).toContain(typeof decodeNetworkAddress(bytes));
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMuxAddress, muxAddress, parseMuxAddress } from '../../../src/device/usbmux/address.js';

describe('An address of usbmuxd', () => {
  test.each([
    ['127.0.0.1:27015', { host: '127.0.0.1', port: 27_015 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['tcp://127.0.0.1:27015', { host: '127.0.0.1', port: 27_015 }],
    ['tcp:[fe80::1]:27015', { host: 'fe80::1', port: 27_015 }],
    ['UNIX:/var/run/usbmuxd', { path: '/var/run/usbmuxd' }],
    ['unix:/run/mux', { path: '/run/mux' }],
    ['unix:///run/mux', { path: '/run/mux' }],
    ['/var/run/usbmuxd', { path: '/var/run/usbmuxd' }],
    ['./mux.sock', { path: './mux.sock' }],
    [String.raw`\\.\pipe\usbmuxd`, { path: String.raw`\\.\pipe\usbmuxd` }],
  ])('is read as other clients spell it: %s', (text, address) => {
    expect(parseMuxAddress(text)).toEqual(address);
  });

  test.each(['', 'usbmuxd', 'host:0', 'host:65536', 'host:', ':27015', 'http://host:1/x', '::1:27015', 'a/b:70000'])(
    'is refused where it is none: %j',
    (text) => {
      expect(() => parseMuxAddress(text)).toThrow(RangeError);
    },
  );

  test('comes from the option, else the environment, else the system', () => {
    const env = { USBMUXD_SOCKET_ADDRESS: 'UNIX:/env' };
    expect(muxAddress('/given', { env, platform: 'linux' })).toEqual({ path: '/given' });
    expect(muxAddress(undefined, { env, platform: 'linux' })).toEqual({ path: '/env' });
    expect(muxAddress(undefined, { env: { USBMUXD_SOCKET_ADDRESS: '' }, platform: 'darwin' })).toEqual({
      path: '/var/run/usbmuxd',
    });
    expect(muxAddress(undefined, { env: {}, platform: 'win32' })).toEqual({ host: '127.0.0.1', port: 27_015 });
  });

  test('is written so that it is read as the same', () => {
    const hosts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    const addresses = fc.oneof(
      fc.record({ host: hosts, port: fc.integer({ min: 1, max: 65_535 }) }),
      fc.stringMatching(/^\/[a-z/.:]{1,30}$/).map((path) => ({ path })),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        // Two slashes behind `unix:` are another spelling of none.
        fc.pre(!('path' in address && address.path.startsWith('//')));
        expect(parseMuxAddress(formatMuxAddress(address))).toEqual(address);
      }),
    );
  });

  test('is an address or a RangeError, whatever is written', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseMuxAddress(text)).toBeTypeOf('object');
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

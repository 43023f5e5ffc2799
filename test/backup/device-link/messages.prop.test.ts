import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeDeviceMessage,
  encodeHostMessage,
  parseDeviceMessage,
  parseHostMessage,
  signed64,
  type DeviceMessage,
} from '../../../src/backup/device-link/messages.js';
import { decodeLength, encodeBlock, encodeName } from '../../../src/backup/device-link/wire.js';
import { encodeRequest, encodeResponse, parseRequest, parseResponse } from '../../../src/backup/mobilebackup2.js';
import { isBackupKitError } from '../../../src/core/errors.js';
import { writeBinaryPlist } from '../../../src/plist/binary-write.js';
import { asDict } from '../../../src/plist/guards.js';
import { parsePlist } from '../../../src/plist/parse.js';
import type { PlistInput, PlistValue } from '../../../src/plist/types.js';
import { writeXmlPlist } from '../../../src/plist/xml-write.js';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const progress = fc.double({ min: 0, max: 100, noNaN: true });
const integer = fc.integer({ min: 0, max: 2 ** 40 });

const deviceMessage: fc.Arbitrary<DeviceMessage> = fc.oneof(
  fc.record({ type: fc.constant('DLMessageVersionExchange' as const), major: integer, minor: integer }),
  fc.constantFrom({ type: 'DLMessageDeviceReady' as const }, { type: 'DLMessageGetFreeDiskSpace' as const }),
  fc.record({ type: fc.constant('DLMessageDownloadFiles' as const), paths: fc.array(text), progress }),
  fc.record({ type: fc.constant('DLMessageUploadFiles' as const), progress, bytes: integer }),
  fc.record({ type: fc.constant('DLMessagePurgeDiskSpace' as const), bytes: integer, urgency: integer }),
  fc.record({
    type: fc.constantFrom('DLContentsOfDirectory' as const, 'DLMessageCreateDirectory' as const),
    path: text,
  }),
  fc.record({
    type: fc.constantFrom('DLMessageMoveItems' as const, 'DLMessageMoveFiles' as const),
    moves: fc.uniqueArray(fc.tuple(text, text), { selector: ([from]) => from }),
    progress,
  }),
  fc.record({
    type: fc.constantFrom('DLMessageRemoveItems' as const, 'DLMessageRemoveFiles' as const),
    paths: fc.array(text),
    progress,
  }),
  fc.record({ type: fc.constant('DLMessageCopyItem' as const), from: text, to: text, progress }),
  fc.record({ type: fc.constant('DLMessagePing' as const), text }),
  fc.record({ type: fc.constant('DLMessageDisconnect' as const), reason: text }),
);

/** As it arrives on the other side, in both formats. */
function* transmitted(value: PlistInput): Generator<PlistValue> {
  yield parsePlist(writeBinaryPlist(value));
  yield parsePlist(writeXmlPlist(value));
}

const anything: fc.Arbitrary<PlistInput> = fc.letrec<{ value: PlistInput }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(text, fc.integer(), fc.boolean(), fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n })),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('messages', () => {
  it('of a device come back as they were, in both formats', () => {
    fc.assert(
      fc.property(deviceMessage, (message) => {
        for (const value of transmitted(encodeDeviceMessage(message))) {
          expect(parseDeviceMessage(value)).toEqual(message);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of a host carry their code whatever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: -20, max: 20 }), fc.option(text, { nil: undefined }), (code, said) => {
        fc.pre(said !== '___EmptyParameterString___');
        for (const value of transmitted(encodeHostMessage({ type: 'DLMessageStatusResponse', code, text: said })))
          expect(parseHostMessage(value)).toEqual({
            type: 'DLMessageStatusResponse',
            code,
            text: said,
            payload: new Map(),
          });
      }),
    );
  });

  it('that are anything at all are a message or a ProtocolError', () => {
    const names = [
      'DLMessageMoveItems',
      'DLMessageCopyItem',
      'DLMessageProcessMessage',
      'DLMessageStatusResponse',
      'DLx',
    ];
    const list = fc.tuple(fc.constantFrom(...names), fc.array(anything)).map(([name, rest]) => [name, ...rest]);
    fc.assert(
      fc.property(fc.oneof(anything, list), (input) => {
        for (const parse of [parseDeviceMessage, parseHostMessage]) {
          try {
            expect(parse(parsePlist(writeBinaryPlist(input))).type).toEqual(expect.any(String));
          } catch (error) {
            expect(isBackupKitError(error, 'PROTOCOL_MALFORMED')).toBe(true);
          }
        }
      }),
    );
  });

  it('say negative numbers in 16 bytes, in 8, and in XML without a sign', () => {
    for (const [sent, meant] of [
      [-13, -13],
      [2n ** 64n - 13n, -13],
      [-13n, -13],
      [2n ** 33n, 2 ** 33],
    ] as const)
      expect(signed64(sent)).toBe(meant);
    for (const value of transmitted(['DLMessageStatusResponse', 2n ** 64n - 13n, 'x', {}]))
      expect(parseHostMessage(value)).toMatchObject({ code: -13 });
  });
});

describe('requests and responses', () => {
  it('come back as they were', () => {
    const request = encodeRequest({ name: 'Restore', target: 'A', source: 'B', options: { x: true }, extra: { y: 1 } });
    const [parsed] = [...transmitted(request)].map((value) => parseRequest(asDict(value) ?? new Map()));
    expect(parsed).toMatchObject({ name: 'Restore', target: 'A', source: 'B', options: new Map([['x', true]]) });
    expect(parsed?.message.get('y')).toBe(1);
    for (const value of transmitted(encodeResponse({ errorCode: 0, protocolVersion: 2 })))
      expect(parseResponse(asDict(value) ?? new Map())).toMatchObject({ errorCode: 0, protocolVersion: 2 });
  });

  it('without an error code that is an integer are failures', () => {
    for (const ErrorCode of [undefined, '0', 0.5, true]) {
      const [value] = [...transmitted({ MessageName: 'Response', ErrorCode })];
      expect(parseResponse(asDict(value) ?? new Map()).errorCode).toBe(-1);
    }
    expect(() => parseResponse(new Map([['MessageName', 'Hello']]))).toThrow('A response was expected');
    expect(() => parseRequest(new Map())).toThrow('A request has no name');
  });
});

describe('raw parts', () => {
  it('are as on the wire', () => {
    expect([...encodeName('ä/b')]).toEqual([0, 0, 0, 4, 0xc3, 0xa4, 0x2f, 0x62]);
    expect([...encodeBlock(0x0c, Uint8Array.of(1, 2))]).toEqual([0, 0, 0, 3, 0x0c, 1, 2]);
    expect([...encodeBlock(0)]).toEqual([0, 0, 0, 1, 0]);
    expect(decodeLength(Uint8Array.of(0xff, 0, 0, 1))).toBe(0xff000001);
  });
});

import { ProtocolError } from '../../core/errors.js';
import { asArray, asDict, asInteger, asNumber, asString } from '../../plist/guards.js';
import { PlistReal, type PlistDict, type PlistInput, type PlistValue } from '../../plist/types.js';
import { emptyParameter, versionsOk } from './wire.js';

/** What a device sends over Device Link. `progress` is the whole run's, in percent. */
export type DeviceMessage =
  | { readonly type: 'DLMessageVersionExchange'; readonly major: number; readonly minor: number }
  | { readonly type: 'DLMessageDeviceReady' }
  | {
      readonly type: 'DLMessageDownloadFiles';
      readonly paths: readonly string[];
      readonly progress?: number | undefined;
    }
  | {
      readonly type: 'DLMessageUploadFiles';
      readonly progress?: number | undefined;
      /** Bytes of content in the batch, as announced. */
      readonly bytes?: number | undefined;
    }
  | { readonly type: 'DLMessageGetFreeDiskSpace' }
  | {
      readonly type: 'DLMessagePurgeDiskSpace';
      readonly bytes?: number | undefined;
      readonly urgency?: number | undefined;
    }
  | { readonly type: 'DLContentsOfDirectory'; readonly path: string }
  | { readonly type: 'DLMessageCreateDirectory'; readonly path: string }
  | {
      readonly type: 'DLMessageMoveItems' | 'DLMessageMoveFiles';
      /** Pairs of source and destination, in the order of the message. */
      readonly moves: readonly (readonly [from: string, to: string])[];
      readonly progress?: number | undefined;
    }
  | {
      readonly type: 'DLMessageRemoveItems' | 'DLMessageRemoveFiles';
      readonly paths: readonly string[];
      readonly progress?: number | undefined;
    }
  | {
      readonly type: 'DLMessageCopyItem';
      readonly from: string;
      readonly to: string;
      readonly progress?: number | undefined;
    }
  | { readonly type: 'DLMessageProcessMessage'; readonly message: PlistDict }
  | { readonly type: 'DLMessagePing'; readonly text: string }
  | { readonly type: 'DLMessageDisconnect'; readonly reason: string }
  /** A name that is not known here. */
  | { readonly type: 'unknown'; readonly name: string };

/** What a host sends over Device Link. */
export type HostMessage =
  | { readonly type: 'DLMessageVersionExchange'; readonly major: number }
  | {
      readonly type: 'DLMessageStatusResponse';
      readonly code: number;
      readonly text?: string | undefined;
      readonly payload?: PlistInput | undefined;
    }
  | { readonly type: 'DLMessageProcessMessage'; readonly message: PlistInput }
  | { readonly type: 'DLMessageDisconnect' };

/** A message of a host, parsed. */
export type ParsedHostMessage =
  | { readonly type: 'DLMessageVersionExchange'; readonly major: number }
  | {
      readonly type: 'DLMessageStatusResponse';
      readonly code: number;
      readonly text: string | undefined;
      readonly payload: PlistValue | undefined;
    }
  | { readonly type: 'DLMessageProcessMessage'; readonly message: PlistDict }
  | { readonly type: 'DLMessageDisconnect' }
  | { readonly type: 'unknown'; readonly name: string };

/** The property list of a device's message. */
export function encodeDeviceMessage(message: DeviceMessage): PlistInput {
  const progress = new PlistReal('progress' in message ? (message.progress ?? 0) : 0);
  switch (message.type) {
    case 'DLMessageVersionExchange':
      return [message.type, message.major, message.minor];
    case 'DLMessageDownloadFiles':
      return [message.type, message.paths, {}, progress, 0];
    case 'DLMessageUploadFiles':
      return [message.type, {}, progress, message.bytes ?? 0];
    case 'DLMessageDeviceReady':
    case 'DLMessageGetFreeDiskSpace':
      return [message.type];
    case 'DLMessagePurgeDiskSpace':
      return [message.type, message.bytes ?? 0, message.urgency ?? 0];
    case 'DLContentsOfDirectory':
      return [message.type, message.path, {}];
    case 'DLMessageCreateDirectory':
      return [message.type, message.path, {}, progress];
    case 'DLMessageMoveItems':
    case 'DLMessageMoveFiles':
      return [message.type, new Map(message.moves), {}, progress];
    case 'DLMessageRemoveItems':
    case 'DLMessageRemoveFiles':
      return [message.type, message.paths, {}, progress];
    case 'DLMessageCopyItem':
      return [message.type, message.from, message.to, {}, progress];
    case 'DLMessageProcessMessage':
      return [message.type, message.message];
    case 'DLMessagePing':
      return [message.type, message.text];
    case 'DLMessageDisconnect':
      return [message.type, message.reason];
    case 'unknown':
      return [message.name];
  }
}

/**
 * A device's message. What a place after the needed ones holds is ignored, and progress or sizes may be missing.
 *
 * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it is no message, or lacks what its name needs.
 */
export function parseDeviceMessage(value: PlistValue): DeviceMessage {
  const { name, at } = envelope(value);
  switch (name) {
    case 'DLMessageVersionExchange':
      return { type: name, major: integer(at(1), name), minor: integer(at(2) ?? 0, name) };
    case 'DLMessageDeviceReady':
    case 'DLMessageGetFreeDiskSpace':
      return { type: name };
    case 'DLMessageDownloadFiles':
      return { type: name, paths: texts(at(1), name), progress: asNumber(at(3)) };
    case 'DLMessageUploadFiles':
      return { type: name, progress: asNumber(at(2)), bytes: asNumber(at(3)) };
    case 'DLMessagePurgeDiskSpace':
      return { type: name, bytes: asNumber(at(1)), urgency: asNumber(at(2)) };
    case 'DLContentsOfDirectory':
    case 'DLMessageCreateDirectory':
      return { type: name, path: text(at(1), name) };
    case 'DLMessageMoveItems':
    case 'DLMessageMoveFiles':
      return { type: name, moves: pairs(at(1), name), progress: asNumber(at(3)) };
    case 'DLMessageRemoveItems':
    case 'DLMessageRemoveFiles':
      return { type: name, paths: texts(at(1), name), progress: asNumber(at(3)) };
    case 'DLMessageCopyItem':
      return { type: name, from: text(at(1), name), to: text(at(2), name), progress: asNumber(at(4)) };
    case 'DLMessageProcessMessage':
      return { type: name, message: dict(at(1), name) };
    case 'DLMessagePing':
      return { type: name, text: asString(at(1)) ?? '' };
    case 'DLMessageDisconnect':
      return { type: name, reason: asString(at(1)) ?? emptyParameter };
    default:
      return { type: 'unknown', name };
  }
}

/** The property list of a host's message. */
export function encodeHostMessage(message: HostMessage): PlistInput {
  switch (message.type) {
    case 'DLMessageVersionExchange':
      return [message.type, versionsOk, message.major];
    case 'DLMessageStatusResponse':
      return [message.type, message.code, message.text ?? emptyParameter, message.payload ?? {}];
    case 'DLMessageProcessMessage':
      return [message.type, message.message];
    case 'DLMessageDisconnect':
      return [message.type, emptyParameter];
  }
}

/**
 * A host's message. Negative status codes arrive in 1, 8 or 16 bytes, and in XML as unsigned 64-bit numbers.
 *
 * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it is no message, or lacks what its name needs.
 */
export function parseHostMessage(value: PlistValue): ParsedHostMessage {
  const { name, at } = envelope(value);
  switch (name) {
    case 'DLMessageVersionExchange':
      return { type: name, major: integer(at(2), name) };
    case 'DLMessageStatusResponse': {
      const [said, payload] = [asString(at(2)), at(3)];
      return {
        type: name,
        code: integer(at(1), name),
        text: said === emptyParameter ? undefined : said,
        payload: payload === emptyParameter ? undefined : payload,
      };
    }
    case 'DLMessageProcessMessage':
      return { type: name, message: dict(at(1), name) };
    case 'DLMessageDisconnect':
      return { type: name };
    default:
      return { type: 'unknown', name };
  }
}

/** An integer as a signed number of 64 bits, whatever size it was written in. @throws as {@link parseDeviceMessage}. */
function integer(value: PlistValue | undefined, name: string): number {
  const found = asInteger(value);
  if (found === undefined) throw malformed(`${name} lacks a number`);
  return signed64(found);
}

/** The 64 bits of an integer as a signed number, as C code reads them; rounded beyond ±(2^53 − 1). */
export function signed64(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : value;
}

function envelope(value: PlistValue): { name: string; at: (index: number) => PlistValue | undefined } {
  const parts = asArray(value);
  const name = asString(parts?.[0]);
  if (parts === undefined || !name?.startsWith('DL'))
    throw malformed('A message is not a list that begins with a name');
  return { name, at: (index) => parts[index] };
}

function text(value: PlistValue | undefined, name: string): string {
  const found = asString(value);
  if (found === undefined) throw malformed(`${name} lacks a path`);
  return found;
}

function texts(value: PlistValue | undefined, name: string): string[] {
  const found = asArray(value);
  if (found === undefined) throw malformed(`${name} lacks a list of paths`);
  return found.map((path) => text(path, name));
}

function pairs(value: PlistValue | undefined, name: string): [string, string][] {
  return Array.from(dict(value, name), ([from, to]) => [from, text(to, name)]);
}

function dict(value: PlistValue | undefined, name: string): PlistDict {
  const found = asDict(value);
  if (found === undefined) throw malformed(`${name} lacks a dictionary`);
  return found;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'device-link' });
}

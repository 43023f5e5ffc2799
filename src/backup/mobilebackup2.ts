import { ProtocolError } from '../core/errors.js';
import { asInteger, asString, asDict, asNumber } from '../plist/guards.js';
import { PlistReal, type PlistDict, type PlistInput, type PlistValue } from '../plist/types.js';
import { signed64 } from './device-link/messages.js';

/*
 * The dictionaries that MobileBackup2 exchanges within Device Link's DLMessageProcessMessage.
 * FORMAT facts: docs/format/device-link.md.
 */

/** Name of the service. */
export const mobileBackup2Service = 'com.apple.mobilebackup2';

/** Versions that a host offers, as current tools do. */
export const supportedProtocolVersions: readonly number[] = [2.0, 2.1];

/** What a host can ask for. */
export type RequestName =
  | 'Backup'
  | 'Restore'
  | 'Info'
  | 'List'
  | 'Unback'
  | 'Extract'
  | 'ChangePassword'
  | 'EnableCloudBackup'
  | 'EraseDevice'
  | 'Remove';

/** A request of a host. */
export interface BackupRequest {
  readonly name: RequestName | (string & {});
  /** The device that is connected. */
  readonly target?: string | undefined;
  /** The device whose backup is meant, the name of its folder; the target where absent. */
  readonly source?: string | undefined;
  /** The dictionary under `Options`; none where absent. */
  readonly options?: { readonly [key: string]: PlistInput | undefined } | undefined;
  /** Further keys beside the usual ones, e.g. `OldPassword`. */
  readonly extra?: { readonly [key: string]: PlistInput | undefined } | undefined;
}

/** What ends a request, and what answers a Hello. */
export interface BackupResponse {
  /** 0 is success; otherwise a code of Apple's MBErrorDomain. */
  readonly errorCode: number;
  /** The device's own words. */
  readonly errorDescription?: string | undefined;
  /** What was asked for by Info and List. */
  readonly content?: PlistValue | undefined;
  /** Only in the answer to a Hello. */
  readonly protocolVersion?: number | undefined;
}

/** The first message of a host. */
export function encodeHello(versions: readonly number[] = supportedProtocolVersions): PlistInput {
  return { MessageName: 'Hello', SupportedProtocolVersions: versions.map((version) => new PlistReal(version)) };
}

/** The dictionary of a request. */
export function encodeRequest(request: BackupRequest): PlistInput {
  return {
    MessageName: request.name,
    TargetIdentifier: request.target,
    SourceIdentifier: request.source,
    Options: request.options,
    ...request.extra,
  };
}

/** The dictionary of a response. */
export function encodeResponse(response: BackupResponse): PlistInput {
  return {
    MessageName: 'Response',
    ErrorCode: response.errorCode,
    ErrorDescription: response.errorDescription,
    Content: response.content,
    ProtocolVersion: response.protocolVersion === undefined ? undefined : new PlistReal(response.protocolVersion),
  };
}

/** The name of a host's message, what it is about, and all its keys. */
export interface ParsedRequest {
  readonly name: string;
  readonly target: string | undefined;
  readonly source: string | undefined;
  readonly options: PlistDict;
  /** The whole dictionary. */
  readonly message: PlistDict;
}

/** A request of a host. @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it has no name. */
export function parseRequest(message: PlistDict): ParsedRequest {
  const name = asString(message.get('MessageName'));
  if (name === undefined) throw malformed('A request has no name');
  return {
    name,
    target: asString(message.get('TargetIdentifier')),
    source: asString(message.get('SourceIdentifier')),
    options: asDict(message.get('Options')) ?? new Map(),
    message,
  };
}

/**
 * A response of a device. Without an error code, or with one that is no integer, it counts as a failure (-1), so that nothing
 * unknown is taken for success.
 *
 * @throws {@link ProtocolError} `PROTOCOL_MALFORMED` where it is no response.
 */
export function parseResponse(message: PlistDict): BackupResponse {
  if (message.get('MessageName') !== 'Response') throw malformed('A response was expected');
  return {
    errorCode: signed64(asInteger(message.get('ErrorCode')) ?? -1),
    errorDescription: asString(message.get('ErrorDescription')),
    content: message.get('Content'),
    protocolVersion: asNumber(message.get('ProtocolVersion')),
  };
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'mobilebackup2' });
}

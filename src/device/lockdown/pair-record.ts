import { utf8Decode, utf8Encode } from '../../core/bytes.js';
import { DeviceError } from '../../core/errors.js';
import { asData, asDict, asString } from '../../plist/guards.js';
import { parsePlist } from '../../plist/parse.js';
import type { PlistDict, PlistInput } from '../../plist/types.js';
import { writeXmlPlist } from '../../plist/xml-write.js';
import type { DeviceTlsOptions } from '../transport.js';

/* FORMAT facts: docs/format/lockdown.md, "Pair records". */

/** What a host keeps of a pairing. It holds private keys: never to be shown. */
export interface PairRecord {
  readonly hostId: string;
  readonly systemBuid: string | undefined;
  /** Certificates and keys are PEM. */
  readonly deviceCertificate: string;
  readonly hostCertificate: string;
  readonly hostPrivateKey: string;
  readonly rootCertificate: string;
  /** What nobody needs after pairing; written by those who make a record. */
  readonly rootPrivateKey: string | undefined;
  /** Lets services start while the device is locked; a device that was locked at pairing gives none. */
  readonly escrowBag: Uint8Array | undefined;
  readonly wifiMacAddress: string | undefined;
}

/**
 * Reads a stored record, a whole property list in either format.
 *
 * @throws DeviceError `DEVICE_PAIR_RECORD_INVALID`
 */
export function parsePairRecord(bytes: Uint8Array, udid: string): PairRecord {
  let dict: PlistDict | undefined;
  try {
    dict = asDict(parsePlist(bytes));
  } catch (cause) {
    throw invalid(udid, 'it is no property list', cause);
  }
  if (dict === undefined) throw invalid(udid, 'it is no dictionary');
  const record = dict;
  const need = (key: string): string => {
    const text = pem(record, key);
    if (text === undefined) throw invalid(udid, `it has no ${key}`);
    return text;
  };
  const hostId = asString(record.get('HostID'));
  if (hostId === undefined) throw invalid(udid, 'it has no HostID');
  return {
    hostId,
    systemBuid: asString(record.get('SystemBUID')),
    deviceCertificate: need('DeviceCertificate'),
    hostCertificate: need('HostCertificate'),
    hostPrivateKey: need('HostPrivateKey'),
    rootCertificate: need('RootCertificate'),
    rootPrivateKey: pem(record, 'RootPrivateKey'),
    escrowBag: asData(record.get('EscrowBag')),
    wifiMacAddress: asString(record.get('WiFiMACAddress')),
  };
}

/** A record as it is stored, XML as Apple's own hosts write it. */
export function encodePairRecord(record: PairRecord): Uint8Array {
  return writeXmlPlist({
    ...requestRecord(record),
    HostPrivateKey: utf8Encode(record.hostPrivateKey),
    RootPrivateKey: record.rootPrivateKey === undefined ? undefined : utf8Encode(record.rootPrivateKey),
    EscrowBag: record.escrowBag,
    WiFiMACAddress: record.wifiMacAddress,
  });
}

/** What the device gets to see of a record: no private keys. */
export function requestRecord(record: PairRecord): { readonly [key: string]: PlistInput | undefined } {
  return {
    DeviceCertificate: utf8Encode(record.deviceCertificate),
    HostCertificate: utf8Encode(record.hostCertificate),
    RootCertificate: utf8Encode(record.rootCertificate),
    HostID: record.hostId,
    SystemBUID: record.systemBuid,
  };
}

/** Credentials of a record for TLS. */
export function tlsOfRecord(record: PairRecord, isLegacy: boolean): DeviceTlsOptions {
  return {
    certificate: record.hostCertificate,
    privateKey: record.hostPrivateKey,
    deviceCertificate: record.deviceCertificate,
    isLegacy,
  };
}

function pem(record: PlistDict, key: string): string | undefined {
  const bytes = asData(record.get(key));
  return bytes === undefined || bytes.length === 0 ? undefined : utf8Decode(bytes);
}

function invalid(udid: string, why: string, cause?: unknown): DeviceError {
  return new DeviceError(
    'DEVICE_PAIR_RECORD_INVALID',
    `The pair record of ${udid} cannot be used, because ${why}; forget it and pair again`,
    { udid, cause },
  );
}

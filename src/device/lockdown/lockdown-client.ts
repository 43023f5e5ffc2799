import type { AbortOptions } from '../../core/abort.js';
import { isBackupKitError, ProtocolError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import { asBoolean, asData, asInteger, asString } from '../../plist/guards.js';
import type { PlistDict, PlistInput, PlistValue } from '../../plist/types.js';
import { PlistChannel } from '../plist-channel.js';
import type { DeviceTlsOptions, ServiceConnection } from '../transport.js';
import { lockdownError } from './lockdown-error.js';
import { requestRecord, type PairRecord } from './pair-record.js';

/* FORMAT facts: docs/format/lockdown.md. */

/** Name of lockdownd in errors, and what it says that it is. */
export const lockdownService = 'com.apple.mobile.lockdown';

const label = 'ios-backup-kit';
const protocolVersion = '2';

type Fields = { readonly [key: string]: PlistInput | undefined };

/** Where a value of lockdownd is. */
export interface ValuePlace {
  readonly domain?: string | undefined;
  readonly key?: string | undefined;
}

/** lockdownd over one connection. */
export class LockdownClient implements Closeable {
  readonly #channel: PlistChannel;
  readonly #udid: string;
  #sessionId: string | undefined;

  constructor(connection: ServiceConnection, udid: string) {
    this.#channel = new PlistChannel(connection, { service: lockdownService, protocol: 'lockdown' });
    this.#udid = udid;
  }

  /** Checks that it is lockdownd that answers. @throws ProtocolError `PROTOCOL_MALFORMED` where it is not */
  async checkType(options?: AbortOptions): Promise<void> {
    const type = asString((await this.#request('QueryType', {}, options)).get('Type'));
    if (type !== lockdownService) throw malformed('What answers is not lockdownd');
  }

  /** A value, or all that lockdownd tells of a domain; `undefined` where there is none. */
  async getValue({ domain, key }: ValuePlace, options?: AbortOptions): Promise<PlistValue | undefined> {
    try {
      return (await this.#request('GetValue', { Domain: domain, Key: key }, options)).get('Value');
    } catch (error) {
      if (isBackupKitError(error) && 'remoteError' in error && error.remoteError === 'MissingValue') return undefined;
      throw error;
    }
  }

  /** Sets a value. */
  async setValue(place: ValuePlace, value: PlistInput, options?: AbortOptions): Promise<void> {
    await this.#request('SetValue', { Domain: place.domain, Key: place.key, Value: value }, options);
  }

  /** Removes a value. */
  async removeValue({ domain, key }: ValuePlace, options?: AbortOptions): Promise<void> {
    await this.#request('RemoveValue', { Domain: domain, Key: key }, options);
  }

  /** Asks the device to trust the host of a record; gives the escrow bag, which a locked device keeps to itself. */
  async pair(record: PairRecord, options?: AbortOptions): Promise<Uint8Array | undefined> {
    const PairingOptions = { ExtendedPairingErrors: true };
    const reply = await this.#request('Pair', { ...this.#recordFields(record), PairingOptions }, options);
    return asData(reply.get('EscrowBag'));
  }

  /** Asks whether the device still trusts the host of a record; iOS before 7 wants that before a session. */
  async validatePair(record: PairRecord, options?: AbortOptions): Promise<void> {
    await this.#request('ValidatePair', this.#recordFields(record), options);
  }

  /** Lets the device forget the host of a record. */
  async unpair(record: PairRecord, options?: AbortOptions): Promise<void> {
    await this.#request('Unpair', this.#recordFields(record), options);
  }

  /**
   * Starts a session, in TLS.
   *
   * @throws DeviceError `DEVICE_NOT_PAIRED`, `DEVICE_LOCKED`, `DEVICE_IDENTITY_MISMATCH`
   */
  async startSession(
    host: { hostId: string; systemBuid: string },
    tls: DeviceTlsOptions,
    options?: AbortOptions,
  ): Promise<void> {
    const fields = { HostID: host.hostId, SystemBUID: host.systemBuid };
    const reply = await this.#request('StartSession', fields, options);
    // Without TLS nothing would prove that this is the device that was paired.
    if (asBoolean(reply.get('EnableSessionSSL')) !== true) throw malformed('The device started a session without TLS');
    await this.#channel.connection.startTls(tls, options);
    this.#sessionId = asString(reply.get('SessionID'));
  }

  /** Starts a service; gives the port where it waits for this host, and whether it wants TLS there. */
  async startService(
    name: string,
    { escrowBag, signal }: AbortOptions & { escrowBag?: Uint8Array | undefined } = {},
  ): Promise<{ port: number; isTls: boolean }> {
    const reply = await this.#request('StartService', { Service: name, EscrowBag: escrowBag }, { signal }, name);
    const port = asInteger(reply.get('Port'));
    if (typeof port !== 'number' || port < 1 || port > 65_535) throw malformed(`The device gave no port for ${name}`);
    return { port, isTls: asBoolean(reply.get('EnableServiceSSL')) === true };
  }

  /** Ends the session and the connection. The device's answer to that does not matter. */
  async close(): Promise<void> {
    const sessionId = this.#sessionId;
    this.#sessionId = undefined;
    if (sessionId !== undefined)
      this.#channel.send({ Label: label, Request: 'StopSession', SessionID: sessionId }).catch(() => undefined);
    await this.#channel.close();
  }

  #recordFields(record: PairRecord): Fields {
    return { PairRecord: requestRecord(record), ProtocolVersion: protocolVersion };
  }

  async #request(verb: string, fields: Fields, options?: AbortOptions, service?: string): Promise<PlistDict> {
    const reply = await this.#channel.request({ Label: label, Request: verb, ...fields }, options);
    const answered = asString(reply.get('Request'));
    // Old releases say in `Result` that there is an error.
    const error = asString(reply.get('Error')) ?? (reply.get('Result') === 'Failure' ? 'Failure' : undefined);
    if (error !== undefined) throw lockdownError(error, { request: verb, udid: this.#udid, service });
    // Some releases answer Unpair as if it were ValidatePair.
    if (answered !== verb && !(verb === 'Unpair' && answered === 'ValidatePair'))
      throw malformed(`The device answered ${answered ?? 'nothing'} to ${verb}`);
    return reply;
  }
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MALFORMED', message, { protocol: 'lockdown' });
}

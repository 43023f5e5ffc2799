import { equalBytes } from '../../../core/bytes.js';
import { asData, asDict, asString } from '../../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../../plist/types.js';
import type { DeviceConnection } from '../connection.js';
import type { LockState, VirtualService } from '../types.js';
import type { PairedHost, PairingError, Pairings } from './pairing.js';
import type { DeviceValues } from './values.js';

/** A start of a service, until the host connects to its port. */
export interface ServiceStart {
  readonly name: string;
  readonly service: VirtualService;
  readonly host: PairedHost | undefined;
  readonly hasEscrowBag: boolean;
}

/** What lockdownd needs of its device. */
export interface LockdownDevice {
  readonly values: DeviceValues;
  readonly pairings: Pairings;
  readonly services: ReadonlyMap<string, VirtualService>;
  lockState(): LockState;
  /** The error with which the fault script refuses a service. */
  refusal(service: string): string | undefined;
  newSessionId(): string;
  /** A port at which the service is waiting. */
  openService(start: ServiceStart): Promise<number>;
  secure(connection: DeviceConnection, host: PairedHost): Promise<void>;
  /** A host has changed a value. */
  valueChanged(domain: string, key: string): void;
}

/** What one verb answers: keys of the reply, or the name of an error. */
type Answer = { readonly [key: string]: PlistInput | undefined } | string;

/** lockdownd towards one host. FORMAT facts: docs/format/lockdown.md. */
export class LockdownServer {
  readonly #device: LockdownDevice;
  readonly #connection: DeviceConnection;
  #session: { readonly id: string; readonly host: PairedHost } | undefined;
  #isOver = false;

  constructor(device: LockdownDevice, connection: DeviceConnection) {
    this.#device = device;
    this.#connection = connection;
  }

  /** Answers requests until the host or a verb ends the connection. */
  async serve(): Promise<void> {
    while (!this.#isOver) {
      const message = await this.#connection.receive();
      if (message === undefined) return;
      const request = asDict(message) ?? new Map();
      const verb = asString(request.get('Request'));
      const hadSession = this.#session !== undefined;
      const answer = verb === undefined ? 'MissingKey' : await this.#answer(verb, request);
      await this.#connection.send({
        ...(verb !== undefined && { Request: verb }),
        ...(typeof answer === 'string' ? { Error: answer } : answer),
      });
      if (!hadSession && this.#session !== undefined) await this.#device.secure(this.#connection, this.#session.host);
    }
  }

  async #answer(verb: string, request: PlistDict): Promise<Answer> {
    switch (verb) {
      case 'QueryType':
        return { Type: 'com.apple.mobile.lockdown' };
      case 'GetValue':
        return this.#getValue(request);
      case 'SetValue':
        return this.#setValue(request);
      case 'RemoveValue':
        return this.#removeValue(request);
      case 'Pair':
        return this.#pair(request);
      case 'ValidatePair':
        return succeed(this.#device.pairings.ofRecord(request.get('PairRecord')));
      case 'Unpair':
        return this.#unpair(request);
      case 'StartSession':
        return this.#startSession(request);
      case 'StopSession':
        return this.#stopSession(request);
      case 'StartService':
        return await this.#startService(request);
      case 'Goodbye':
        this.#isOver = true;
        return {};
      case 'ResetPairing':
        return this.#resetPairing();
      case 'EnterRecovery':
      case 'Activate':
      case 'Deactivate':
        // Nothing of this could be undone by a host, so the device does not play along.
        return this.#session === undefined ? 'SessionInactive' : 'ServiceProhibited';
      default:
        return 'InvalidRequest';
    }
  }

  #getValue(request: PlistDict): Answer {
    const { domain, key } = place(request);
    const result = this.#device.values.read(domain ?? '', key, this.#session !== undefined);
    return 'error' in result ? result.error : { Domain: domain, Key: key, Value: result.value };
  }

  #setValue(request: PlistDict): Answer {
    const { domain, key } = place(request);
    const value = request.get('Value');
    // usbmuxd says who it is before it has been trusted.
    if (this.#session === undefined && key !== 'UntrustedHostBUID') return 'SessionInactive';
    if (key === undefined) return 'MissingKey';
    if (value === undefined) return 'MissingValue';
    const error = this.#device.values.write(domain ?? '', key, value);
    if (error !== undefined) return error;
    this.#device.valueChanged(domain ?? '', key);
    return { Domain: domain, Key: key };
  }

  #removeValue(request: PlistDict): Answer {
    const { domain, key } = place(request);
    if (this.#session === undefined) return 'SessionInactive';
    if (key === undefined) return 'MissingKey';
    const error = this.#device.values.erase(domain ?? '', key);
    if (error !== undefined) return error;
    this.#device.valueChanged(domain ?? '', key);
    return { Domain: domain, Key: key };
  }

  #pair(request: PlistDict): Answer {
    if (this.#device.lockState() !== 'unlocked') return 'PasswordProtected';
    const host = this.#device.pairings.pair(request.get('PairRecord'));
    return typeof host === 'string' ? host : { EscrowBag: host.escrowBag };
  }

  #unpair(request: PlistDict): Answer {
    const host = this.#device.pairings.ofRecord(request.get('PairRecord'));
    if (typeof host === 'object') this.#device.pairings.forget(host.hostId);
    return succeed(host);
  }

  #resetPairing(): Answer {
    if (this.#session === undefined) return 'SessionInactive';
    this.#device.pairings.forget(undefined);
    return {};
  }

  #startSession(request: PlistDict): Answer {
    if (this.#session !== undefined) return 'SessionActive';
    const hostId = asString(request.get('HostID'));
    if (hostId === undefined) return 'MissingHostID';
    const host = this.#device.pairings.find(hostId);
    if (host === undefined) return 'InvalidHostID';
    this.#session = { id: this.#device.newSessionId(), host };
    return { SessionID: this.#session.id, EnableSessionSSL: true };
  }

  /** The connection ends with its session: known hosts close theirs as well, and none goes on in the clear. */
  #stopSession(request: PlistDict): Answer {
    if (this.#session === undefined) return 'SessionInactive';
    const id = asString(request.get('SessionID'));
    if (id === undefined) return 'MissingSessionID';
    if (id !== this.#session.id) return 'InvalidSessionID';
    this.#isOver = true;
    return {};
  }

  async #startService(request: PlistDict): Promise<Answer> {
    const name = asString(request.get('Service'));
    if (name === undefined) return 'MissingService';
    const refusal = this.#device.refusal(name);
    if (refusal !== undefined) return refusal;
    const service = this.#device.services.get(name);
    if (service === undefined) return 'InvalidService';
    const host = this.#session?.host;
    const needsSession = service.needsSession ?? true;
    if (needsSession && host === undefined) return 'SessionInactive';
    const bag = asData(request.get('EscrowBag'));
    const hasEscrowBag = bag !== undefined && host !== undefined && equalBytes(bag, host.escrowBag);
    const lockState = this.#device.lockState();
    if (lockState !== 'unlocked' && service.whileLocked !== true) {
      if (!hasEscrowBag) return 'PasswordProtected';
      if (lockState === 'before-first-unlock') return 'EscrowLocked';
    }
    const Port = await this.#device.openService({ name, service, host, hasEscrowBag });
    return { Service: name, Port, EnableServiceSSL: host !== undefined && (service.tls ?? needsSession) };
  }
}

function place(request: PlistDict): { domain: string | undefined; key: string | undefined } {
  return { domain: asString(request.get('Domain')), key: asString(request.get('Key')) };
}

function succeed(host: PairedHost | PairingError): Answer {
  return typeof host === 'string' ? host : {};
}

import { normalizePlist } from '../../../plist/plain-input.js';
import type { PlistDict, PlistInput, PlistValue } from '../../../plist/types.js';
import type { VirtualValues } from '../types.js';

/** What lockdownd tells any host, before a session: enough to identify the device and to pair. */
const publicKeys = new Set([
  'ActivationState',
  'BasebandStatus',
  'BuildVersion',
  'CPUArchitecture',
  'DeviceClass',
  'DeviceColor',
  'DeviceName',
  'DevicePublicKey',
  'HardwareModel',
  'PasswordProtected',
  'ProductName',
  'ProductType',
  'ProductVersion',
  'ProtocolVersion',
  'TelephonyCapability',
  'UniqueChipID',
  'UniqueDeviceID',
  'WiFiAddress',
]);

/** Keys of the domain without a name that a host can set. */
const settableKeys = new Set([
  'DeviceName',
  'TimeIntervalSince1970',
  'TimeZone',
  'UntrustedHostBUID',
  'Uses24HourClock',
]);

/** Domains that state facts. */
const readOnlyDomains = new Set([
  'com.apple.disk_usage',
  'com.apple.disk_usage.factory',
  'com.apple.fmip',
  'com.apple.mobile.battery',
]);

/** Domains that answer only where a key is named. */
const namedKeysOnly = new Set(['com.apple.fmip']);

/** A value that follows from the state of the device. */
export interface ComputedValue {
  get(): PlistInput;
  set?(value: PlistValue): void;
}

/** Error names of lockdownd about values. */
type ValueError =
  'MissingValue' | 'MissingKey' | 'GetProhibited' | 'SetProhibited' | 'RemoveProhibited' | 'InvalidResponse';

/** The values of lockdownd, and who may see and change them. */
export class DeviceValues implements VirtualValues {
  readonly #domains = new Map<string, PlistDict>();
  readonly #computed: ReadonlyMap<string, ComputedValue>;

  /** `computed` belongs to the domain without a name. */
  constructor(computed: Readonly<Record<string, ComputedValue>>) {
    this.#computed = new Map(Object.entries(computed));
  }

  get(domain: string, key: string): PlistValue | undefined {
    const computed = domain === '' ? this.#computed.get(key) : undefined;
    return computed === undefined ? this.#domains.get(domain)?.get(key) : normalizePlist(computed.get());
  }

  set(domain: string, key: string, value: PlistInput): void {
    const known = this.#domains.get(domain) ?? new Map<string, PlistValue>();
    known.set(key, normalizePlist(value));
    this.#domains.set(domain, known);
  }

  remove(domain: string, key: string): void {
    this.#domains.get(domain)?.delete(key);
  }

  /** Every value of a domain. */
  all(domain: string): PlistDict {
    const values: PlistDict = new Map(this.#domains.get(domain));
    if (domain === '') for (const key of this.#computed.keys()) values.set(key, this.get('', key) ?? false);
    return values;
  }

  /** What a host gets that asks for a key, or for a whole domain. */
  read(domain: string, key: string | undefined, hasSession: boolean): { value: PlistValue } | { error: ValueError } {
    if (key === undefined) {
      if (namedKeysOnly.has(domain)) return { value: new Map() };
      const values = this.all(domain);
      return {
        value: hasSession ? values : new Map([...values].filter(([name]) => domain === '' && publicKeys.has(name))),
      };
    }
    if (!hasSession && (domain !== '' || !publicKeys.has(key))) return { error: 'GetProhibited' };
    const value = this.get(domain, key);
    return value === undefined ? { error: 'MissingValue' } : { value };
  }

  /** Sets a value for a host; gives the name of the error where it must not. */
  write(domain: string, key: string, value: PlistValue): ValueError | undefined {
    const computed = domain === '' ? this.#computed.get(key) : undefined;
    if (domain === '' ? !settableKeys.has(key) : readOnlyDomains.has(domain)) return 'SetProhibited';
    if (computed === undefined) this.set(domain, key, value);
    else computed.set?.(value);
    return undefined;
  }

  /** Removes a value for a host; gives the name of the error where it must not or where there is none. */
  erase(domain: string, key: string): ValueError | undefined {
    if (domain === '' || readOnlyDomains.has(domain)) return 'RemoveProhibited';
    if (this.get(domain, key) === undefined) return 'MissingValue';
    this.remove(domain, key);
    return undefined;
  }
}

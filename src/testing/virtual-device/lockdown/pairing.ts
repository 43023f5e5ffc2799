import { X509Certificate, type KeyObject } from 'node:crypto';
import { hexEncode, utf8Decode } from '../../../core/bytes.js';
import { asData, asDict, asString } from '../../../plist/guards.js';
import type { PlistDict, PlistValue } from '../../../plist/types.js';
import type { SeededRandom } from '../../backup-builder/seeded-random.js';
import type { TrustAnswer } from '../types.js';

/** Most hosts that a device remembers; the oldest is forgotten for the next. */
const mostHosts = 256;
const mostIdCharacters = 128;

/** A host that the device trusts. */
export interface PairedHost {
  readonly hostId: string;
  /** What unlocks services while the device is locked, 32 bytes. */
  readonly escrowBag: Uint8Array;
  /** What the device shows in TLS, PEM. */
  readonly deviceCertificate: string;
  /** Certificates that the host may show in TLS: its own and its root's, as hexadecimal DER. */
  readonly certificates: ReadonlySet<string>;
}

/** Error names of lockdownd about pairing. */
export type PairingError = 'InvalidPairRecord' | 'InvalidHostID' | 'PairingDialogResponsePending' | 'UserDeniedPairing';

/** Which hosts a device trusts, and how it comes to do so. */
export class Pairings {
  readonly #hosts = new Map<string, PairedHost>();
  readonly #publicKey: KeyObject;
  readonly #random: SeededRandom;
  #answer: TrustAnswer;
  #asked = 0;

  constructor(publicKey: KeyObject, random: SeededRandom, answer: TrustAnswer) {
    this.#publicKey = publicKey;
    this.#random = random;
    this.#answer = answer;
  }

  get hostIds(): string[] {
    return [...this.#hosts.keys()];
  }

  find(hostId: string): PairedHost | undefined {
    return this.#hosts.get(hostId);
  }

  answer(answer: TrustAnswer): void {
    this.#answer = answer;
    this.#asked = 0;
  }

  forget(hostId: string | undefined): boolean {
    if (hostId !== undefined) return this.#hosts.delete(hostId);
    this.#hosts.clear();
    return true;
  }

  /** Answers a host that asks for trust. */
  pair(record: PlistValue | undefined): PairedHost | PairingError {
    const host = this.#readRecord(asDict(record));
    if (host === undefined) return 'InvalidPairRecord';
    const known = this.#hosts.get(host.hostId);
    const isKnown = known !== undefined && [...host.certificates].every((one) => known.certificates.has(one));
    if (!isKnown) {
      const refusal = this.#ask();
      if (refusal !== undefined) return refusal;
    }
    this.#hosts.delete(host.hostId);
    this.#hosts.set(host.hostId, host);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > mostHosts && oldest !== undefined) this.#hosts.delete(oldest);
    return host;
  }

  /** The trusted host that a pair record speaks of. */
  ofRecord(record: PlistValue | undefined): PairedHost | PairingError {
    const dict = asDict(record);
    const hostId = asString(dict?.get('HostID'));
    if (hostId === undefined) return 'InvalidPairRecord';
    return this.#hosts.get(hostId) ?? 'InvalidHostID';
  }

  #ask(): PairingError | undefined {
    if (this.#answer === 'deny') return 'UserDeniedPairing';
    if (this.#answer === 'ask') return 'PairingDialogResponsePending';
    if (this.#answer === 'accept') return undefined;
    this.#asked += 1;
    return this.#asked > this.#answer.pending ? undefined : 'PairingDialogResponsePending';
  }

  #readRecord(record: PlistDict | undefined): PairedHost | undefined {
    const hostId = asString(record?.get('HostID'));
    if (record === undefined || hostId === undefined || hostId === '' || hostId.length > mostIdCharacters)
      return undefined;
    const [device, host, root] = ['DeviceCertificate', 'HostCertificate', 'RootCertificate'].map((key) =>
      readCertificate(record.get(key)),
    );
    if (device === undefined || host === undefined || root === undefined) return undefined;
    if (!device.publicKey.equals(this.#publicKey)) return undefined;
    return {
      hostId,
      escrowBag: this.#random.fork(hostId).bytes(32),
      deviceCertificate: device.toString(),
      certificates: new Set([hexEncode(host.raw), hexEncode(root.raw)]),
    };
  }
}

/** A certificate out of PEM; `undefined` where there is none. */
function readCertificate(value: PlistValue | undefined): X509Certificate | undefined {
  const pem = asData(value);
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(utf8Decode(pem));
  } catch {
    return undefined;
  }
}

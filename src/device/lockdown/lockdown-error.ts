import { DeviceError } from '../../core/errors.js';

/* FORMAT facts: docs/format/lockdown.md, "Errors". */

type Verdict = readonly [code: DeviceError['code'], advice: string];

const locked: Verdict = ['DEVICE_LOCKED', 'the device is locked; unlock it and try again'];
const notPaired: Verdict = ['DEVICE_NOT_PAIRED', 'the device does not trust this host any more; pair again'];
const managed: Verdict = ['DEVICE_SERVICE_UNAVAILABLE', 'a management profile on the device does not allow it'];

const verdicts = new Map<string, Verdict>(
  Object.entries({
    PasswordProtected: locked,
    EscrowLocked: ['DEVICE_LOCKED', 'the device was not unlocked since it was started; unlock it once and try again'],
    UserDeniedPairing: [
      'DEVICE_TRUST_DENIED',
      'the owner does not trust this host; unplug the device, plug it in again and tap Trust',
    ],
    PairingDialogResponsePending: [
      'DEVICE_NOT_PAIRED',
      'the device asks its owner whether to trust this host; tap Trust',
    ],
    InvalidHostID: notPaired,
    MissingHostID: notPaired,
    InvalidPairRecord: notPaired,
    MissingPairRecord: notPaired,
    InvalidService: [
      'DEVICE_SERVICE_UNAVAILABLE',
      'the device has no such service: not in this version of iOS, or not without developer mode',
    ],
    MissingService: ['DEVICE_SERVICE_UNAVAILABLE', 'no service was named'],
    ServiceLimit: [
      'DEVICE_SERVICE_UNAVAILABLE',
      'too many connections are open; close some, or plug the device in again',
    ],
    ServiceProhibited: managed,
    MCProtected: managed,
    MCChallengeRequired: ['DEVICE_REFUSED', 'the device is supervised and pairs only with hosts of its organisation'],
    PairingProhibitedOverThisConnection: ['DEVICE_REFUSED', 'it pairs only over a cable; plug it in'],
    FMiPProtected: ['DEVICE_REFUSED', 'Find My protects it; turn that off in Settings first'],
    SetProhibited: ['DEVICE_REFUSED', 'the value cannot be changed by a host'],
    GetProhibited: ['DEVICE_REFUSED', 'the value is not for hosts'],
  } satisfies Record<string, Verdict>),
);

/** What lockdownd refused, where it did so, and in which word. */
export interface Refusal {
  /** The verb of the request. */
  readonly request: string;
  readonly udid?: string | undefined;
  /** The service that was to be started. */
  readonly service?: string | undefined;
}

/** The error for a name that lockdownd gives under `Error`. */
export function lockdownError(name: string, { request, udid, service }: Refusal): DeviceError {
  const [code, advice] = verdicts.get(name) ?? ['DEVICE_REFUSED', 'see remoteError'];
  const what = service === undefined ? request : `to start ${service}`;
  return new DeviceError(code, `The device refused ${what} (${name}): ${advice}`, { udid, service, remoteError: name });
}

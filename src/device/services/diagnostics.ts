import type { AbortOptions } from '../../core/abort.js';
import { DeviceError, isBackupKitError } from '../../core/errors.js';
import { asDict, asString } from '../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../plist/types.js';
import { PlistChannel } from '../plist-channel.js';
import type { ServiceConnection } from '../transport.js';
import type { ServiceHost } from './service-host.js';

/* FORMAT facts: docs/format/lockdown.md, "diagnostics_relay". */

const service = 'com.apple.mobile.diagnostics_relay';
/** Its name before iOS 5. */
const oldService = 'com.apple.iosdiagnostics.relay';

/** What a device can be told to do. */
export type PowerAction = 'Restart' | 'Shutdown' | 'Sleep';

/** Restarts, shuts down or locks the device; settles when it has agreed. */
export async function changePower(host: ServiceHost, action: PowerAction, options?: AbortOptions): Promise<void> {
  // The device then waits until the connection ends, so that the answer arrives.
  await request(host, { Request: action, WaitForDisconnect: action === 'Sleep' ? undefined : true }, options);
}

/** Values of MobileGestalt by key; without those that the device does not know or does not tell. */
export async function mobileGestalt(
  host: ServiceHost,
  keys: readonly string[],
  options?: AbortOptions,
): Promise<PlistDict> {
  const reply = await request(host, { Request: 'MobileGestalt', MobileGestaltKeys: keys }, options);
  const answers = asDict(asDict(reply.get('Diagnostics'))?.get('MobileGestalt')) ?? new Map();
  const status = asString(answers.get('Status')) ?? 'Success';
  if (status !== 'Success') throw refused(host, `MobileGestalt (${status}), as since iOS 17.4`, status);
  return new Map([...answers].filter(([key]) => keys.includes(key)));
}

async function request(
  host: ServiceHost,
  message: { readonly Request: string; readonly [key: string]: PlistInput | undefined },
  options?: AbortOptions,
): Promise<PlistDict> {
  await using channel = new PlistChannel(await start(host, options), { service });
  const reply = await channel.request(message, options);
  const status = asString(reply.get('Status'));
  if (status !== 'Success') throw refused(host, `${message.Request} (${status ?? 'no status'})`, status);
  return reply;
}

async function start(host: ServiceHost, options?: AbortOptions): Promise<ServiceConnection> {
  try {
    return await host.startService(service, options);
  } catch (error) {
    if (!isBackupKitError(error, 'DEVICE_SERVICE_UNAVAILABLE')) throw error;
    return await host.startService(oldService, options).catch(() => {
      throw error;
    });
  }
}

function refused(host: ServiceHost, what: string, remoteError: string | undefined): DeviceError {
  return new DeviceError('DEVICE_REFUSED', `The device refused ${what}`, { udid: host.udid, service, remoteError });
}

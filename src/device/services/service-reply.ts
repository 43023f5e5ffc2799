import { DeviceError } from '../../core/errors.js';
import { asString } from '../../plist/guards.js';
import type { PlistDict } from '../../plist/types.js';

/** The error of a service that answers with `Error`; `undefined` where the reply has none. */
export function replyError(
  reply: PlistDict,
  { service, udid }: { service: string; udid: string },
): DeviceError | undefined {
  const name = asString(reply.get('Error'));
  if (name === undefined) return undefined;
  const description = asString(reply.get('ErrorDescription'));
  const words = description === undefined ? name : `${name}: ${description}`;
  return new DeviceError('DEVICE_REFUSED', `${service} refused the request (${words})`, {
    service,
    udid,
    remoteError: name,
  });
}

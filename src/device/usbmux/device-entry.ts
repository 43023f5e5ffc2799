import { asData, asDict, asNumber, asString } from '../../plist/guards.js';
import type { PlistDict, PlistValue } from '../../plist/types.js';
import type { AttachedDevice, DeviceEvent } from '../transport.js';
import { decodeNetworkAddress } from './network-address.js';

/* FORMAT facts: docs/format/usbmux.md. */

/** A device as usbmuxd lists it. */
export interface MuxDevice extends AttachedDevice {
  /** IP address of a device on the network, where usbmuxd gives one that can be read. */
  readonly address: string | undefined;
}

/** A device out of an entry; `undefined` where it lacks what identifies one, or is a kind of connection that is not known. */
export function readMuxDevice(entry: PlistValue): MuxDevice | undefined {
  const dict = asDict(entry);
  const properties = asDict(dict?.get('Properties'));
  const deviceId = asNumber(properties?.get('DeviceID') ?? dict?.get('DeviceID'));
  const serial = asString(properties?.get('SerialNumber'));
  const connectionType = asString(properties?.get('ConnectionType')) ?? 'USB';
  if (properties === undefined || deviceId === undefined || serial === undefined || serial === '') return undefined;
  if (connectionType !== 'USB' && connectionType !== 'Network') return undefined;
  const address = asData(properties.get('NetworkAddress'));
  return {
    udid: udidOfSerial(serial),
    connectionType,
    deviceId,
    address: address === undefined ? undefined : decodeNetworkAddress(address),
  };
}

/** An event out of a message to a listener; `undefined` for one that says nothing of devices. */
export function readMuxEvent(message: PlistDict): DeviceEvent | undefined {
  const type = asString(message.get('MessageType'));
  if (type === 'Attached') {
    const device = readMuxDevice(message);
    return device === undefined ? undefined : { type: 'attached', device: attachedDevice(device) };
  }
  const deviceId = asNumber(message.get('DeviceID'));
  if (deviceId === undefined) return undefined;
  if (type === 'Detached') return { type: 'detached', deviceId };
  return type === 'Paired' ? { type: 'paired', deviceId } : undefined;
}

/** What transports tell of a device. */
export function attachedDevice({ udid, connectionType, deviceId }: MuxDevice): AttachedDevice {
  return { udid, connectionType, deviceId };
}

/** USB knows the newer UDIDs without their dash, pair records and lockdownd with it. */
function udidOfSerial(serial: string): string {
  return /^[0-9A-Fa-f]{24}$/.test(serial) ? `${serial.slice(0, 8)}-${serial.slice(8)}` : serial;
}

import { lockdownPort } from '../../device/usbmux/messages.js';
import { encodeSocketAddress, type SocketAddressForm } from '../../device/usbmux/socket-address.js';
import type { Attachment, MuxDevice } from './mux/attachment.js';
import type { NetworkSpec } from './types.js';

const productId = 0x12a8;
const usbSpeed = 480_000_000;
const usbLocation = 0x1420_0000;

/** Where a device is on the network. */
export interface DeviceNetwork {
  readonly address: string;
  readonly addressForm: SocketAddressForm;
  /** Whether it listens there itself. */
  readonly listen: boolean;
}

/** What a spec means; `undefined` where the device is not on the network. */
export function resolveNetwork(spec: boolean | NetworkSpec | undefined): DeviceNetwork | undefined {
  if (spec === undefined || spec === false) return undefined;
  const { address = '127.0.0.2', addressForm = 'bsd', listen = true } = spec === true ? {} : spec;
  return { address, addressForm, listen };
}

/** The entries of a device in the list of usbmuxd. */
export function deviceEntries(
  device: MuxDevice,
  { usb, network, wifiAddress }: { usb: boolean; network: DeviceNetwork | undefined; wifiAddress: string },
): Attachment[] {
  const entries: Attachment[] = [];
  if (usb)
    entries.push({
      device,
      properties: {
        ConnectionSpeed: usbSpeed,
        ConnectionType: 'USB',
        LocationID: usbLocation,
        ProductID: productId,
        SerialNumber: device.udid,
      },
    });
  if (network !== undefined)
    entries.push({
      device,
      properties: {
        ConnectionType: 'Network',
        EscapedFullServiceName: `${wifiAddress}@${network.address}._apple-mobdev2._tcp.local.`,
        InterfaceIndex: 1,
        NetworkAddress: encodeSocketAddress(network.address, lockdownPort, network.addressForm),
        SerialNumber: device.udid,
      },
    });
  return entries;
}

import type { Duplex } from 'node:stream';
import type { PlistInput } from '../../../plist/types.js';

/** A device as usbmuxd knows it. */
export interface MuxDevice {
  readonly udid: string;
  /** Takes a connection to a port; `undefined` where nothing listens there. */
  openPort(port: number): ((stream: Duplex) => void) | undefined;
}

/** One entry in the list of devices: one for each way to reach a device. */
export interface Attachment {
  readonly device: MuxDevice;
  /** `Properties` without `DeviceID`. */
  readonly properties: { readonly [key: string]: PlistInput };
}

/** What usbmuxd offers its devices. */
export interface MuxPort {
  /** Adds entries, each with a number of its own, and tells all listeners. */
  attach(attachments: readonly Attachment[]): void;
  /** Removes all entries of a device and tells all listeners. */
  detach(device: MuxDevice): void;
  /** Gives a device up, or closes with it where it is there for this one alone. */
  close(device: MuxDevice): Promise<void>;
}

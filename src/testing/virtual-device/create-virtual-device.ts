import { startMux } from './create-virtual-mux.js';
import type { VirtualDevice, VirtualDeviceOptions, VirtualMuxOptions } from './types.js';

/** Options of {@link createVirtualDevice}: a device, and the usbmuxd that is started for it. */
export interface CreateVirtualDeviceOptions extends VirtualDeviceOptions, Omit<VirtualMuxOptions, 'devices'> {}

/**
 * Starts a virtual iPhone behind a usbmuxd of its own. Closing the device, or aborting `signal`, ends both. For several
 * devices behind one usbmuxd use `createVirtualMux`.
 *
 * @throws RangeError for options that make no sense; IoError `IO_FAILED` where the address is taken; the signal's reason.
 *
 * @example
 * await using device = await createVirtualDevice({ ios: '17.4', apps: [{ bundleId: 'com.example.notes' }] });
 * execFileSync('ideviceinfo', { env: { ...process.env, USBMUXD_SOCKET_ADDRESS: device.address } });
 */
export async function createVirtualDevice(options: CreateVirtualDeviceOptions = {}): Promise<VirtualDevice> {
  const { listen, pairRecords, systemBuid, signal, ...device } = options;
  const mux = await startMux(
    { listen, pairRecords, systemBuid, signal, devices: [device] },
    { closesWithDevice: true },
  );
  const [only] = mux.devices;
  if (only === undefined) throw new Error('The device was not added');
  return only;
}

import type { AbortOptions } from '../../core/abort.js';
import type { ServiceConnection } from '../transport.js';

/** Options of `startService`. */
export interface StartServiceOptions extends AbortOptions {
  /**
   * Whether to show the escrow bag of the pair record, with which services start on a locked device that was unlocked once;
   * false by default.
   */
  escrowBag?: boolean | undefined;
}

/** What starts services: a Device. */
export interface ServiceHost {
  /** UDID of the device. */
  readonly udid: string;
  /**
   * Starts a service and connects to it.
   *
   * @throws DeviceError `DEVICE_SERVICE_UNAVAILABLE`, `DEVICE_LOCKED`, `DEVICE_NOT_PAIRED`, `DEVICE_DISCONNECTED`
   */
  startService(name: string, options?: StartServiceOptions): Promise<ServiceConnection>;
}

import type { AbortOptions } from '../core/abort.js';
import type { Closeable } from '../core/resource.js';

/** How a device is reached. */
export type ConnectionType = 'USB' | 'Network';

/** A device that a transport sees. */
export interface DeviceInfo {
  /** UDID: 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  readonly udid: string;
  /** How it is reached; a device may be listed once for each way. */
  readonly connectionType: ConnectionType;
  /** The transport's number for this attachment; a device gets a new one each time it is plugged in. */
  readonly deviceId: number;
}

/** A change of what is attached. */
export type DeviceEvent =
  | { readonly type: 'attached'; readonly device: DeviceInfo }
  | { readonly type: 'detached'; readonly deviceId: number }
  | { readonly type: 'paired'; readonly deviceId: number };

/** Credentials for TLS towards a device, out of its pair record. PEM throughout. */
export interface DeviceTlsOptions {
  /** Host certificate, PEM. */
  readonly certificate: string;
  /** Private key of the host certificate, PEM. */
  readonly privateKey: string;
  /** Certificate of the device as it was made at pairing, PEM: its public key must be the one that the device shows. */
  readonly deviceCertificate: string;
}

/**
 * A stream of bytes to one service of a device. Reads and writes are ordered, with back-pressure: nothing is read ahead of
 * what was asked for beyond one socket buffer. A pulled cable is a {@link DeviceError} `DEVICE_DISCONNECTED` (transient).
 */
export interface ServiceConnection extends Closeable, AsyncDisposable {
  /** Reads exactly `length` bytes. One read at a time. @throws DeviceError `DEVICE_DISCONNECTED` where the stream ends before. */
  readExactly(length: number, options?: AbortOptions): Promise<Uint8Array>;
  /** Reads what is there, 1 to `limit` bytes; `undefined` at the end of the stream. */
  readSome(limit: number, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Writes all bytes; settles when they may be followed by more without growing a buffer. */
  write(bytes: Uint8Array, options?: AbortOptions): Promise<void>;
  /** Continues in TLS as the client, at once, with the device's key pinned. No unread bytes may be pending. */
  startTls(tls: DeviceTlsOptions, options?: AbortOptions): Promise<void>;
}

/** A way to devices: usbmuxd, or anything that behaves like it. */
export interface DeviceTransport {
  /** Devices that are attached now. */
  list(options?: AbortOptions): Promise<readonly DeviceInfo[]>;
  /** Those that are attached now as `attached` events, then every change, until the loop is left. */
  watch(options?: AbortOptions): AsyncIterable<DeviceEvent>;
  /** Opens a connection to a port of a device. @throws DeviceError `DEVICE_NOT_FOUND`, `DEVICE_SERVICE_UNAVAILABLE` */
  connect(deviceId: number, port: number, options?: AbortOptions): Promise<ServiceConnection>;
  /** Name of this host, the same for all devices. */
  readBuid(options?: AbortOptions): Promise<string>;
  /** The stored pair record, a whole property list; `undefined` where this host has none. */
  readPairRecord(udid: string, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Stores a pair record. */
  savePairRecord(
    udid: string,
    record: Uint8Array,
    options?: AbortOptions & { deviceId?: number | undefined },
  ): Promise<void>;
  /** Forgets a pair record; nothing happens where there is none. */
  deletePairRecord(udid: string, options?: AbortOptions): Promise<void>;
}

import type { AbortOptions } from '../core/abort.js';
import type { Closeable } from '../core/resource.js';

/** How a device is reached. */
export type ConnectionType = 'USB' | 'Network';

/** A device that a transport sees. */
export interface AttachedDevice {
  /** UDID: 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  readonly udid: string;
  /** How it is reached; a device may be listed once for each way. */
  readonly connectionType: ConnectionType;
  /** The transport's number for this attachment; a device gets a new one each time it is plugged in. */
  readonly deviceId: number;
}

/** A change of what is attached. */
export type DeviceEvent =
  | {
      /** A device was plugged in or has appeared on the network, or was there when the watch began. */
      readonly type: 'attached';
      /** The device, with the number that later events name it by. */
      readonly device: AttachedDevice;
    }
  | {
      /** A device was unplugged or has left the network. */
      readonly type: 'detached';
      /** `deviceId` of the event `attached`. */
      readonly deviceId: number;
    }
  | {
      /** This host and the device were paired. */
      readonly type: 'paired';
      /** `deviceId` of the event `attached`. */
      readonly deviceId: number;
    };

/** Credentials for TLS towards a device, out of its pair record. PEM throughout. */
export interface DeviceTlsOptions {
  /** Certificate that this host shows. */
  readonly certificate: string;
  /** Private key of that certificate. */
  readonly privateKey: string;
  /** Certificate of the device as it was made at pairing: its public key must be the one that the device shows. */
  readonly deviceCertificate: string;
  /** Whether the device speaks nothing newer than TLS 1.0: iOS before 10. */
  readonly isLegacy?: boolean | undefined;
}

/**
 * A stream of bytes to one service of a device. Reads and writes are in order, with back-pressure: nothing is read ahead of
 * what was asked for beyond one socket buffer. A pulled cable is a DeviceError `DEVICE_DISCONNECTED`, which is transient; after
 * `close()` every call rejects with `DEVICE_CLOSED`. A read that is aborted takes nothing out of the stream; a write that is
 * aborted is still sent.
 */
export interface ServiceConnection extends Closeable, AsyncDisposable {
  /** Reads exactly `length` bytes. One read at a time. @throws DeviceError `DEVICE_DISCONNECTED` where the stream ends before. */
  readExactly(length: number, options?: AbortOptions): Promise<Uint8Array>;
  /** Reads exactly `length` bytes, or gives `undefined` where the stream has ended before the first. @throws as {@link readExactly}. */
  readExactlyOrEnd(length: number, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Reads what is there, 1 to `limit` bytes; `undefined` at the end of the stream. */
  readSome(limit: number, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Writes all bytes; settles when they may be followed by more without growing a buffer. */
  write(bytes: Uint8Array, options?: AbortOptions): Promise<void>;
  /**
   * Continues in TLS as the client, at once, with the device's key pinned.
   *
   * @throws DeviceError `DEVICE_IDENTITY_MISMATCH` where the other side has another key, `DEVICE_NOT_PAIRED` where it does not
   * accept this host's certificate, `DEVICE_DISCONNECTED`
   */
  startTls(tls: DeviceTlsOptions, options?: AbortOptions): Promise<void>;
}

/**
 * A way to devices: usbmuxd, or anything that behaves like it. Implement it over streams with {@link connectionOverStream}.
 */
export interface DeviceTransport {
  /** Devices that are attached now. @throws DeviceError `DEVICE_MUX_UNAVAILABLE` */
  list(options?: AbortOptions): Promise<readonly AttachedDevice[]>;
  /** Those that are attached now as `attached` events, then every change, until the loop is left. */
  watch(options?: AbortOptions): AsyncIterable<DeviceEvent>;
  /**
   * Opens a connection to a port of a device. `service` and `udid` are for errors.
   *
   * @throws DeviceError `DEVICE_NOT_FOUND` where the attachment is no more, `DEVICE_SERVICE_UNAVAILABLE` where nothing listens
   * at the port
   */
  connect(
    deviceId: number,
    port: number,
    options?: AbortOptions & { service?: string | undefined; udid?: string | undefined },
  ): Promise<ServiceConnection>;
  /** Name of this host, the same for all devices. */
  readBuid(options?: AbortOptions): Promise<string>;
  /** The stored pair record, a whole property list; `undefined` where this host has none. */
  readPairRecord(udid: string, options?: AbortOptions): Promise<Uint8Array | undefined>;
  /** Stores a pair record, in place of an older one. */
  savePairRecord(
    udid: string,
    record: Uint8Array,
    options?: AbortOptions & { deviceId?: number | undefined },
  ): Promise<void>;
  /** Forgets a pair record; nothing happens where there is none. */
  deletePairRecord(udid: string, options?: AbortOptions): Promise<void>;
}

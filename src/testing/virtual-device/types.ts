import type { AbortOptions } from '../../core/abort.js';
import type { Closeable } from '../../core/resource.js';
import type { PlistFormat } from '../../device/plist-frame.js';
import type { SocketAddressForm } from '../../device/usbmux/socket-address.js';
import type { PlistInput, PlistValue } from '../../plist/types.js';
import type { DeviceSpec } from '../backup-builder/backup-spec.js';
import type { FileSystemContent, VirtualFileSystem } from './file-system/types.js';
import type { FolderContent } from './folder/open-folder.js';
import type { VirtualFolder } from './folder/virtual-folder.js';
import type { VirtualBackupOptions, VirtualBackups } from './services/mobilebackup2/types.js';

/** What the owner does when a host asks for trust: agrees, refuses, agrees at the n-th time, or does nothing yet. */
export type TrustAnswer = 'accept' | 'deny' | 'ask' | PendingTrust;

/** A dialog that its owner answers late. */
export interface PendingTrust {
  /** How often a host is told to wait before it is trusted. */
  readonly pending: number;
}

/** Whether the device is locked; `before-first-unlock` is what it is after a restart. */
export type LockState = 'unlocked' | 'locked' | 'before-first-unlock';

/** An app of a virtual device. */
export interface VirtualAppSpec {
  /** Bundle id, e.g. `com.example.notes`. */
  bundleId: string;
  /** Name for people; the last part of the bundle id by default. */
  name?: string | undefined;
  /** `CFBundleVersion`; `1` by default. */
  version?: string | undefined;
  /** `CFBundleShortVersionString`; `1.0` by default. */
  shortVersion?: string | undefined;
  /** `User` by default. */
  type?: 'User' | 'System' | undefined;
  /** PNG; one is drawn by default. */
  icon?: Uint8Array | undefined;
  /** Whether hosts see its documents (`UIFileSharingEnabled`); true by default. */
  fileSharing?: boolean | undefined;
  /** Whether it was installed by its developer, who sees the whole container; false by default. */
  developer?: boolean | undefined;
  /** Its container. Documents are below `Documents/`. */
  container?: FolderContent | undefined;
  /** Further attributes of its entry, e.g. `ApplicationSINF` and `iTunesMetadata` (data). */
  attributes?: Readonly<Record<string, PlistInput>> | undefined;
}

/** How a device is reached without a cable. */
export interface NetworkSpec {
  /** IP address of the device, one that this machine has; `127.0.0.2` by default, which Linux has without any set-up. */
  address?: string | undefined;
  /** Form of `NetworkAddress`: `bsd` as Apple's daemons and libimobiledevice 1.3 have it (the default), or `linux`, as later releases. */
  addressForm?: SocketAddressForm | undefined;
  /** Whether lockdownd and services also listen at the address themselves; true by default. Without, they are reached through usbmuxd. */
  listen?: boolean | undefined;
}

/** A message that went over a connection of a virtual device. */
export interface VirtualMessageEvent {
  /** The device. */
  readonly udid: string;
  /** Name of the service; `com.apple.mobile.lockdown` for lockdownd. */
  readonly service: string;
  /** As the device sees it. */
  readonly direction: 'received' | 'sent';
  /** The property list. */
  readonly message: PlistValue | PlistInput;
}

/** What {@link createVirtualDevice} makes. Everything has a default: `{}` is an unlocked iPhone with iOS 17.4 that trusts any host. */
export interface VirtualDeviceOptions {
  /** iOS version, `17.4` by default; from 4.0. */
  ios?: string | undefined;
  /** Everything invented comes from it: UDID, numbers, keys, escrow bags. 1 by default. */
  seed?: number | string | undefined;
  /** The device, where it differs from a plausible one of that iOS version. */
  device?: DeviceSpec | undefined;
  /**
   * Values of lockdownd by domain and key (`''` is the domain without a name), laid over the usual ones; `undefined` removes one.
   */
  values?: Readonly<Record<string, Readonly<Record<string, PlistInput | undefined>>>> | undefined;
  /** Whether it is plugged in; true by default. */
  usb?: boolean | undefined;
  /** Whether it is (also) on the network; false by default. */
  network?: boolean | NetworkSpec | undefined;
  /** What the owner does when asked for trust; `accept` by default. */
  trust?: TrustAnswer | undefined;
  /** Whether it has a passcode; true by default. */
  passcode?: boolean | undefined;
  /** `unlocked` by default. */
  lockState?: LockState | undefined;
  /** Installed apps; none by default. */
  apps?: readonly VirtualAppSpec[] | undefined;
  /** The media folder, `/var/mobile/Media` of a device; empty and in memory by default. */
  media?: FolderContent | undefined;
  /** What its backups hold; nothing by default. */
  fileSystem?: FileSystemContent | undefined;
  /** How it makes backups. */
  backup?: VirtualBackupOptions | undefined;
  /** Services by name, beside and instead of the usual ones. */
  services?: Readonly<Record<string, VirtualService>> | undefined;
  /** The clock of the device; that of this machine by default. */
  now?: (() => Date) | undefined;
  /** Seconds between two messages of the heartbeat; 10 by default. */
  heartbeatSeconds?: number | undefined;
  /** Called with every property list that a host and the device exchange. */
  onMessage?: ((event: VirtualMessageEvent) => void) | undefined;
  /** Called where a connection ended with an error other than a closed connection: a host that breaks the protocol, or a mistake in a service. */
  onError?: ((error: unknown, at: { readonly udid: string; readonly service: string }) => void) | undefined;
}

/** Where usbmuxd listens. */
export interface VirtualMuxOptions extends AbortOptions {
  /** `HOST:PORT`, where port 0 takes a free one, or `UNIX:/path`; `127.0.0.1:0` by default. */
  listen?: string | undefined;
  /** Devices that are attached from the start. */
  devices?: readonly VirtualDeviceOptions[] | undefined;
  /** Pair records that the host already has, by UDID: whole property lists. */
  pairRecords?: Readonly<Record<string, Uint8Array>> | undefined;
  /** Name of the host; invented from the first device's seed by default. */
  systemBuid?: string | undefined;
}

/** A connection of a host to a service of a virtual device: TLS is done, and the fault script is applied. */
export interface ServiceConnection {
  /** Aborts when the connection ends for any reason. */
  readonly signal: AbortSignal;
  /** The next property list; `undefined` where the host has ended the connection. Counts as one message of the fault script. */
  receive(): Promise<PlistValue | undefined>;
  /** Sends a property list: by default in the format of the last one received, at first in XML. Counts as one message. */
  send(value: PlistInput, options?: { format?: PlistFormat | undefined }): Promise<void>;
  /** Exactly `length` bytes. @throws DeviceError `DEVICE_DISCONNECTED` where the connection ends before. */
  readExactly(length: number): Promise<Uint8Array>;
  /** Exactly `length` bytes, or `undefined` where the host has ended the connection before the first. */
  readExactlyOrEnd(length: number): Promise<Uint8Array | undefined>;
  /** Sends bytes, with back-pressure. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends one message in a framing of the service's own, as {@link send} does with property lists. */
  sendMessage(bytes: Uint8Array): Promise<void>;
  /** To be called after a message in a framing of the service's own was read, so that the fault script counts it. */
  messageReceived(): Promise<void>;
  /** Bytes that were sent and that the host has not taken. */
  readonly pendingBytes: number;
}

/** Who has started a service, and on what. */
export interface ServiceContext {
  /** The device, with all of its state. */
  readonly device: VirtualDevice;
  /** Name under which it was started. */
  readonly service: string;
  /** `HostID` of the host; `undefined` for services that need no session. */
  readonly hostId: string | undefined;
  /** Whether the host has sent the escrow bag of its pair record. */
  readonly hasEscrowBag: boolean;
  /**
   * Does something once this connection has ended, for whatever reason: restarts the device, for instance, which waits for all
   * connections and so must not be awaited by the service. A rejection goes to `onError`.
   */
  readonly afterwards: (action: () => Promise<void>) => void;
}

/**
 * Serves one connection and settles when it is done; the connection is closed then, with what was sent delivered. A rejection
 * closes it at once and goes to `onError`, unless the host or a fault has ended the connection.
 */
export type ServiceHandler = (connection: ServiceConnection, context: ServiceContext) => Promise<void>;

/** A service of a virtual device. */
export interface VirtualService {
  /** Serves one connection. */
  readonly handler: ServiceHandler;
  /** Whether the host needs a session to start it; true by default. */
  readonly needsSession?: boolean | undefined;
  /** Whether it runs in TLS; true by default where a session is needed. */
  readonly tls?: boolean | undefined;
  /** Whether it starts on a locked device also without an escrow bag; false by default. */
  readonly whileLocked?: boolean | undefined;
}

/** What to disturb. */
export interface FaultTarget {
  /** Name of a service, `com.apple.mobile.lockdown` for lockdownd; any connection of the device where absent. */
  service?: string | undefined;
}

/** When the cable is pulled: one of both. */
export interface CableFault extends FaultTarget {
  /** After so many messages, received and sent ones counted together from now on. */
  messages?: number | undefined;
  /** After so many bytes as they go over the wire, both ways together, on connections that are opened from now on. */
  bytes?: number | undefined;
}

/** A reply that is damaged. */
export interface ReplyFault extends FaultTarget {
  /** Which message that the device sends, counted from 1 from now on; the next one by default. */
  message?: number | undefined;
  /**
   * What goes out instead: `oversized` announces 4 GiB less one byte, `garbage` announces a property list and is none, `truncated`
   * ends in the middle and the connection with it, `empty` announces nothing; bytes go out as they are.
   */
  damage: 'oversized' | 'garbage' | 'truncated' | 'empty' | Uint8Array;
}

/** Disturbances of a virtual device, which take effect at once. */
export interface VirtualFaults {
  /** Lets lockdownd refuse to start a service, with an error name of its own such as `PasswordProtected`; `times` is without end by default. */
  refuseService(service: string, error: string, options?: { times?: number | undefined }): void;
  /** Pulls the cable (and drops the network) when so much has passed. @throws RangeError for a count that is not positive. */
  pullCableAfter(fault: CableFault): void;
  /** Waits before each message that the device sends. */
  delayReplies(fault: FaultTarget & { ms: number }): void;
  /** Lets no more than so many bytes a second through, each way, on connections that are opened from now on. */
  throttle(fault: FaultTarget & { bytesPerSecond: number }): void;
  /** Falls silent: connections stay open, nothing is sent until {@link resume}. `afterMessages` lets so many pass, both ways together. */
  goSilent(fault?: FaultTarget & { afterMessages?: number | undefined }): void;
  /** Ends all silence. */
  resume(): void;
  /** Damages one reply. */
  damageReply(fault: ReplyFault): void;
  /** Ends all disturbances. */
  clear(): void;
}

/** Values of lockdownd. */
export interface VirtualValues {
  /** A value; `undefined` where there is none. `''` is the domain without a name. */
  get(domain: string, key: string): PlistValue | undefined;
  /** Sets a value whatever it is, also what a host cannot set. */
  set(domain: string, key: string, value: PlistInput): void;
  /** Removes a value. */
  remove(domain: string, key: string): void;
}

/** Notifications that the device and its hosts exchange. */
export interface VirtualNotifications {
  /** Sends a notification to every host that observes it, and to `subscribe`. */
  post(name: string): void;
  /** Calls `listener` with every notification that is posted, by a host or by the device, until the function that it gives is called. */
  subscribe(listener: (name: string) => void): () => void;
}

/** An app as it is now. */
export interface VirtualApp {
  /** Bundle id, e.g. `com.example.notes`. */
  readonly bundleId: string;
  /** Name for people. */
  readonly name: string;
  /** Whether its owner has installed it. */
  readonly type: 'User' | 'System';
  /** PNG. */
  readonly icon: Uint8Array;
  /** Its container. */
  readonly container: VirtualFolder;
  /** Whether hosts see its documents. */
  readonly fileSharing: boolean;
  /** Whether it was installed by its developer. */
  readonly developer: boolean;
  /** Its entry as installation_proxy gives it. */
  readonly attributes: ReadonlyMap<string, PlistValue>;
}

/** A device that exists only as a program, behind a {@link VirtualMux}. */
export interface VirtualDevice extends Closeable, AsyncDisposable {
  /** The usbmuxd that it is attached to. */
  readonly mux: VirtualMux;
  /** For the environment variable USBMUXD_SOCKET_ADDRESS: the address of {@link mux}. */
  readonly address: string;
  /** 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  readonly udid: string;
  /** Model identifier, e.g. `iPhone15,4`. */
  readonly productType: string;
  /** iOS version. */
  readonly ios: string;
  /** Whether it is plugged in or on the network. */
  readonly attached: boolean;
  /** Whether it is locked. */
  readonly lockState: LockState;
  /** Whether it has a passcode. */
  readonly hasPasscode: boolean;
  /** Values of lockdownd. */
  readonly values: VirtualValues;
  /** The media folder. */
  readonly media: VirtualFolder;
  /** What its backups hold, by domains; the media folder and the containers of apps are apart from it. */
  readonly fileSystem: VirtualFileSystem;
  /** Its backups: password, disturbances, and what hosts have asked for. */
  readonly backups: VirtualBackups;
  /** Installed apps by bundle id; changes take effect at once. */
  readonly apps: Map<string, VirtualApp>;
  /** Notifications that it exchanges with its hosts. */
  readonly notifications: VirtualNotifications;
  /** Services by name; changes take effect at the next start. */
  readonly services: Map<string, VirtualService>;
  /** Disturbances. */
  readonly faults: VirtualFaults;
  /** `HostID`s of the hosts that it trusts. */
  readonly trustedHosts: readonly string[];
  /** What the owner does from now on when asked for trust. Answering `accept` lets waiting hosts know. */
  answerTrust(answer: TrustAnswer): void;
  /** Forgets a host, or all of them: their sessions fail with `InvalidHostID`. */
  forgetHost(hostId?: string): void;
  /** Locks or unlocks it. */
  setLockState(state: LockState): void;
  /** The time on the device. */
  now(): Date;
  /** Installs an app. */
  install(app: VirtualAppSpec): Promise<VirtualApp>;
  /** Plugs it in (and joins the network), with a new DeviceID; nothing happens where it is. */
  attach(): Promise<void>;
  /** Pulls the cable (and leaves the network): every connection breaks. */
  detach(): Promise<void>;
  /** Detaches and, `ms` later (0 by default), attaches again, locked as after a restart where it has a passcode. */
  restart(options?: { ms?: number | undefined }): Promise<void>;
  /** Detaches for good; closes the mux too where it was made for this device alone. */
  close(): Promise<void>;
}

/** A usbmuxd without hardware, for any number of devices. */
export interface VirtualMux extends Closeable, AsyncDisposable {
  /** For the environment variable USBMUXD_SOCKET_ADDRESS: `127.0.0.1:PORT` or `UNIX:/path`. */
  readonly address: string;
  /** Devices that were added and not closed, in this order. */
  readonly devices: readonly VirtualDevice[];
  /** Pair records of the host by UDID: whole property lists. */
  readonly pairRecords: Map<string, Uint8Array>;
  /** Name of the host. */
  readonly systemBuid: string;
  /** Adds and attaches a device. */
  add(options?: VirtualDeviceOptions): Promise<VirtualDevice>;
  /** Ends everything: no socket and no timer stays open. */
  close(): Promise<void>;
}

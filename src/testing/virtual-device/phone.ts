import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8Encode } from '../../core/bytes.js';
import { mobileBackup2Service } from '../../backup/mobilebackup2.js';
import { isBackupKitError } from '../../core/errors.js';
import { lockdownPort } from '../../device/usbmux/messages.js';
import { asNumber, asString } from '../../plist/guards.js';
import { PlistReal } from '../../plist/types.js';
import type { AppSpec } from '../backup-builder/backup-spec.js';
import { resolveDevice, type Device } from '../backup-builder/device.js';
import { defaultIos, iosProfile } from '../backup-builder/profiles.js';
import { SeededRandom } from '../backup-builder/seeded-random.js';
import { installApp } from './apps.js';
import { DeviceConnection, lockdownName } from './connection.js';
import { DeviceClock } from './device-clock.js';
import { deviceEntries, resolveNetwork, type DeviceNetwork } from './device-entries.js';
import { seededDeviceKey } from './device-key.js';
import { FaultScript } from './faults.js';
import type { DomainFileSystem } from './file-system/domain-file-system.js';
import { openFileSystem } from './file-system/open-file-system.js';
import { openFolder } from './folder/open-folder.js';
import type { VirtualFolder } from './folder/virtual-folder.js';
import { startDeviceTls } from './lockdown/device-tls.js';
import { LockdownServer, type LockdownDevice, type ServiceStart } from './lockdown/lockdown-server.js';
import { Pairings } from './lockdown/pairing.js';
import { usualValues } from './lockdown/usual-values.js';
import { DeviceValues } from './lockdown/values.js';
import type { MuxDevice, MuxPort } from './mux/attachment.js';
import { listenAt } from './network-listener.js';
import { BackupAgent } from './services/mobilebackup2/agent.js';
import { NotificationCenter } from './services/notification-proxy.js';
import { usualServices } from './services/usual-services.js';
import { ServicePorts } from './service-ports.js';
import type {
  LockState,
  ServiceContext,
  TrustAnswer,
  VirtualApp,
  VirtualAppSpec,
  VirtualDevice,
  VirtualDeviceOptions,
  VirtualMux,
  VirtualService,
} from './types.js';

const defaultHeartbeatSeconds = 10;

/** What is made before a device can be. */
interface Parts {
  readonly ios: string;
  readonly hardware: Device;
  readonly random: SeededRandom;
  readonly key: KeyObject;
  readonly media: VirtualFolder;
  readonly clock: DeviceClock;
  readonly fileSystem: DomainFileSystem;
  /** Apps that the content of the file system names. */
  readonly knownApps: readonly AppSpec[];
}

/** A virtual device: its state, its place in usbmuxd and on the network, and the connections to it. */
export class Phone implements VirtualDevice, MuxDevice {
  readonly mux: VirtualMux;
  readonly ios: string;
  readonly udid: string;
  readonly productType: string;
  readonly hasPasscode: boolean;
  readonly values: DeviceValues;
  readonly media: VirtualFolder;
  readonly fileSystem: DomainFileSystem;
  readonly backups: BackupAgent;
  readonly apps = new Map<string, VirtualApp>();
  readonly notifications = new NotificationCenter();
  readonly services: Map<string, VirtualService>;
  readonly faults: FaultScript;
  readonly #options: VirtualDeviceOptions;
  readonly #port: MuxPort;
  readonly #random: SeededRandom;
  readonly #sessions: SeededRandom;
  readonly #key: KeyObject;
  readonly #clock: DeviceClock;
  readonly #pairings: Pairings;
  readonly #network: DeviceNetwork | undefined;
  readonly #servicePorts: ServicePorts;
  readonly #connections = new Map<DeviceConnection, Promise<void>>();
  readonly #lockdownDevice: LockdownDevice;
  readonly #closed = new AbortController();
  #listener: Server | undefined;
  #lockState: LockState;
  #attached = false;

  static async create(options: VirtualDeviceOptions, mux: VirtualMux, port: MuxPort): Promise<Phone> {
    const { ios = defaultIos, seed = 1 } = options;
    const profile = iosProfile(ios);
    const random = new SeededRandom(seed).fork('virtual device');
    const clock = new DeviceClock(options.now ?? (() => new Date()));
    const hardware = resolveDevice(options.device ?? {}, ios, profile, random.fork('device'));
    const owner = { ios, phoneNumber: hardware.phoneNumber, random: random.fork('file system'), now: clock.now };
    const key = await seededDeviceKey(seed);
    const media = await openFolder(options.media ?? {}, clock.now);
    const { fileSystem, apps } = await openFileSystem(options.fileSystem ?? [], owner);
    try {
      const parts = { ios, random, clock, hardware, key, media, fileSystem, knownApps: apps };
      const phone = new Phone(options, mux, port, parts);
      for (const { bundleId, name, version } of apps) await phone.install({ bundleId, name, version });
      for (const app of options.apps ?? []) await phone.install(app);
      return phone;
    } catch (error) {
      await fileSystem.close();
      throw error;
    }
  }

  private constructor(options: VirtualDeviceOptions, mux: VirtualMux, port: MuxPort, parts: Parts) {
    const publicKey = createPublicKey(parts.key);
    this.#options = options;
    this.#port = port;
    this.#random = parts.random;
    this.#sessions = parts.random.fork('sessions');
    this.#key = parts.key;
    this.#clock = parts.clock;
    this.#lockState = options.lockState ?? 'unlocked';
    this.#network = resolveNetwork(options.network);
    this.#pairings = new Pairings(publicKey, parts.random.fork('escrow'), options.trust ?? 'accept');
    this.#servicePorts = new ServicePorts((start, socket) => this.#serveService(start, socket));
    this.mux = mux;
    this.ios = parts.ios;
    this.udid = parts.hardware.udid;
    this.productType = parts.hardware.productType;
    this.hasPasscode = options.passcode ?? true;
    this.media = parts.media;
    this.faults = new FaultScript(() => this.#pullCable());
    const heartbeatSeconds = options.heartbeatSeconds ?? defaultHeartbeatSeconds;
    this.services = new Map(Object.entries({ ...usualServices({ heartbeatSeconds }), ...options.services }));
    this.values = new DeviceValues({
      DevicePublicKey: { get: () => utf8Encode(publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()) },
      PasswordProtected: { get: () => this.#lockState !== 'unlocked' },
      TimeIntervalSince1970: {
        get: () => new PlistReal(this.now().getTime() / 1000),
        set: (value) => this.#clock.set(asNumber(value) ?? this.now().getTime() / 1000),
      },
    });
    this.#setValues(parts.hardware);
    this.fileSystem = parts.fileSystem;
    this.backups = new BackupAgent({
      device: this,
      fileSystem: parts.fileSystem,
      random: parts.random.fork('backups'),
      options: options.backup ?? {},
      apps: parts.knownApps,
    });
    if (!this.services.has(mobileBackup2Service)) this.services.set(mobileBackup2Service, this.backups.service);
    this.#lockdownDevice = this.#makeLockdownDevice();
  }

  get address(): string {
    return this.mux.address;
  }

  get attached(): boolean {
    return this.#attached;
  }

  get lockState(): LockState {
    return this.#lockState;
  }

  get trustedHosts(): readonly string[] {
    return this.#pairings.hostIds;
  }

  now(): Date {
    return this.#clock.now();
  }

  answerTrust(answer: TrustAnswer): void {
    this.#pairings.answer(answer);
    if (answer === 'accept') this.notifications.post('com.apple.mobile.lockdown.request_pair');
  }

  forgetHost(hostId?: string): void {
    this.#pairings.forget(hostId);
  }

  setLockState(state: LockState): void {
    this.#lockState = state;
    this.notifications.post('com.apple.springboard.lockstate');
  }

  async install(spec: VirtualAppSpec): Promise<VirtualApp> {
    const app = await installApp(spec, this.#random.fork('apps'), this.#clock.now);
    this.apps.set(app.bundleId, app);
    this.notifications.post('com.apple.mobile.application_installed');
    return app;
  }

  async attach(): Promise<void> {
    if (this.#attached || this.#closed.signal.aborted) return;
    this.#attached = true;
    try {
      await this.#listen();
    } catch (error) {
      this.#attached = false;
      throw error;
    }
    const network = this.#network;
    const wifiAddress = asString(this.values.get('', 'WiFiAddress')) ?? '';
    if (!this.#attached) return;
    this.#port.attach(deviceEntries(this, { usb: this.#options.usb ?? true, network, wifiAddress }));
  }

  async detach(): Promise<void> {
    this.#pullCable();
    await Promise.all(this.#connections.values());
  }

  async restart({ ms = 0 }: { ms?: number | undefined } = {}): Promise<void> {
    await this.detach();
    if (this.hasPasscode) this.#lockState = 'before-first-unlock';
    this.backups.restarted();
    await delay(ms, undefined, { signal: this.#closed.signal }).catch(() => undefined);
    await this.attach();
  }

  async close(): Promise<void> {
    await this.#port.close(this);
  }

  /** Detaches for good, when the mux says so. */
  async end(): Promise<void> {
    this.#closed.abort();
    this.faults.clear();
    await this.detach();
    await this.backups.close();
    await this.fileSystem.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  openPort(port: number): ((stream: Duplex) => void) | undefined {
    if (port === lockdownPort) return (stream) => this.#serveLockdown(stream);
    const start = this.#servicePorts.take(port);
    return start === undefined ? undefined : (stream) => this.#serveService(start, stream);
  }

  async #listen(): Promise<void> {
    if (this.#network?.listen !== true) return;
    const { address } = this.#network;
    const server = await listenAt({ host: address, port: lockdownPort }, (socket) => this.#serveLockdown(socket));
    // The cable may have been pulled meanwhile.
    if (this.#attached) this.#listener = server;
    else server.close();
  }

  /** Everything breaks at once. */
  #pullCable(): void {
    this.#attached = false;
    this.#port.detach(this);
    this.#listener?.close();
    this.#listener = undefined;
    this.#servicePorts.clear();
    for (const connection of this.#connections.keys()) connection.destroy();
  }

  #serveLockdown(stream: Duplex): void {
    void this.#serve(lockdownName, stream, async (connection) => {
      await new LockdownServer(this.#lockdownDevice, connection).serve();
    });
  }

  #serveService({ name, service, host, hasEscrowBag }: ServiceStart, stream: Duplex): void {
    const actions: (() => Promise<void>)[] = [];
    const context: ServiceContext = {
      device: this,
      service: name,
      hostId: host?.hostId,
      hasEscrowBag,
      afterwards: (action) => void actions.push(action),
    };
    const served = this.#serve(name, stream, async (connection) => {
      if (host !== undefined && (service.tls ?? service.needsSession ?? true)) await this.#secure(connection, host);
      await service.handler(connection, context);
    });
    void served.then(async () => {
      for (const action of actions) await action().catch((error: unknown) => this.#report(error, name));
    });
  }

  async #serve(
    service: string,
    stream: Duplex,
    handler: (connection: DeviceConnection) => Promise<void>,
  ): Promise<void> {
    const { udid, faults } = this;
    const connection = new DeviceConnection(stream, service, { udid, faults, onMessage: this.#options.onMessage });
    // The cable may have been pulled since the connection was accepted.
    if (!this.#attached) connection.destroy();
    const served = this.#run(service, connection, handler);
    this.#connections.set(connection, served);
    await served;
    this.#connections.delete(connection);
  }

  async #run(
    service: string,
    connection: DeviceConnection,
    handler: (connection: DeviceConnection) => Promise<void>,
  ): Promise<void> {
    try {
      await handler(connection);
      await connection.close();
    } catch (error) {
      connection.destroy();
      this.#report(error, service);
    }
  }

  #report(error: unknown, service: string): void {
    if (!isBackupKitError(error, 'DEVICE_DISCONNECTED')) this.#options.onError?.(error, { udid: this.udid, service });
  }

  async #secure(connection: DeviceConnection, host: Parameters<LockdownDevice['secure']>[1]): Promise<void> {
    await connection.secure(async (stream) => await startDeviceTls(stream, this.#key, host));
  }

  #makeLockdownDevice(): LockdownDevice {
    return {
      values: this.values,
      pairings: this.#pairings,
      services: this.services,
      lockState: () => this.#lockState,
      refusal: (service) => this.faults.refusal(service),
      newSessionId: () => this.#sessions.uuid(),
      openService: async (start) =>
        await this.#servicePorts.open(start, this.#network?.listen === true ? this.#network.address : undefined),
      secure: async (connection, host) => await this.#secure(connection, host),
      valueChanged: (domain, key) => {
        if (domain === '' && key === 'DeviceName')
          this.notifications.post('com.apple.mobile.lockdown.device_name_changed');
        if (domain === 'com.apple.mobile.backup') this.notifications.post('com.apple.mobile.backup.domain_changed');
      },
    };
  }

  #setValues(hardware: Device): void {
    const usual = usualValues(hardware, this.#random.fork('values'));
    for (const [domain, values] of Object.entries(usual))
      for (const [key, value] of Object.entries(values)) this.values.set(domain, key, value);
    for (const [domain, values] of Object.entries(this.#options.values ?? {}))
      for (const [key, value] of Object.entries(values)) {
        if (value === undefined) this.values.remove(domain, key);
        else this.values.set(domain, key, value);
      }
  }
}

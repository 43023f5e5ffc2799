import { abortable, type AbortOptions } from '../../core/abort.js';
import { DeviceError, isBackupKitError, ProtocolError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import type { AttachedDevice, ServiceConnection } from '../transport.js';
import type { LockdownClient } from './lockdown-client.js';
import { connectPort, isLegacyTls, openLockdown, startTrustedSession, type DevicePlace } from './open-lockdown.js';
import { tlsOfRecord, type PairRecord } from './pair-record.js';

/**
 * lockdownd with a session. The device ends sessions that are idle for long, and all of them when it is unplugged: the next
 * call then begins a new one, at the device's new place where it was plugged in again.
 */
export class TrustedLockdown implements Closeable {
  readonly #record: PairRecord;
  readonly #closing = new AbortController();
  #place: DevicePlace;
  #isLegacy = false;
  /** The session, and the one that is being begun. */
  #client: LockdownClient | undefined;
  #opening: Promise<LockdownClient> | undefined;

  private constructor(place: DevicePlace, record: PairRecord) {
    this.#place = place;
    this.#record = record;
  }

  /** Begins a session. @throws DeviceError `DEVICE_NOT_PAIRED`, `DEVICE_LOCKED`, `DEVICE_IDENTITY_MISMATCH`, `DEVICE_DISCONNECTED` */
  static async open(
    place: DevicePlace,
    { record, signal }: AbortOptions & { record: PairRecord },
  ): Promise<TrustedLockdown> {
    const lockdown = new TrustedLockdown(place, record);
    lockdown.#client = await lockdown.#begin(signal);
    return lockdown;
  }

  /** Where the device is, as of the last session. */
  get device(): AttachedDevice {
    return this.#place.device;
  }

  /** Uses the session, or a new one where that has ended: `task` may run twice. */
  async use<T>(task: (client: LockdownClient) => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
    const isReused = this.#client !== undefined;
    const client = await this.#session(signal);
    try {
      return await task(client);
    } catch (error) {
      if (this.#closing.signal.aborted) throw this.#closed();
      const isOver = isBackupKitError(error, 'DEVICE_DISCONNECTED');
      if (!isOver && !(error instanceof ProtocolError)) throw error;
      if (this.#client === client) this.#client = undefined;
      await client.close();
      if (!isOver || !isReused) throw error;
    }
    return await task(await this.#session(signal));
  }

  /** Starts a service and connects to it, in TLS where the device wants that. */
  async startService(
    service: string,
    { hasEscrowBag, signal }: AbortOptions & { hasEscrowBag: boolean },
  ): Promise<ServiceConnection> {
    const escrowBag = hasEscrowBag ? this.#record.escrowBag : undefined;
    const { port, isTls } = await this.use(
      async (client) => await client.startService(service, { escrowBag, signal }),
      { signal },
    );
    const connection = await connectPort(this.#place, { port, service, signal });
    try {
      if (isTls) await connection.startTls(tlsOfRecord(this.#record, this.#isLegacy), { signal });
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Lets the device forget this host. */
  async unpair(options?: AbortOptions): Promise<void> {
    await this.use(async (client) => await client.unpair(this.#record, options), options);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(this.#closed());
    await this.#opening?.catch(() => undefined);
    await this.#client?.close();
  }

  /** The session that is there or being begun; callers that do not want to wait for it leave it to the others. */
  async #session(signal: AbortSignal | undefined): Promise<LockdownClient> {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw this.#closed();
    if (this.#client !== undefined) return this.#client;
    this.#opening ??= this.#resume().finally(() => (this.#opening = undefined));
    return await abortable(this.#opening, signal);
  }

  async #resume(): Promise<LockdownClient> {
    const { signal } = this.#closing;
    const { transport, device } = this.#place;
    const attached = (await transport.list({ signal })).filter(({ udid }) => udid === device.udid);
    const found = attached.find(({ connectionType }) => connectionType === device.connectionType) ?? attached[0];
    if (found === undefined)
      throw new DeviceError('DEVICE_DISCONNECTED', 'The device is not attached any more; plug it in and try again', {
        udid: device.udid,
      });
    this.#place = { transport, device: found };
    this.#client = await this.#begin(signal);
    return this.#client;
  }

  async #begin(signal: AbortSignal | undefined): Promise<LockdownClient> {
    const { client, productVersion } = await openLockdown(this.#place, { signal });
    try {
      const { transport } = this.#place;
      await startTrustedSession({ client, productVersion }, { transport, record: this.#record, signal });
      this.#isLegacy = isLegacyTls(productVersion);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  #closed(): DeviceError {
    return new DeviceError('DEVICE_CLOSED', 'The device was closed', { udid: this.#place.device.udid });
  }
}

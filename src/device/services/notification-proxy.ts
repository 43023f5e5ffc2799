import type { AbortOptions } from '../../core/abort.js';
import { DeviceError } from '../../core/errors.js';
import type { Closeable } from '../../core/resource.js';
import { asDict, asString } from '../../plist/guards.js';
import { PlistChannel } from '../plist-channel.js';
import type { ServiceHost, StartServiceOptions } from './service-host.js';

/* FORMAT facts: docs/format/lockdown.md, "notification_proxy". */

const service = 'com.apple.mobile.notification_proxy';

/** Notifications that programs on a device and its hosts send to each other: names, without content. */
export class NotificationProxy implements Closeable, AsyncDisposable {
  readonly #channel: PlistChannel;
  readonly #udid: string;

  private constructor(channel: PlistChannel, udid: string) {
    this.#channel = channel;
    this.#udid = udid;
  }

  /** @internal */
  static async open(host: ServiceHost, options?: StartServiceOptions): Promise<NotificationProxy> {
    return new NotificationProxy(new PlistChannel(await host.startService(service, options), { service }), host.udid);
  }

  /** Asks the device to tell of notifications with these names from now on. It does not confirm that. */
  async observe(names: string | readonly string[], options?: AbortOptions): Promise<void> {
    for (const Name of typeof names === 'string' ? [names] : names)
      await this.#channel.send({ Command: 'ObserveNotification', Name }, options);
  }

  /** Sends a notification to the programs on the device. It does not confirm that. */
  async post(name: string, options?: AbortOptions): Promise<void> {
    await this.#channel.send({ Command: 'PostNotification', Name: name }, options);
  }

  /**
   * Names of observed notifications as they come, until the loop is left, the signal aborts, or the device ends the service. One
   * loop at a time; leaving it keeps the connection, and what comes meanwhile waits for the next loop.
   *
   * @throws DeviceError `DEVICE_DISCONNECTED`, `DEVICE_CLOSED` where the proxy is closed meanwhile
   */
  async *notifications(options?: AbortOptions): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const message = await this.#channel.receive(options);
      if (message === undefined)
        throw new DeviceError(
          'DEVICE_DISCONNECTED',
          'The device ended the connection to its notifications; connect again',
          {
            service,
            udid: this.#udid,
          },
        );
      const dict = asDict(message);
      const command = asString(dict?.get('Command'));
      if (command === 'ProxyDeath') return;
      const name = asString(dict?.get('Name'));
      if (command === 'RelayNotification' && name !== undefined) yield name;
    }
  }

  /** Ends the connection; what was posted is delivered. */
  async close(): Promise<void> {
    this.#channel.send({ Command: 'Shutdown' }).catch(() => undefined);
    await this.#channel.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

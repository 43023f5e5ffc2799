import type { AbortOptions } from '../../core/abort.js';
import type { Closeable } from '../../core/resource.js';
import { asArray, asData, asDict, asInteger } from '../../plist/guards.js';
import type { PlistArray, PlistDict, PlistInput } from '../../plist/types.js';
import { PlistChannel } from '../plist-channel.js';
import { replyError } from './service-reply.js';
import type { ServiceHost } from './service-host.js';

/* FORMAT facts: docs/format/lockdown.md, "springboardservices". */

const service = 'com.apple.springboardservices';
const iconStateVersion = '2';

/** How the screen is held. */
export type InterfaceOrientation = 'portrait' | 'portrait-upside-down' | 'landscape-right' | 'landscape-left';

const orientations: readonly (InterfaceOrientation | undefined)[] = [
  undefined,
  'portrait',
  'portrait-upside-down',
  'landscape-right',
  'landscape-left',
];

/** The home screen of a device. */
export class Springboard implements Closeable, AsyncDisposable {
  readonly #channel: PlistChannel;
  readonly #udid: string;

  private constructor(channel: PlistChannel, udid: string) {
    this.#channel = channel;
    this.#udid = udid;
  }

  /** @internal */
  static async open(host: ServiceHost, options?: AbortOptions): Promise<Springboard> {
    const channel = new PlistChannel(await host.startService(service, options), { format: 'binary', service });
    return new Springboard(channel, host.udid);
  }

  /** Icon of an app, PNG; `undefined` where the device has none. @throws DeviceError `DEVICE_REFUSED` where it has no such app */
  async iconPng(bundleId: string, options?: AbortOptions): Promise<Uint8Array | undefined> {
    return asData((await this.#request({ command: 'getIconPNGData', bundleId }, options)).get('pngData'));
  }

  /** Wallpaper of the home screen, PNG; `undefined` where the device gives none. */
  async wallpaperPng(options?: AbortOptions): Promise<Uint8Array | undefined> {
    return asData((await this.#request({ command: 'getHomeScreenWallpaperPNGData' }, options)).get('pngData'));
  }

  /** Where the icons are, as the device has it: the dock, then the pages, each an array of icons and folders. */
  async iconState(options?: AbortOptions): Promise<PlistArray> {
    const request = { command: 'getIconState', formatVersion: iconStateVersion };
    const reply = await this.#channel.exchange(request, options);
    const error = replyError(asDict(reply) ?? new Map(), { service, udid: this.#udid });
    if (error !== undefined) throw error;
    return asArray(reply) ?? [];
  }

  /** How the screen is held; `undefined` where the device does not know. */
  async orientation(options?: AbortOptions): Promise<InterfaceOrientation | undefined> {
    const reply = await this.#request({ command: 'getInterfaceOrientation' }, options);
    return orientations[Number(asInteger(reply.get('interfaceOrientation')) ?? 0)];
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /** Same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #request(message: PlistInput, options?: AbortOptions): Promise<PlistDict> {
    const reply = await this.#channel.request(message, options);
    const error = replyError(reply, { service, udid: this.#udid });
    if (error !== undefined) throw error;
    return reply;
  }
}

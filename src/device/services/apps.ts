import type { AbortOptions } from '../../core/abort.js';
import { isBackupKitError } from '../../core/errors.js';
import { asArray, asBoolean, asDict, asString } from '../../plist/guards.js';
import type { PlistDict } from '../../plist/types.js';
import { PlistChannel } from '../plist-channel.js';
import type { ServiceHost } from './service-host.js';
import { replyError } from './service-reply.js';
import { Springboard } from './springboard.js';

/* FORMAT facts: docs/format/lockdown.md, "installation_proxy". */

const service = 'com.apple.mobile.installation_proxy';

/** Which apps to list, and what to tell of them. */
export interface ListAppsOptions extends AbortOptions {
  /** Those that the owner has installed (`User`, the default), those of the system, or both. */
  type?: 'User' | 'System' | 'Any' | undefined;
  /** Whether to fetch icons too, one request each; false by default. */
  icons?: boolean | undefined;
  /**
   * Attributes that `attributes` is to hold, e.g. `ApplicationSINF` and `iTunesMetadata`, in addition to those of the typed fields.
   * All that the device gives, by default.
   */
  attributes?: readonly string[] | undefined;
}

/** An app on a device. */
export interface InstalledApp {
  /** E.g. `com.example.notes`. */
  readonly bundleId: string;
  /** Name for people. */
  readonly name: string | undefined;
  /** Version for people, e.g. `4.2.1`. */
  readonly version: string | undefined;
  /** Version for programs, e.g. `4210`. */
  readonly build: string | undefined;
  /** `User` or `System`; some releases have further ones. */
  readonly type: string | undefined;
  /** Lowest version of iOS that it runs on. */
  readonly minimumOsVersion: string | undefined;
  /** Whether hosts may see its documents: see `device.openAppFiles()`. */
  readonly sharesFiles: boolean;
  /** Whether it was installed by its developer, whose hosts may see its whole container. */
  readonly isDeveloperApp: boolean;
  /** Where its data is on the device. */
  readonly containerPath: string | undefined;
  /** PNG, where icons were asked for and the device has one. */
  readonly icon: Uint8Array | undefined;
  /** Its entry as the device gives it. */
  readonly attributes: PlistDict;
}

/** Attributes of the typed fields. */
const usualAttributes = [
  'ApplicationType',
  'CFBundleDisplayName',
  'CFBundleIdentifier',
  'CFBundleName',
  'CFBundleShortVersionString',
  'CFBundleVersion',
  'Container',
  'MinimumOSVersion',
  'SignerIdentity',
  'UIFileSharingEnabled',
] as const;

/** Apps, in pages as the device sends them. */
export async function* listApps(
  host: ServiceHost,
  { type = 'User', icons = false, attributes, signal }: ListAppsOptions,
): AsyncGenerator<InstalledApp, void, undefined> {
  const channel = new PlistChannel(await host.startService(service, { signal }), { service });
  let springboard: Springboard | undefined;
  try {
    if (icons) springboard = await Springboard.open(host, { signal });
    const ReturnAttributes = attributes && [...new Set([...usualAttributes, ...attributes])];
    const ClientOptions = { ...(type !== 'Any' && { ApplicationType: type }), ReturnAttributes };
    await channel.send({ Command: 'Browse', ClientOptions }, { signal });
    for (;;) {
      const reply = await channel.expect({ signal });
      const error = replyError(reply, { service, udid: host.udid });
      if (error !== undefined) throw error;
      for (const entry of asArray(reply.get('CurrentList')) ?? []) {
        const app = readApp(asDict(entry) ?? new Map());
        if (app === undefined) continue;
        const icon = springboard === undefined ? undefined : await iconOf(springboard, app.bundleId, { signal });
        yield { ...app, icon };
      }
      if (asString(reply.get('Status')) === 'Complete') return;
    }
  } finally {
    await springboard?.close();
    await channel.close();
  }
}

/** Some apps are not on the home screen and have no icon. */
async function iconOf(
  springboard: Springboard,
  bundleId: string,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await springboard.iconPng(bundleId, options);
  } catch (error) {
    if (isBackupKitError(error, 'DEVICE_REFUSED')) return undefined;
    throw error;
  }
}

function readApp(attributes: PlistDict): InstalledApp | undefined {
  const text = (key: (typeof usualAttributes)[number]): string | undefined => asString(attributes.get(key));
  const bundleId = text('CFBundleIdentifier');
  if (bundleId === undefined) return undefined;
  return {
    bundleId,
    name: text('CFBundleDisplayName') ?? text('CFBundleName'),
    version: text('CFBundleShortVersionString'),
    build: text('CFBundleVersion'),
    type: text('ApplicationType'),
    minimumOsVersion: text('MinimumOSVersion'),
    sharesFiles: asBoolean(attributes.get('UIFileSharingEnabled')) === true,
    isDeveloperApp: /^(Apple|iPhone|iOS) Develop/.test(text('SignerIdentity') ?? ''),
    containerPath: text('Container'),
    icon: undefined,
    attributes,
  };
}

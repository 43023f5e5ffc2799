import { writeBinaryPlist } from '../../plist/binary-write.js';
import type { PlistInput } from '../../plist/types.js';
import type { Device } from './device.js';
import { gradientPng } from './png.js';
import type { IosProfile } from './profiles.js';
import type { SeededRandom } from './seeded-random.js';
import type { AppSpec, BackupSpec, PlistOverrides } from './backup-spec.js';

/** What the property lists of a backup tell of. */
export interface ListContext {
  readonly spec: BackupSpec;
  readonly profile: IosProfile;
  readonly device: Device;
  readonly date: Date;
  readonly apps: readonly AppSpec[];
  readonly isEncrypted: boolean;
  readonly random: SeededRandom;
}

type List = Map<string, PlistInput>;

function withOverrides(
  entries: readonly (readonly [string, PlistInput | undefined])[],
  overrides: PlistOverrides = {},
): List {
  const list: List = new Map();
  for (const [key, value] of entries) if (value !== undefined) list.set(key, value);
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) list.delete(key);
    else list.set(key, value);
  }
  return list;
}

const lastPart = (bundleId: string): string => bundleId.slice(bundleId.lastIndexOf('.') + 1);

/** Info.plist, which the computer writes. FORMAT facts: docs/format/folder.md. */
export function infoPlist({ spec, profile, device, date, apps, random }: ListContext): List {
  const modern = profile.udidPrefix !== undefined;
  const lists = random.fork('Info.plist');
  return withOverrides(
    [
      ['Applications', new Map(apps.map((app) => [app.bundleId, storeApp(app, lists)]))],
      ['Build Version', device.buildVersion],
      ['Device Name', device.name],
      ['Display Name', device.name],
      ['GUID', lists.hex(32).toUpperCase()],
      ['ICCID', device.iccid],
      ['IMEI', device.imei],
      ['IMEI 2', device.imei2],
      ['Installed Applications', apps.map((app) => app.bundleId)],
      ['Last Backup Date', date],
      ['MEID', device.meid],
      ['Phone Number', device.phoneNumber],
      ['Product Name', device.productName],
      ['Product Type', device.productType],
      ['Product Version', device.productVersion],
      ['Serial Number', device.serialNumber],
      ['Target Identifier', device.udid],
      ['Target Type', 'Device'],
      ['Unique Identifier', device.udid.toUpperCase()],
      ['iBooks Data 2', lists.bytes(32)],
      ['iTunes Files', computerFiles(lists)],
      ['iTunes Settings', new Map()],
      ['iTunes Version', modern ? undefined : '12.5.5'],
      ['macOS Build Version', modern ? '23E224' : undefined],
      ['macOS Version', modern ? '14.4.1' : undefined],
    ],
    spec.infoPlist,
  );
}

function storeApp(app: AppSpec, random: SeededRandom): List {
  const name = app.name ?? lastPart(app.bundleId);
  const metadata = new Map<string, PlistInput>([
    ['bundleShortVersionString', app.version ?? '1'],
    ['bundleVersion', app.version ?? '1'],
    ['itemName', name],
    ['softwareVersionBundleId', app.bundleId],
  ]);
  return new Map<string, PlistInput>([
    ['ApplicationSINF', random.bytes(64)],
    ['IsDemotedApp', false],
    ['PlaceholderIcon', gradientPng(16, random.bytes(3), random.bytes(3))],
    ['iTunesMetadata', writeBinaryPlist(metadata)],
  ]);
}

/** What the computer keeps for itself; only its names are known, so the contents are noise. */
function computerFiles(random: SeededRandom): List {
  const names = [
    'IC-Info.sidb',
    'IC-Info.sidv',
    'PhotosFolderPrefs',
    'VoiceMemos.plist',
    'iTunesPrefs',
    'iTunesPrefs.plist',
  ];
  return new Map(names.map((name) => [name, random.bytes(24)]));
}

/** Manifest.plist, which the device writes. FORMAT facts: docs/format/folder.md. */
export function manifestPlist(
  { spec, profile, device, date, apps, isEncrypted, random }: ListContext,
  keys: { keybag: Uint8Array; manifestKey: Uint8Array | undefined },
): List {
  return withOverrides(
    [
      ['BackupKeyBag', keys.keybag],
      ['Version', profile.manifestVersion],
      ['Date', date],
      ['SystemDomainsVersion', profile.systemDomainsVersion],
      ['ManifestKey', keys.manifestKey],
      ['WasPasscodeSet', spec.passcodeSet ?? true],
      ['Lockdown', lockdown(device)],
      ['Applications', containers(apps, profile, random.fork('containers'))],
      ['IsEncrypted', isEncrypted],
    ],
    spec.manifestPlist,
  );
}

function lockdown(device: Device): List {
  const domains = [
    'com.apple.Accessibility',
    'com.apple.MobileDeviceCrashCopy',
    'com.apple.TerminalFlashr',
    'com.apple.mobile.data_sync',
    'com.apple.mobile.iTunes.accessories',
    'com.apple.mobile.wireless_lockdown',
  ];
  return new Map<string, PlistInput>([
    ...domains.map((domain) => [domain, new Map<string, PlistInput>()] as const),
    ['ProductVersion', device.productVersion],
    ['ProductType', device.productType],
    ['BuildVersion', device.buildVersion],
    ['UniqueDeviceID', device.udid],
    ['SerialNumber', device.serialNumber],
    ['DeviceName', device.name],
  ]);
}

function containers(apps: readonly AppSpec[], profile: IosProfile, random: SeededRandom): List {
  const list: List = new Map();
  const add = (id: string, version: string, place: readonly [kind: string, groups: List]): string => {
    const [kind, groups] = place;
    const root = kind === 'Data/Application' && profile.hasOldContainers ? 'Applications' : `Containers/${kind}`;
    const path = `/var/mobile/${root}/${random.uuid()}`;
    const entry: List = new Map([
      ['CFBundleIdentifier', id],
      ['CFBundleVersion', version],
      ['ContainerContentClass', kind],
      ['Path', path],
    ]);
    if (groups.size > 0) entry.set('GroupContainers', groups);
    list.set(id, entry);
    return path;
  };
  const groupPaths = new Map<string, string>();
  const none: List = new Map();
  for (const app of apps) {
    const version = app.version ?? '1';
    const groups: List = new Map();
    for (const group of app.groups ?? []) {
      const path = groupPaths.get(group) ?? add(group, version, ['Shared/AppGroup', none]);
      groupPaths.set(group, path);
      groups.set(group, path);
    }
    add(app.bundleId, version, ['Data/Application', groups]);
    for (const plugin of app.plugins ?? []) add(plugin, version, ['Data/PluginKitPlugin', none]);
  }
  return list;
}

/** Status.plist, which the device writes last. */
export function statusPlist({ spec, profile, date, random }: ListContext): List {
  return withOverrides(
    [
      ['IsFullBackup', spec.isFullBackup ?? false],
      ['Version', profile.statusVersion],
      ['UUID', random.fork('Status.plist').uuid()],
      ['Date', date],
      ['BackupState', spec.backupState ?? 'new'],
      ['SnapshotState', spec.snapshotState ?? 'finished'],
    ],
    spec.statusPlist,
  );
}

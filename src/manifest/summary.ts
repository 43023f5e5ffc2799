import { asArray, asBoolean, asDate, asDict, asString } from '../plist/guards.js';
import type { PlistDict, PlistValue } from '../plist/types.js';
import { containerDomain } from './container-domains.js';
import type { TopLevelPlists } from './top-level.js';
import type { BackupApp, BackupSummary, Domain } from './types.js';

/** What is known of a backup besides its property lists. */
export interface SummaryFacts {
  readonly manifestKind: BackupSummary['manifestKind'];
  readonly isEncrypted: boolean;
  /** Further warnings. */
  readonly warnings: readonly string[];
}

/**
 * What the property lists tell. Where Info.plist, which the computer wrote, lacks something, Lockdown in Manifest.plist,
 * which the device wrote, has most of it too. Keys and their sources: docs/format/folder.md.
 */
export function summarize({ info, manifest, status, warnings }: TopLevelPlists, facts: SummaryFacts): BackupSummary {
  const lockdown = asDict(manifest?.get('Lockdown'));
  const text = (infoKey: string, lockdownKey?: string): string | undefined =>
    nonEmpty(info?.get(infoKey)) ?? (lockdownKey === undefined ? undefined : nonEmpty(lockdown?.get(lockdownKey)));
  const all = [...warnings, ...facts.warnings];
  const state = asString(status?.get('SnapshotState'));
  if (state !== undefined && state !== 'finished') {
    all.push(`The last run of this backup did not end (its state is "${state}"), so files may be missing.`);
  }
  const declared = asBoolean(manifest?.get('IsEncrypted'));
  if (declared !== undefined && declared !== facts.isEncrypted) {
    all.push(
      `Manifest.plist says that the backup is ${declared ? '' : 'not '}encrypted, which its content contradicts.`,
    );
  }
  return {
    udid: udidOf(text('Target Identifier') ?? text('Unique Identifier', 'UniqueDeviceID')),
    deviceName: text('Device Name', 'DeviceName') ?? text('Display Name'),
    productType: text('Product Type', 'ProductType'),
    productVersion: text('Product Version', 'ProductVersion'),
    buildVersion: text('Build Version', 'BuildVersion'),
    serialNumber: text('Serial Number', 'SerialNumber'),
    phoneNumber: text('Phone Number'),
    imei: text('IMEI'),
    iccid: text('ICCID'),
    lastBackupDate:
      asDate(info?.get('Last Backup Date')) ?? asDate(status?.get('Date')) ?? asDate(manifest?.get('Date')),
    isEncrypted: facts.isEncrypted,
    wasPasscodeSet: asBoolean(manifest?.get('WasPasscodeSet')),
    isFullBackup: asBoolean(status?.get('IsFullBackup')),
    isFinished: state === undefined ? undefined : state === 'finished',
    manifestKind: facts.manifestKind,
    apps: appsOf(info, manifest),
    warnings: all,
  };
}

const nonEmpty = (value: PlistValue | undefined): string | undefined => asString(value) || undefined;

/** 40 digits in lower case or the newer form, whose letters are capitals, in upper case; other texts as they are. */
function udidOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9a-f]{40}$/i.test(text)) return text.toLowerCase();
  return /^[0-9a-f]{8}-[0-9a-f]{16}$/i.test(text) ? text.toUpperCase() : text;
}

/**
 * The apps that the user installed: those that Info.plist names, and those to which Manifest.plist gives a container.
 * Manifest.plist also lists the containers of extensions and groups, which are no apps; groups are given to the apps that
 * name them.
 */
function appsOf(info: PlistDict | undefined, manifest: PlistDict | undefined): BackupApp[] {
  const apps = new Map<string, { version: string | undefined; domains: Set<Domain> }>();
  const appFor = (bundleId: string): { version: string | undefined; domains: Set<Domain> } => {
    const app = apps.get(bundleId) ?? { version: undefined, domains: new Set<Domain>() };
    apps.set(bundleId, app);
    return app;
  };
  for (const value of asArray(info?.get('Installed Applications')) ?? []) {
    const bundleId = nonEmpty(value);
    if (bundleId !== undefined) appFor(bundleId).domains.add(`AppDomain-${bundleId}`);
  }
  for (const [container, value] of asDict(manifest?.get('Applications')) ?? []) {
    const entry = asDict(value);
    if (entry === undefined) continue;
    const domain = containerDomain(container, entry);
    if (!domain.startsWith('AppDomain-')) continue;
    const app = appFor(nonEmpty(entry.get('CFBundleIdentifier')) ?? container);
    app.version ??= nonEmpty(entry.get('CFBundleVersion'));
    app.domains.add(domain);
    for (const group of groupsOf(entry.get('GroupContainers'))) app.domains.add(`AppDomainGroup-${group}`);
  }
  return [...apps].map(([bundleId, { version, domains }]) => ({ bundleId, version, domains: [...domains] }));
}

/** Ids of groups: the keys of a dictionary, or the items of a list. */
function groupsOf(value: PlistValue | undefined): string[] {
  const names = asDict(value)?.keys() ?? asArray(value) ?? [];
  return [...names].map((name) => nonEmpty(name)).filter((name): name is string => name !== undefined);
}

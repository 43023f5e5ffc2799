import { randomUUID } from 'node:crypto';
import type { AbortOptions } from '../core/abort.js';
import { isBackupKitError } from '../core/errors.js';
import type { AfcClient } from '../device/afc/afc-client.js';
import type { Springboard } from '../device/services/springboard.js';
import { asData, asString } from '../plist/guards.js';
import type { PlistDict, PlistInput } from '../plist/types.js';
import type { BackupDevice } from './device-host.js';

/*
 * Info.plist is the host's part of a backup: it says whose backup it is, which apps to install at a restore, and keeps what
 * iTunes kept on the device. FORMAT facts: docs/format/device-link.md, "Info.plist".
 */

/** What is said where the device names no lowest version of iTunes. */
const usualItunesVersion = '10.0.1';

/** Keys that are values of lockdownd under another name, present where the device has them. */
const deviceKeys: readonly (readonly [key: string, value: string])[] = [
  ['Build Version', 'BuildVersion'],
  ['Device Name', 'DeviceName'],
  ['Display Name', 'DeviceName'],
  ['ICCID', 'IntegratedCircuitCardIdentity'],
  ['IMEI', 'InternationalMobileEquipmentIdentity'],
  ['MEID', 'MobileEquipmentIdentifier'],
  ['Phone Number', 'PhoneNumber'],
  ['Product Type', 'ProductType'],
  ['Product Version', 'ProductVersion'],
  ['Serial Number', 'SerialNumber'],
];

/** Files of the folder `/iTunes_Control/iTunes` of the media folder. */
const itunesFiles = [
  'ApertureAlbumPrefs',
  'IC-Info.sidb',
  'IC-Info.sidv',
  'PhotosFolderAlbums',
  'PhotosFolderName',
  'PhotosFolderPrefs',
  'VoiceMemos.plist',
  'iPhotoAlbumPrefs',
  'iTunesApplicationIDs',
  'iTunesPrefs',
  'iTunesPrefs.plist',
] as const;

/**
 * What Info.plist of a new backup says.
 *
 * @throws DeviceError where the device refuses values or apps
 */
export async function createInfoPlist(
  device: BackupDevice,
  { afc, now = new Date(), signal }: AbortOptions & { afc: AfcClient; now?: Date },
): Promise<ReadonlyMap<string, PlistInput>> {
  const values = await device.getValues({ signal });
  const settings = await device.getValues({ signal, domain: 'com.apple.iTunes' });
  const version = await device.getValue('MinITunesVersion', { signal, domain: 'com.apple.mobile.iTunes' });
  const apps = await readApps(device, { signal });
  const info = new Map<string, PlistInput>([['Applications', apps.details]]);
  for (const [key, name] of deviceKeys) {
    const value = values.get(name);
    if (value !== undefined) info.set(key, value);
  }
  info.set('GUID', randomUUID().replaceAll('-', '').toUpperCase());
  info.set('Installed Applications', apps.bundleIds);
  info.set('Last Backup Date', now);
  info.set('Target Identifier', device.udid);
  info.set('Target Type', 'Device');
  info.set('Unique Identifier', device.udid.toUpperCase());
  const books = await readOptional(afc, '/Books/iBooksData2.plist', { signal });
  if (books !== undefined) info.set('iBooks Data 2', books);
  const files = new Map<string, PlistInput>();
  for (const name of itunesFiles) {
    const content = await readOptional(afc, `/iTunes_Control/iTunes/${name}`, { signal });
    if (content !== undefined) files.set(name, content);
  }
  info.set('iTunes Files', files);
  info.set('iTunes Settings', settings);
  info.set('iTunes Version', asString(version) ?? usualItunesVersion);
  return info;
}

/** Installed apps; those that the store can install again come with what it takes, and their icon. */
async function readApps(
  device: BackupDevice,
  options: AbortOptions,
): Promise<{ bundleIds: string[]; details: ReadonlyMap<string, PlistInput> }> {
  const bundleIds: string[] = [];
  const details = new Map<string, PlistInput>();
  let springboard: Springboard | undefined;
  try {
    const attributes = ['ApplicationSINF', 'iTunesMetadata'];
    for await (const app of device.apps({ ...options, type: 'User', attributes })) {
      bundleIds.push(app.bundleId);
      const purchase = purchaseOf(app.attributes);
      if (purchase === undefined) continue;
      springboard ??= await device.openSpringboard(options);
      const PlaceholderIcon = await iconOf(springboard, app.bundleId, options);
      details.set(app.bundleId, { ...purchase, PlaceholderIcon });
    }
  } finally {
    await springboard?.close();
  }
  return { bundleIds, details };
}

function purchaseOf(attributes: PlistDict): { ApplicationSINF: Uint8Array; iTunesMetadata: Uint8Array } | undefined {
  const ApplicationSINF = asData(attributes.get('ApplicationSINF'));
  const iTunesMetadata = asData(attributes.get('iTunesMetadata'));
  if (ApplicationSINF === undefined || iTunesMetadata === undefined) return undefined;
  return { ApplicationSINF, iTunesMetadata };
}

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

/** A file of the media folder; `undefined` where the device has none, or does not give it. */
async function readOptional(afc: AfcClient, path: string, options: AbortOptions): Promise<Uint8Array | undefined> {
  try {
    return await afc.readFile(path, options);
  } catch (error) {
    if (isBackupKitError(error, 'IO_NOT_FOUND', 'IO_ACCESS_DENIED', 'IO_FAILED')) return undefined;
    throw error;
  }
}

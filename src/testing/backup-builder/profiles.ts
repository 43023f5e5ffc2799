/** How backups of one generation are laid out. FORMAT facts: docs/format/folder.md. */
export type Generation = 'mbdb' | 'database-obfuscated' | 'database-plain' | 'database';

/** The iOS version of a spec that names none. */
export const defaultIos = '17.4';

/** What the builder takes for granted of one iOS version. */
export interface IosProfile {
  readonly generation: Generation;
  /** Whether Manifest.mbdx, an index of Manifest.mbdb, is written. */
  readonly hasMbdx: boolean;
  /** Whether apps lie in `/var/mobile/Applications`, as before iOS 8. */
  readonly hasOldContainers: boolean;
  /** `VERS` of the keybag: 3 derives keys in one stage, 4 and 5 in two. */
  readonly keybagVersion: 3 | 4 | 5;
  /** Number of class keys in the keybag. */
  readonly keybagClasses: 11 | 14;
  /** `Version` of Manifest.plist. */
  readonly manifestVersion: string;
  /** `SystemDomainsVersion` of Manifest.plist. */
  readonly systemDomainsVersion: string;
  /** `Version` of Status.plist. */
  readonly statusVersion: string;
  readonly buildVersion: string;
  readonly productType: string;
  readonly productName: string;
  /** Chip and board prefix of a UDID with a dash; `undefined` for UDIDs of 40 hex digits. */
  readonly udidPrefix: string | undefined;
  /** A day on which the version was current. */
  readonly date: Date;
}

interface Release {
  readonly buildVersion: string;
  readonly productType: string;
  readonly productName: string;
  readonly udidPrefix?: string;
  readonly date: string;
}

/** A typical device and build of each major version. */
const releases: Readonly<Record<number, Release>> = {
  4: { buildVersion: '8L1', productType: 'iPhone3,1', productName: 'iPhone 4', date: '2011-08-09' },
  5: { buildVersion: '9B206', productType: 'iPhone4,1', productName: 'iPhone 4S', date: '2012-06-12' },
  6: { buildVersion: '10B329', productType: 'iPhone5,1', productName: 'iPhone 5', date: '2013-05-14' },
  7: { buildVersion: '11D257', productType: 'iPhone6,1', productName: 'iPhone 5s', date: '2014-07-15' },
  8: { buildVersion: '12H321', productType: 'iPhone7,2', productName: 'iPhone 6', date: '2015-08-18' },
  9: { buildVersion: '13G36', productType: 'iPhone8,1', productName: 'iPhone 6s', date: '2016-08-30' },
  10: { buildVersion: '14G60', productType: 'iPhone9,1', productName: 'iPhone 7', date: '2017-08-01' },
  11: { buildVersion: '15G77', productType: 'iPhone10,1', productName: 'iPhone 8', date: '2018-08-07' },
  12: {
    buildVersion: '16G77',
    productType: 'iPhone11,8',
    productName: 'iPhone XR',
    udidPrefix: '00008020',
    date: '2019-08-06',
  },
  13: {
    buildVersion: '17G68',
    productType: 'iPhone12,1',
    productName: 'iPhone 11',
    udidPrefix: '00008030',
    date: '2020-08-11',
  },
  14: {
    buildVersion: '18G82',
    productType: 'iPhone13,2',
    productName: 'iPhone 12',
    udidPrefix: '00008101',
    date: '2021-08-10',
  },
  15: {
    buildVersion: '19G71',
    productType: 'iPhone14,5',
    productName: 'iPhone 13',
    udidPrefix: '00008110',
    date: '2022-08-09',
  },
  16: {
    buildVersion: '20G75',
    productType: 'iPhone15,2',
    productName: 'iPhone 14 Pro',
    udidPrefix: '00008120',
    date: '2023-08-08',
  },
  17: {
    buildVersion: '21E219',
    productType: 'iPhone15,4',
    productName: 'iPhone 15',
    udidPrefix: '00008120',
    date: '2024-03-14',
  },
  18: {
    buildVersion: '22D60',
    productType: 'iPhone17,3',
    productName: 'iPhone 16',
    udidPrefix: '00008140',
    date: '2025-02-11',
  },
  26: {
    buildVersion: '23A341',
    productType: 'iPhone18,3',
    productName: 'iPhone 17',
    udidPrefix: '00008150',
    date: '2025-10-14',
  },
};

function releaseOf(major: number): Release {
  const known = Object.keys(releases).map(Number);
  const nearest = known.filter((candidate) => candidate <= major).at(-1);
  const release = nearest === undefined ? undefined : releases[nearest];
  if (release === undefined) throw new RangeError(`Backups are built from iOS 4.0 on, not for ${major}`);
  return release;
}

function manifestVersionOf(major: number): string {
  if (major >= 10) return '10.0';
  if (major >= 8) return '9.1';
  return major >= 6 ? '8.0' : '6.2';
}

/** Known for iOS 14 to 26; the oldest value on record stands for earlier versions. */
function systemDomainsVersionOf(major: number): string {
  if (major >= 26) return '24.0';
  if (major >= 16) return '20.0';
  if (major >= 15) return '19.0';
  return major >= 14 ? '17.0' : '16.0';
}

function keybagVersionOf(major: number, minor: number): 3 | 4 | 5 {
  if (major >= 11) return 5;
  return major === 10 && minor >= 2 ? 4 : 3;
}

function generationOf(major: number, minor: number): Generation {
  if (major < 10) return 'mbdb';
  if (major > 10 || minor >= 2) return 'database';
  return minor === 0 ? 'database-obfuscated' : 'database-plain';
}

/**
 * The profile of an iOS version such as `9.3.5` or `17.4`; numbers are compared, not text.
 *
 * @throws RangeError for anything that is not a version, and below 4.0.
 */
export function iosProfile(ios: string): IosProfile {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?(?:\.\d{1,3})?$/.exec(ios);
  if (match === null) throw new RangeError(`ios must be a version such as 17.4, not ${JSON.stringify(ios)}`);
  const major = Number(match[1]);
  const minor = Number(match[2] ?? 0);
  const release = releaseOf(major);
  const generation = generationOf(major, minor);
  return {
    generation,
    hasMbdx: major < 5,
    hasOldContainers: major < 8,
    keybagVersion: keybagVersionOf(major, minor),
    keybagClasses: major >= 16 ? 14 : 11,
    manifestVersion: manifestVersionOf(major),
    systemDomainsVersion: systemDomainsVersionOf(major),
    statusVersion: generation === 'mbdb' ? '2.4' : '3.3',
    buildVersion: release.buildVersion,
    productType: release.productType,
    productName: release.productName,
    udidPrefix: release.udidPrefix,
    date: new Date(`${release.date}T09:26:53Z`),
  };
}

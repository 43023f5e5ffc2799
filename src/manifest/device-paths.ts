import { asDict, asString } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import { containerDomain } from './container-domains.js';
import type { Domain, FileRef } from './types.js';

/** Where a domain lies on a device. */
interface DomainRoot {
  readonly domain: Domain;
  readonly root: string;
  /** What of the root is in the domain; all where `undefined`. */
  readonly paths?: readonly string[];
}

/**
 * Roots of the system's domains. Several share a root and divide what is below it: those with `paths` come first.
 * Facts and their sources: docs/format/folder.md.
 */
const systemRoots: readonly DomainRoot[] = [
  {
    domain: 'CameraRollDomain',
    root: '/var/mobile',
    paths: ['Media/DCIM', 'Media/PhotoData', 'Media/Memories', 'Media/MediaAnalysis', 'Media/Deferred'],
  },
  { domain: 'TonesDomain', root: '/var/mobile', paths: ['Media/iTunes_Control/Ringtones', 'Media/Purchases'] },
  { domain: 'BooksDomain', root: '/var/mobile/Media/Books' },
  {
    domain: 'MediaDomain',
    root: '/var/mobile',
    paths: [
      'Library/SMS/Attachments',
      'Library/SMS/Parts',
      'Library/SMS/StickerCache',
      'Library/SMS/Recents',
      'Library/Recordings',
      'Media',
    ],
  },
  { domain: 'KeyboardDomain', root: '/var/mobile', paths: ['Library/Keyboard'] },
  { domain: 'HomeKitDomain', root: '/var/mobile', paths: ['Library/homed'] },
  { domain: 'HealthDomain', root: '/var/mobile/Library', paths: ['Health', 'MedicalID'] },
  { domain: 'HomeDomain', root: '/var/mobile' },
  { domain: 'DatabaseDomain', root: '/var/db' },
  { domain: 'InstallDomain', root: '/var/installd' },
  { domain: 'KeychainDomain', root: '/var/Keychains' },
  { domain: 'ManagedPreferencesDomain', root: '/var/Managed Preferences' },
  { domain: 'MobileDeviceDomain', root: '/var/MobileDevice' },
  { domain: 'NetworkDomain', root: '/var/networkd' },
  { domain: 'ProtectedDomain', root: '/var/protected' },
  { domain: 'RootDomain', root: '/var/root' },
  { domain: 'SystemPreferencesDomain', root: '/var/preferences' },
  { domain: 'WirelessDomain', root: '/var/wireless' },
];

/** Translates absolute paths of the device, as links have them, to files of the backup and back. */
export class DevicePaths {
  readonly #roots: readonly DomainRoot[];

  /** `applications` is `Applications` of Manifest.plist, which knows the folders of apps; they differ on each device. */
  constructor(applications: PlistDict | undefined) {
    const containers: DomainRoot[] = [];
    for (const [id, value] of applications ?? []) {
      const entry = asDict(value);
      const path = asString(entry?.get('Path'));
      if (entry !== undefined && path?.startsWith('/') === true) {
        containers.push({ domain: containerDomain(id, entry), root: canonical(path) });
      }
    }
    this.#roots = [...containers, ...systemRoots];
  }

  /** Where a file or folder of the device is in a backup; `undefined` where no domain has it. */
  toRef(devicePath: string): FileRef | undefined {
    const path = canonical(devicePath);
    for (const { domain, root, paths } of this.#roots) {
      const relativePath = below(root, path);
      if (relativePath === undefined) continue;
      if (paths?.some((part) => below(part, relativePath) !== undefined) ?? true) return { domain, relativePath };
    }
    return undefined;
  }

  /** Folder of a domain on the device; `undefined` where it is not known. */
  rootOf(domain: Domain): string | undefined {
    return this.#roots.find((entry) => entry.domain === domain)?.root;
  }
}

/** `path` relative to `root`; `undefined` where it is not in it. */
function below(root: string, path: string): string | undefined {
  if (path === root) return '';
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
}

/** Without `.`, `..` and doubled slashes, and with the short name of /private/var. */
function canonical(path: string): string {
  const components: string[] = [];
  for (const component of path.split('/')) {
    if (component === '..') components.pop();
    else if (component !== '' && component !== '.') components.push(component);
  }
  if (components[0] === 'private' && components[1] === 'var') components.shift();
  return `/${components.join('/')}`;
}

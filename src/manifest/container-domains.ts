import { asString } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import type { Domain } from './types.js';

/** Start of a container's domain by `ContainerContentClass`. The id follows; it may have dashes itself. */
const prefixes = {
  'Data/Application': 'AppDomain-',
  'Shared/AppGroup': 'AppDomainGroup-',
  'Data/PluginKitPlugin': 'AppDomainPlugin-',
} as const;

/** The domains that the container of an app, group or extension with this id can have, the app first. */
export function containerDomains(id: string): Domain[] {
  return Object.values(prefixes).map((prefix) => `${prefix}${id}`);
}

/** The domain of one entry of `Applications` in Manifest.plist. Facts and their sources: docs/format/folder.md. */
export function containerDomain(id: string, entry: PlistDict): Domain {
  const contentClass = asString(entry.get('ContainerContentClass'));
  const known = Object.entries(prefixes).find(([name]) => name === contentClass);
  return `${known?.[1] ?? prefixes['Data/Application']}${id}`;
}

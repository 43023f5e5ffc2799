import { normalizePlist } from '../../plist/plain-input.js';
import type { PlistValue } from '../../plist/types.js';
import { gradientPng } from '../backup-builder/png.js';
import type { SeededRandom } from '../backup-builder/seeded-random.js';
import { openFolder } from './folder/open-folder.js';
import type { VirtualApp, VirtualAppSpec } from './types.js';

const iconPixels = 60;

/** Installs an app: its entry, its icon and its container. */
export async function installApp(spec: VirtualAppSpec, random: SeededRandom, now: () => Date): Promise<VirtualApp> {
  const { bundleId, type = 'User', fileSharing = true, developer = false } = spec;
  const name = spec.name ?? bundleId.split('.').at(-1) ?? bundleId;
  const own = random.fork(bundleId);
  const container = await openFolder(spec.container ?? {}, now);
  await container.makeDirectory('Documents');
  const attributes: Record<string, PlistValue> = {
    ApplicationType: type,
    CFBundleDisplayName: name,
    CFBundleExecutable: name,
    CFBundleIdentifier: bundleId,
    CFBundleName: name,
    CFBundlePackageType: 'APPL',
    CFBundleShortVersionString: spec.shortVersion ?? '1.0',
    CFBundleVersion: spec.version ?? '1',
    Container: `/private/var/mobile/Containers/Data/Application/${own.uuid()}`,
    MinimumOSVersion: '12.0',
    Path: `/private/var/containers/Bundle/Application/${own.uuid()}/${name}.app`,
    SignerIdentity: developer ? 'Apple Development: Example' : 'Apple iPhone OS Application Signing',
    UIFileSharingEnabled: fileSharing,
  };
  for (const [key, value] of Object.entries(spec.attributes ?? {})) attributes[key] = normalizePlist(value);
  return {
    bundleId,
    name,
    type,
    fileSharing,
    developer,
    container,
    icon: spec.icon ?? gradientPng(iconPixels, own.bytes(3), own.bytes(3)),
    attributes: new Map(Object.entries(attributes)),
  };
}

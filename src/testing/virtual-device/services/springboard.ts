import { asDict, asString } from '../../../plist/guards.js';
import type { PlistInput } from '../../../plist/types.js';
import { gradientPng } from '../../backup-builder/png.js';
import type { VirtualDevice, VirtualService } from '../types.js';

const dockSize = 4;
const pageSize = 24;
const wallpaperPixels = 64;

/** FORMAT facts: docs/format/lockdown.md, "springboardservices". */
export const springboard: VirtualService = {
  handler: async (connection, { device }) => {
    for (;;) {
      const message = await connection.receive();
      if (message === undefined) return;
      const request = asDict(message) ?? new Map();
      const command = asString(request.get('command'));
      // A host that arranges icons waits for no answer.
      if (command !== 'setIconState') await connection.send(answer(device, command, asString(request.get('bundleId'))));
    }
  },
};

function answer(device: VirtualDevice, command: string | undefined, bundleId: string | undefined): PlistInput {
  switch (command) {
    case 'getIconPNGData': {
      const app = device.apps.get(bundleId ?? '');
      return app === undefined ? { Error: 'The app is not installed' } : { pngData: app.icon };
    }
    case 'getIconState':
      return iconState(device);
    case 'getHomeScreenWallpaperPNGData':
      return { pngData: gradientPng(wallpaperPixels, Uint8Array.of(20, 30, 90), Uint8Array.of(120, 160, 230)) };
    case 'getInterfaceOrientation':
      return { interfaceOrientation: 1 };
    default:
      return { Error: 'The command is not known' };
  }
}

/** The dock, then the pages. */
function iconState(device: VirtualDevice): PlistInput {
  const icons = [...device.apps.values()].map(({ bundleId, name }) => ({
    bundleIdentifier: bundleId,
    displayIdentifier: bundleId,
    displayName: name,
    iconModDate: device.now(),
  }));
  const pages: PlistInput[] = [icons.slice(0, dockSize)];
  for (let at = dockSize; at < icons.length; at += pageSize) pages.push(icons.slice(at, at + pageSize));
  return pages;
}

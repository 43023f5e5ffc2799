import { asArray, asDict, asString } from '../../../plist/guards.js';
import type { PlistDict, PlistValue } from '../../../plist/types.js';
import type { ServiceConnection, VirtualApp, VirtualDevice, VirtualService } from '../types.js';

/** Apps in one message of a list. */
const pageSize = 10;

/** FORMAT facts: docs/format/lockdown.md, "installation_proxy". */
export const installationProxy: VirtualService = {
  handler: async (connection, { device }) => {
    for (;;) {
      const message = await connection.receive();
      if (message === undefined) return;
      await answer(connection, device, asDict(message) ?? new Map());
    }
  },
};

async function answer(connection: ServiceConnection, device: VirtualDevice, request: PlistDict): Promise<void> {
  const options = asDict(request.get('ClientOptions')) ?? new Map();
  switch (asString(request.get('Command'))) {
    case 'Browse':
      await browse(connection, entries(device, options));
      return;
    case 'Lookup':
      await connection.send({ LookupResult: new Map(entries(device, options)), Status: 'Complete' });
      return;
    case 'Uninstall':
      await uninstall(connection, device, asString(request.get('ApplicationIdentifier')));
      return;
    default:
      await connection.send({ Error: 'UnknownCommand', ErrorDescription: 'The command is not known' });
  }
}

async function browse(connection: ServiceConnection, list: readonly [string, PlistDict][]): Promise<void> {
  for (let at = 0; at < list.length; at += pageSize) {
    const page = list.slice(at, at + pageSize).map(([, entry]) => entry);
    await connection.send({
      CurrentAmount: page.length,
      CurrentIndex: at,
      CurrentList: page,
      Status: 'BrowsingApplications',
      Total: list.length,
    });
  }
  await connection.send({ Status: 'Complete' });
}

async function uninstall(connection: ServiceConnection, device: VirtualDevice, id: string | undefined): Promise<void> {
  if (id === undefined) {
    await connection.send({ Error: 'MissingBundleIdentifier', ErrorDescription: 'No app was named' });
    return;
  }
  const app = device.apps.get(id);
  if (app?.type === 'System') {
    await connection.send({ Error: 'UninstallProhibited', ErrorDescription: 'Apps of the system stay' });
    return;
  }
  for (const [Status, PercentComplete] of [
    ['RemovingApplication', 50],
    ['GeneratingApplicationMap', 90],
  ] as const)
    await connection.send({ Status, PercentComplete });
  // An app that is not there is as good as removed, as on a device.
  device.apps.delete(id);
  await connection.send({ Status: 'Complete' });
  device.notifications.post('com.apple.mobile.application_uninstalled');
}

/** Entries of the apps that the options ask for, with the attributes that they ask for. */
function entries(device: VirtualDevice, options: PlistDict): [string, PlistDict][] {
  const type = asString(options.get('ApplicationType')) ?? 'Any';
  const ids = texts(options.get('BundleIDs'));
  const attributes = texts(options.get('ReturnAttributes'));
  const isAsked = (app: VirtualApp): boolean =>
    (type === 'Any' || app.type === type) && (ids === undefined || ids.includes(app.bundleId));
  return [...device.apps.values()]
    .filter(isAsked)
    .map((app) => [
      app.bundleId,
      new Map([...app.attributes].filter(([key]) => attributes === undefined || attributes.includes(key))),
    ]);
}

function texts(value: PlistValue | undefined): string[] | undefined {
  return asArray(value)?.flatMap((element) => asString(element) ?? []);
}

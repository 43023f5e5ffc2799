import { asDict, asString } from '../../../plist/guards.js';
import type { VirtualFolder } from '../folder/virtual-folder.js';
import type { VirtualApp, VirtualService } from '../types.js';
import { serveAfc } from './afc.js';

/** Hands out the container of an app, or its documents, and then is AFC. FORMAT facts: docs/format/afc.md. */
export const houseArrest: VirtualService = {
  handler: async (connection, { device }) => {
    const request = asDict(await connection.receive());
    if (request === undefined) return;
    const app = device.apps.get(asString(request.get('Identifier')) ?? '');
    const folder = vend(asString(request.get('Command')), app);
    if (typeof folder === 'string') {
      await connection.send({ Error: folder });
      return;
    }
    await connection.send({ Status: 'Complete' });
    await serveAfc(connection, folder, device.productType);
  },
};

/** The folder that a command asks for, or the name of an error. */
function vend(command: string | undefined, app: VirtualApp | undefined): VirtualFolder | string {
  if (command !== 'VendDocuments' && command !== 'VendContainer') return 'UnknownCommand';
  if (app === undefined) return 'ApplicationLookupFailed';
  if (command === 'VendContainer') return app.developer ? app.container : 'InstallationLookupFailed';
  return app.fileSharing ? app.container.only('Documents') : 'InstallationLookupFailed';
}

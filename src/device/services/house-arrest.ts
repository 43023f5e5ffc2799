import type { AbortOptions } from '../../core/abort.js';
import { AfcClient } from '../afc/afc-client.js';
import { PlistChannel } from '../plist-channel.js';
import type { ServiceHost } from './service-host.js';
import { replyError } from './service-reply.js';

/* FORMAT facts: docs/format/afc.md, "house_arrest". */

const service = 'com.apple.mobile.house_arrest';

/** Options of `device.openAppFiles()`. */
export interface AppFilesOptions extends AbortOptions {
  /**
   * `documents`, the default: what an app with file sharing shows, below `/Documents`. `container`: all its data, of apps that were
   * installed by their developer.
   */
  scope?: 'documents' | 'container' | undefined;
}

/** Files of an app: the connection speaks AFC once the device has agreed. */
export async function openAppFiles(
  host: ServiceHost,
  bundleId: string,
  { scope = 'documents', signal }: AppFilesOptions,
): Promise<AfcClient> {
  const connection = await host.startService(service, { signal });
  try {
    const Command = scope === 'documents' ? 'VendDocuments' : 'VendContainer';
    const channel = new PlistChannel(connection, { service });
    const error = replyError(await channel.request({ Command, Identifier: bundleId }, { signal }), {
      service,
      udid: host.udid,
    });
    if (error !== undefined) throw error;
    return new AfcClient(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

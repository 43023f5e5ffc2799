import type { BackupSpec } from './backup-spec.js';
import { contactsStore } from './stores/contacts.js';
import { messagesStore } from './stores/messages.js';
import type { DatabaseSpec, FileSpec } from './types.js';

/** Everything that a spec puts into the domains of a device: files, and databases that are still to be made. */
export function specFiles(
  spec: Pick<BackupSpec, 'files' | 'databases' | 'messages' | 'contacts'>,
  device: { readonly ios: string | undefined; readonly phoneNumber: string },
): { readonly files: AsyncIterable<FileSpec>; readonly databases: readonly DatabaseSpec[] } {
  const { ios } = device;
  const owner = device.phoneNumber.replaceAll(/[^+\d]/g, '');
  const messages = spec.messages === undefined ? undefined : messagesStore(spec.messages, { ios, owner });
  const contacts = spec.contacts === undefined ? undefined : contactsStore(spec.contacts, { ios });
  return {
    files: joined(spec.files ?? [], messages?.files ?? []),
    databases: [...(spec.databases ?? []), ...(messages?.databases ?? []), ...(contacts?.databases ?? [])],
  };
}

async function* joined(
  ...lists: readonly (Iterable<FileSpec> | AsyncIterable<FileSpec>)[]
): AsyncGenerator<FileSpec, void, undefined> {
  for (const list of lists) yield* list;
}

/**
 * Typed records of the datasets inside a backup.
 *
 * @packageDocumentation
 */
export type * from '../datasets/types.js';
export { defineDataset, type DatasetDefinition, type DatasetStore } from '../datasets/define-dataset.js';
export type { DatasetContext, IssueReport } from '../datasets/shared/session.js';
export { readSchema, type Schema, type SchemaUnit } from '../datasets/shared/schema.js';
export { allDatasets } from '../datasets/all.js';
export { contacts } from '../datasets/contacts/contacts.js';
export { contactGroups } from '../datasets/contacts/contact-groups.js';
export type * from '../datasets/contacts/types.js';
export { messages, type MessagesOptions } from '../datasets/messages/messages.js';
export { chats } from '../datasets/messages/chats.js';
export type * from '../datasets/messages/types.js';
export type * from '../datasets/messages/app-types.js';
export type { Address, AddressKind } from '../datasets/shared/address.js';
export {
  archivedField,
  ArchivedObject,
  ArchivedText,
  type ArchivedMap,
  type ArchivedTextRun,
  type ArchivedValue,
} from '../plist/archived-value.js';
export { KeyedArchive } from '../plist/keyed-archive.js';
export * from '../plist/guards.js';
export { parsePlist } from '../plist/parse.js';
export { toPlain, type JsonValue } from '../plist/to-plain.js';
export type * from '../plist/types.js';

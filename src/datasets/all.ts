import { contactGroups } from './contacts/contact-groups.js';
import { contacts } from './contacts/contacts.js';
import { chats } from './messages/chats.js';
import { messages } from './messages/messages.js';
import type { Dataset } from './types.js';

/**
 * Every dataset of this package, for programs that take what there is. It brings all their code along: programs that want
 * some of them import these by name.
 */
export const allDatasets: readonly Dataset<object>[] = [messages, chats, contacts, contactGroups];

import type { Command } from 'commander';
import { contacts, type Contact } from '../../entry/datasets.js';
import type { CliContext } from '../context.js';
import { IssueNotes } from '../dataset-issues.js';
import { openBackup } from '../open-backup.js';
import { withBackupOptions, type BackupOptions } from '../options.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

/** Options of `contacts`. */
interface ContactsOptions extends BackupOptions {
  readonly strict?: true | undefined;
}

const columns: readonly Column<Contact>[] = [
  { title: 'Id', value: (contact) => contact.rowId, align: 'right' },
  { title: 'Name', value: (contact) => contact.displayName, flexible: true },
  { title: 'Organization', value: (contact) => contact.organization, flexible: true },
  { title: 'Phones', value: (contact) => joined(contact.phones), flexible: true },
  { title: 'E-mails', value: (contact) => joined(contact.emails), flexible: true },
  { title: 'Birthday', value: (contact) => contact.birthday },
  { title: 'Groups', value: (contact) => contact.groups.map(({ name }) => name ?? '').join(', '), flexible: true },
];

const joined = (values: Contact['phones']): string => values.map(({ value }) => value).join(', ');

/** Adds `contacts`: the address book. */
export function addContactsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('contacts')
    .summary('print the contacts')
    .description(
      'Prints the contacts of the address book, one card of one account each. --json gives all of their fields.',
    )
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in')
    .option('--strict', 'fail at the first field or row that cannot be decoded');
  withBackupOptions(command, [
    'ios-backup contacts ~/backups/00008120-0001',
    "ios-backup contacts ~/backups/00008120-0001 --json | jq -r '.phones[].value'",
  ]).action(async (path: string, options: ContactsOptions) => {
    await using opened = await openBackup(path, options, context);
    const { backup } = opened;
    const issues = new IssueNotes(context, options);
    const records = contacts(backup, { signal: context.signal, strict: options.strict, onIssue: issues.add });
    await writeRecords(records, { columns }, { output: context.output, asJson: options.json === true });
    issues.end();
  });
}

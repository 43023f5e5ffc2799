import type { Command } from 'commander';
import { messages, type Message } from '../../entry/datasets.js';
import type { CliContext } from '../context.js';
import { IssueNotes } from '../dataset-issues.js';
import { openBackup } from '../open-backup.js';
import { parseCount, parseDate, withBackupOptions, type BackupOptions } from '../options.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

/** Options of `messages`. */
interface MessagesCommandOptions extends BackupOptions {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly chat?: number | undefined;
  readonly newestFirst?: true | undefined;
  readonly strict?: true | undefined;
}

const columns: readonly Column<Message>[] = [
  { title: 'Id', value: (message) => message.rowId, align: 'right' },
  { title: 'Date', value: (message) => message.date },
  { title: 'Chat', value: (message) => message.chatIds.join(',') },
  { title: 'Service', value: (message) => message.service },
  { title: 'From', value: (message) => (message.isFromMe ? 'me' : message.sender?.address), flexible: true },
  { title: 'Text', value: textOf, flexible: true },
];

/** The text, or in brackets what there is in place of one. */
function textOf(message: Message): string {
  // U+FFFC stands for each attachment.
  const text = message.text?.replaceAll('\ufffc', '').trim() ?? '';
  const notes = message.attachments.map(({ name, mimeType }) => `[${name ?? mimeType ?? 'attachment'}]`);
  if (message.groupEvent !== undefined) notes.push(`[${message.groupEvent.kind}]`);
  if (message.bodyState === 'undecoded' || message.bodyState === 'unsent') notes.push(`[${message.bodyState}]`);
  if (message.deletion !== undefined) notes.push('[recently deleted]');
  if (text === '' && notes.length === 0) notes.push(`[${message.kind}]`);
  return [text, ...notes].filter((part) => part !== '').join(' ');
}

/** Adds `messages`: SMS, iMessage and RCS. */
export function addMessagesCommand(program: Command, context: CliContext): void {
  const command = program
    .command('messages')
    .summary('print the messages')
    .description('Prints SMS, MMS, iMessage and RCS messages, oldest first. --json gives all of their fields.')
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in')
    .option('--since <date>', 'only messages of this moment or later', parseDate('--since'))
    .option('--until <date>', 'only messages before this moment', parseDate('--until'))
    .option('--chat <id>', 'only messages of this chat', parseCount('--chat'))
    .option('--newest-first', 'newest first')
    .option('--strict', 'fail at the first field or row that cannot be decoded');
  withBackupOptions(command, [
    'ios-backup messages ~/backups/00008120-0001 --since 2024-01-01',
    "ios-backup messages ~/backups/00008120-0001 --json | jq -r 'select(.isFromMe) | .text'",
  ]).action(async (path: string, options: MessagesCommandOptions) => {
    await using opened = await openBackup(path, options, context);
    const { backup } = opened;
    const issues = new IssueNotes(context, options);
    const records = messages(backup, {
      since: options.since,
      until: options.until,
      chatId: options.chat,
      order: options.newestFirst === true ? 'newest-first' : undefined,
      signal: context.signal,
      strict: options.strict,
      onIssue: issues.add,
    });
    await writeRecords(records, { columns }, { output: context.output, asJson: options.json === true });
    issues.end();
  });
}

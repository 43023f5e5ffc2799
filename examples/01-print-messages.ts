// Prints the messages of an encrypted backup.
// IOS_BACKUP_PASSWORD=… npx tsx examples/01-print-messages.ts [my-backup]
import { Backup } from 'ios-backup-kit';
import { messages } from 'ios-backup-kit/datasets';

await using backup = await Backup.open(process.argv[2] ?? 'my-backup', {
  password: process.env['IOS_BACKUP_PASSWORD'],
});
for await (const message of messages(backup, { onIssue: (issue) => console.error(issue.message) })) {
  const who = message.isFromMe ? 'me' : (message.sender?.address ?? 'unknown');
  console.log(`${message.date?.toISOString() ?? 'no date'}  ${who}: ${message.text ?? ''}`);
}

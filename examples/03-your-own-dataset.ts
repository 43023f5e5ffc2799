// Reads a table of an app that no dataset knows yet, straight out of the encrypted backup.
// IOS_BACKUP_PASSWORD=… npx tsx examples/03-your-own-dataset.ts [my-backup]
import { Backup } from 'ios-backup-kit';

await using backup = await Backup.open(process.argv[2] ?? 'my-backup', {
  password: process.env['IOS_BACKUP_PASSWORD'],
});
for await (const file of backup.files.list({ glob: '**/*.{db,sqlite,sqlitedb,storedata}', kind: 'file' })) {
  await using database = await backup.openDatabase(file);
  console.log(file.domain, file.relativePath, (await database.tables()).join(' '));
}

// Extracts the camera roll to a folder, with original names and times, and says what could not be extracted.
// IOS_BACKUP_PASSWORD=… npx tsx examples/02-extract-photos.ts [my-backup] [photos]
import { Backup } from 'ios-backup-kit';

const [path = 'my-backup', target = 'photos'] = process.argv.slice(2);
await using backup = await Backup.open(path, { password: process.env['IOS_BACKUP_PASSWORD'] });
const report = await backup.extract(target, { domain: 'CameraRollDomain', pathPrefix: 'Media/DCIM' });
console.log(report);

// Keeps versions of a backup, says what each costs, and reads one straight out of the store.
// IOS_BACKUP_PASSWORD=… npx tsx examples/05-versions.ts [my-backup] [my-versions]
import { Backup } from 'ios-backup-kit';
import { messages } from 'ios-backup-kit/datasets';
import { SnapshotStore } from 'ios-backup-kit/snapshot';

const [path = 'my-backup', location = 'my-versions'] = process.argv.slice(2);
const password = process.env['IOS_BACKUP_PASSWORD'];
const { udid } = await Backup.inspect(path);
if (udid === undefined) throw new Error(`${path} names no device`);

await using store = await SnapshotStore.open(location, { create: true, password });
const device = store.device(udid);
// A backup that lies elsewhere; `backUpDevice(device, { to: store })` makes one, `device.capture()` keeps the newest as it is.
await device.import(path, { note: 'by an example' });

const { devices } = await store.usage({ perVersion: true });
const costs = new Map(devices.flatMap(({ versions }) => versions.map(({ id, ownBytes }) => [id, ownBytes] as const)));
for (const { id, created, bytes, note } of await device.list())
  console.log(`${id}  ${created.toISOString()}  own ${costs.get(id) ?? 0} of ${bytes} bytes  ${note ?? ''}`);

await using version = await store.at(udid, new Date());
await using backup = await Backup.open(version, { password });
let count = 0;
for await (const _message of messages(backup)) count += 1;
console.log(`${count} messages in ${version.info.id}`);

// Backs a device up as a program that uses the package does. Arguments: UDID, folder, durable or not.
import { backUpDevice, directorySink } from 'ios-backup-kit/backup';
import { Device } from 'ios-backup-kit/device';

const [udid, folder, durability] = process.argv.slice(2);
const device = await Device.connect(udid);
const sink = directorySink(folder, { udid, durable: durability === 'durable' });
const result = await backUpDevice(device, { to: sink });
await sink.close();
await device.close();
console.log(JSON.stringify(result));

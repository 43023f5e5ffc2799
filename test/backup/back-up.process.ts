// A process that backs up the device at USBMUXD_SOCKET_ADDRESS into the folder that is given, to be killed by a test.
import { backUpDevice } from '../../src/backup/back-up-device.js';
import { Device } from '../../src/device/device.js';

const [folder = ''] = process.argv.slice(2);
await using device = await Device.connect();
await backUpDevice(device, { to: folder });

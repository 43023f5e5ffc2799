// A process with a virtual device that holds COUNT files of SIZE bytes each; says its address and UDID in one line. Asked
// over its channel to the parent, it tells what CPU time it has taken so far, in milliseconds.
import { createVirtualDevice } from '../../src/entry/testing.js';

const [count = 0, size = 0] = process.argv.slice(2).map(Number);
const device = await createVirtualDevice({
  ios: '15.7',
  seed: `${count} of ${size}`,
  fileSystem(files) {
    for (let index = 0; index < count; index += 1) {
      const name = String(index).padStart(7, '0');
      files.add({
        domain: 'CameraRollDomain',
        relativePath: `Media/DCIM/${name.slice(0, 5)}/${name}`,
        content: { size },
      });
    }
  },
});
console.log(JSON.stringify({ address: device.address, udid: device.udid }));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.((user + system) / 1000);
});
process.on('SIGTERM', () => void device.close());

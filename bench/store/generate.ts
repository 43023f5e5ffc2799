// tsx bench/store/generate.ts FOLDER [--scale 0.05] [--seed store] [--encrypted] [--files N] [--small]
// Makes the first backup of a phone in FOLDER/location/<UDID>, and in FOLDER/device what the phone itself knows.
import { parseArgs } from 'node:util';
import { Device } from './device.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string' },
    encrypted: { type: 'boolean', default: false },
    files: { type: 'string' },
    small: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Usage: generate.ts FOLDER [options]');
const device = await Device.create(folder, {
  scale: Number(values.scale),
  seed: values.seed,
  encrypted: values.encrypted,
  files: values.files === undefined ? undefined : Number(values.files),
  small: values.small,
});
console.log(device.backup);

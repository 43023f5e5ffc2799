// Opens a version as a folder, and prints what that took from the start of the process to the open folder. With `digest`: what is
// in the folder instead.
import { readFileSync } from 'node:fs';
import { digestOf } from './digest.mjs';
import { args, device, store } from './store.mjs';

const [id, mode] = args;
const folder = await device.openFolder(id);
const seconds = performance.now() / 1000;
const { user, system } = process.cpuUsage();

/** On Linux, `maxRSS` of a process begins with what its parent had. */
function peakMiB() {
  try {
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kibibytes) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

const usage = { seconds, cpu: (user + system) / 1e6, peakMiB: peakMiB() };
console.log(JSON.stringify(mode === 'digest' ? { digest: digestOf(folder.path) } : usage));
await folder.close();
await store.close();

// What every task prints: one line of JSON with its time, the CPU time meanwhile, and its peak of memory, all of this process alone.
import { readFileSync } from 'node:fs';

let cpuMilliseconds = 0;

export function report(milliseconds, extra = {}) {
  console.log(JSON.stringify({ milliseconds, cpuMilliseconds, peakMiB: peakMiB(), ...extra }));
}

export async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  cpuMilliseconds += (user + system) / 1000;
  return [milliseconds, result];
}

/** On Linux, `maxRSS` of a process begins with what its parent had. */
function peakMiB() {
  try {
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kibibytes) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

// What every task prints: one line of JSON with its time and its peak of memory, both of this process alone.
export function report(milliseconds, extra = {}) {
  console.log(JSON.stringify({ milliseconds, peakMiB: process.resourceUsage().maxRSS / 1024, ...extra }));
}

export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

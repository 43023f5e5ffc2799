/**
 * Starts to count the CPU time of this process; calling it gives that in milliseconds. For what must not take quadratic or endless
 * time: other work on the machine does not count, and bounds lie an order of magnitude above what is usual.
 */
export function cpuTimer(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}

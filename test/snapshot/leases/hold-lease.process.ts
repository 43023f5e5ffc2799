import { createInterface } from 'node:readline';
import { isBackupKitError } from '../../../src/core/errors.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { FileLeaseManager } from '../../../src/snapshot/leases/file-lease-manager.js';
import type { Lease } from '../../../src/snapshot/leases/lease-manager.js';

/*
 * A program that takes and gives back leases as it is told on standard input, one command a line:
 * `acquire <scope> <mode> <wait>`, `check`, `release`. Answers each with a line: `ok`, or the code of the error.
 */
const [folder = '', beatMs = '', staleMs = ''] = process.argv.slice(2);
const manager = new FileLeaseManager({
  fs: nodeFs,
  folder,
  timings: { beatMs: Number(beatMs), staleMs: Number(staleMs), pollMs: 20, settleMs: 100 },
});
let lease: Lease | undefined;

async function run(line: string): Promise<void> {
  const [command, scope = '', mode, wait] = line.split(' ');
  if (command === 'acquire') {
    const purpose = 'a test';
    lease = await manager.acquire({ scope, mode: mode as 'exclusive' | 'shared', purpose, wait: Number(wait) });
  } else if (command === 'check') lease?.check();
  else await lease?.release();
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(line).then(
    () => 'ok',
    (error: unknown) => (isBackupKitError(error) ? error.code : String(error)),
  );
  process.stdout.write(`${answer}\n`);
}

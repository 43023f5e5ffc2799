import { createInterface } from 'node:readline';
import { isBackupKitError } from '../../src/core/errors.js';
import { utf8Encode } from '../../src/core/bytes.js';
import { nodeFs } from '../../src/snapshot/fs/node-fs.js';
import { FileLeaseManager } from '../../src/snapshot/leases/file-lease-manager.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';

/*
 * A program that has a run of a device open: `begin`, `write <path> <content>`, `commit`, `close`, each a line on standard
 * input, answered with `ok` or the code of the error.
 */
const [location = '', udid = '', beatMs = '', staleMs = ''] = process.argv.slice(2);
const leases = new FileLeaseManager({
  fs: nodeFs,
  folder: `${location}/.ios-backup-kit/locks`,
  timings: { beatMs: Number(beatMs), staleMs: Number(staleMs), pollMs: 20, settleMs: 50 },
});
const store = await SnapshotStore.open(location, { create: true, leases });
let sink: Awaited<ReturnType<typeof store.begin>> | undefined;

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

async function run(line: string): Promise<void> {
  const [command, path = '', content = ''] = line.split(' ');
  if (command === 'begin') sink = await store.begin(udid, { wait: 20_000 });
  else if (command === 'write') await sink?.write(`${udid}/${path}`, once(content));
  else if (command === 'commit') await sink?.commit();
  else await sink?.close();
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(line).then(
    () => 'ok',
    (error: unknown) => (isBackupKitError(error) ? error.code : String(error)),
  );
  process.stdout.write(`${answer}\n`);
}

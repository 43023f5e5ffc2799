import { isBackupKitError } from '../../src/core/errors.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { quickFs } from './faulty-fs.js';

/*
 * A program that compacts and purges the store of a location until it is killed. Says each time what it has done.
 */
const [location = ''] = process.argv.slice(2);
const store = await SnapshotStore.open(location, { fs: quickFs });
process.stdout.write('ready\n');
for (let round = 0; ; round += 1) {
  try {
    const report = await store.compact({ tuning: { deltaBytes: 64 * 1024, packBytes: 16 * 1024 } });
    process.stdout.write(`${report.deltas + report.packed} ${report.damaged.length}\n`);
    if (round % 2 === 1) await store.purge();
  } catch (error) {
    if (!isBackupKitError(error, 'SNAPSHOT_LOCKED')) throw error;
  }
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { versionsOf } from './churn.js';
import { compactFaultTests } from './compact-faults-suite.js';
import { expectAll, fullFs, halfDead, openAlone, plainStore, tuning, type Versions } from './compact-support.js';
import { quickFs } from './faulty-fs.js';
import { sealedDays } from './sealed-support.js';
import { udid } from './support.js';

// A part of the calls; all of them in compact-faults.slow.test.ts.
compactFaultTests({ every: 7 });

it('keeps the old packs where a purge has no room for new ones', async () => {
  const location = await temporaryFolder();
  const versions = await plainStore(location);
  const disk = fullFs();
  await using store = await halfDead(location, versions, disk.fs);
  const device = store.device(udid);
  const packs = (): string[] =>
    readdirSync(join(location, '.ios-backup-kit', 'packs'), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.pk'));
  const before = packs();
  [disk.grown, disk.fullAt] = [0, 1];
  await store.purge();
  disk.fullAt = Infinity;
  expect(packs()).toEqual(before);
  expect(await versionsOf(device)).toEqual(versions);
  await store.purge();
  expect(packs()).not.toEqual(before);
  expect(await versionsOf(device)).toEqual(versions);
});

it('copies sealed entries into new packs without a key', async () => {
  const location = await temporaryFolder();
  let versions: Versions;
  {
    await using store = await openAlone(location);
    const ids = await sealedDays(store, udid, { days: 4, pages: 32 });
    await store.compact({ tuning: { ...tuning, packBytes: 1024 * 1024 } });
    await store.device(udid).delete([ids[0] ?? '', ids[1] ?? ''], { permanently: true });
    versions = await versionsOf(store.device(udid));
  }
  {
    const leases = new MemoryLeaseManager();
    await using store = await SnapshotStore.open(location, { isolation: 'link', fs: quickFs, leases });
    expect((await store.purge()).freedBytes).toBeGreaterThan(0);
  }
  await expectAll(location, versions);
});

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { versionsOf } from './churn.js';
import { expectAll, fullFs, halfDead, openAlone, plainStore, tuning, type Versions } from './compact-support.js';
import { cloneFolder, leftovers, quietly } from './crash-support.js';
import { FaultyFs } from './faulty-fs.js';
import { sealedDays } from './sealed-support.js';
import { udid } from './support.js';

/** Runs `work` on copies of a store, each time killed some calls later, and looks whether all versions are there. */
async function killEverywhere(
  template: string,
  versions: Versions,
  { work, every, power }: { work: (store: SnapshotStore) => Promise<unknown>; every: number; power: boolean },
): Promise<number> {
  // Other calls with a loss of power than without.
  for (let at = power ? every : Math.ceil(every / 2); ; at += every) {
    const location = join(await temporaryFolder(), 'copy');
    cloneFolder(template, location);
    // Leases in memory make no calls, so that opening makes none but those of looking at the disk.
    const probe = new FaultyFs();
    await (await openAlone(location, probe.fs)).close();
    const faulty = new FaultyFs({ at: probe.calls + at, kind: 'dies' }, { volume: false });
    faulty.syncAll(location);
    const store = await openAlone(location, faulty.fs);
    await quietly(async () => await work(store));
    await quietly(async () => {
      await store.close();
    });
    if (power) faulty.losePower(location);
    await expectAll(location, versions);
    await rm(location, { recursive: true });
    if (!faulty.died) return at;
  }
}

/** Stops compacting and purging at every n-th call that changes the disk, or lets the disk be full from there on. */
export function compactFaultTests({ every }: { every: number }): void {
  it.each([false, true])(
    'loses nothing wherever compacting is killed, with a loss of power: %s',
    { timeout: 300_000 },
    async (power) => {
      const template = await temporaryFolder();
      const versions = await plainStore(template);
      const work = async (store: SnapshotStore): Promise<unknown> => await store.compact({ tuning });
      expect(await killEverywhere(template, versions, { work, every, power })).toBeGreaterThan(20);
    },
  );

  it('loses nothing wherever a purge that rewrites packs is killed', { timeout: 300_000 }, async () => {
    const template = await temporaryFolder();
    const versions = await plainStore(template);
    await (await halfDead(template, versions)).close();
    const work = async (store: SnapshotStore): Promise<unknown> => await store.purge();
    expect(await killEverywhere(template, versions, { work, every, power: true })).toBeGreaterThan(8);
  });

  it('loses nothing wherever compacting an encrypted backup is killed', { timeout: 300_000 }, async () => {
    const template = await temporaryFolder();
    let versions: Versions;
    {
      await using store = await openAlone(template);
      await sealedDays(store, udid, { days: 2, pages: 32 });
      versions = await versionsOf(store.device(udid));
    }
    const work = async (store: SnapshotStore): Promise<unknown> => await store.compact({ tuning });
    expect(await killEverywhere(template, versions, { work, every: 3 * every, power: true })).toBeGreaterThan(10);
  });

  it('says so on a full disk, and leaves everything as it was', { timeout: 120_000 }, async () => {
    const template = await temporaryFolder();
    const versions = await plainStore(template);
    for (let fullAt = 1; ; fullAt += every) {
      const location = join(await temporaryFolder(), 'copy');
      cloneFolder(template, location);
      const disk = fullFs();
      const store = await openAlone(location, disk.fs);
      [disk.grown, disk.fullAt] = [0, fullAt];
      const failure = await quietly(async () => await store.compact({ tuning }));
      if (failure !== undefined) expect(failure).toMatchObject({ code: 'IO_NO_SPACE' });
      expect(leftovers(location)).toEqual([]);
      expect(await versionsOf(store.device(udid))).toEqual(versions);
      await store.close();
      await expectAll(location, versions);
      if (failure === undefined) break;
    }
  });
}

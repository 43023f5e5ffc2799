import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { pageOf, runOf, versionsOf } from './churn.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

/** What happens to a database from one day to the next. */
const day = fc.record({
  edits: fc.array(fc.tuple(fc.nat(40), fc.nat(5)), { maxLength: 5 }),
  pages: fc.integer({ min: 18, max: 34 }),
  tail: fc.nat(4095),
  compacts: fc.boolean(),
  purges: fc.boolean(),
  deletes: fc.option(fc.nat(6), { nil: undefined }),
});

it('gives back random databases, whatever was edited, cut, compacted and deleted', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(day, { minLength: 3, maxLength: 9 }),
      fc.constantFrom(1, 2, 32),
      async (days, chainLinks) => {
        const location = await temporaryFolder();
        const leases = new MemoryLeaseManager();
        await using store = await SnapshotStore.open(location, { create: true, fs: quickFs, leases });
        const device = store.device(udid);
        const tuning = { deltaBytes: 64 * 1024, packBytes: 20_000, chainLinks };
        const pages = Array.from({ length: 64 }, (_, index) => index * 10);
        let expected = new Map<string, Record<string, string>>();
        for (const { edits, pages: count, tail, compacts, purges, deletes } of days) {
          for (const [page, value] of edits) pages[page] = page * 10 + value;
          const content = new Uint8Array(count * 4096 - tail);
          for (let page = 0; page < count; page += 1)
            content.set(pageOf(pages[page] ?? 0).subarray(0, content.length - page * 4096), page * 4096);
          await runOf(store, udid, { 'ab/x': content });
          expected = new Map([...(await versionsOf(device)), ...expected]);
          const gone = deletes === undefined ? undefined : (await device.list())[deletes];
          if (gone !== undefined && expected.size > 1) {
            await device.delete([gone.id], { permanently: true });
            expected.delete(gone.id);
          }
          if (compacts)
            expect(await store.compact({ tuning })).toMatchObject({ damaged: [], waiting: 0, complete: true });
          if (purges) await store.purge();
          expect(Object.fromEntries(await versionsOf(device))).toEqual(Object.fromEntries(expected));
        }
      },
    ),
    { numRuns: 25 },
  );
});

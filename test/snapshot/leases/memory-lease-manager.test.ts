import { expect, test } from 'vitest';
import { MemoryLeaseManager } from '../../../src/snapshot/leases/memory-lease-manager.js';

const store = { scope: 'store', purpose: 'a test' } as const;

test('exclusive leases keep all away, shared ones go together', async () => {
  const leases = new MemoryLeaseManager();
  const lease = await leases.acquire({ ...store, mode: 'exclusive' });
  const locked = { code: 'SNAPSHOT_LOCKED', holder: 'this process (a test)' };
  await expect(leases.acquire({ ...store, mode: 'exclusive' })).rejects.toMatchObject(locked);
  await expect(leases.acquire({ ...store, mode: 'shared', wait: 20 })).rejects.toMatchObject(locked);
  lease.check();
  const waiting = leases.acquire({ ...store, mode: 'shared', wait: 10_000 });
  await lease.release();
  await lease.release();
  expect(() => {
    lease.check();
  }).toThrow(expect.objectContaining({ code: 'SNAPSHOT_LEASE_LOST' }));
  const shared = [await waiting, await leases.acquire({ ...store, mode: 'shared' })];
  expect(await leases.held()).toEqual(new Map([['store', ['this process (a test)', 'this process (a test)']]]));
  await expect(leases.acquire({ ...store, mode: 'exclusive' })).rejects.toMatchObject(locked);
  for (const one of shared) await one.release();
  await leases.acquire({ ...store, mode: 'exclusive' });
  await leases.acquire({ ...store, scope: 'device-1', mode: 'exclusive' });
});

test('a signal ends the wait with its reason', async () => {
  const leases = new MemoryLeaseManager();
  await leases.acquire({ ...store, mode: 'exclusive' });
  const controller = new AbortController();
  const reason = new Error('stop');
  const waiting = leases.acquire({ ...store, mode: 'shared', wait: 10_000, signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { holders } from './holders.js';
import { raceTests } from './race-suite.js';
import { leaseFolder } from './support.js';

// A hundred rounds in processes.slow.test.ts.
raceTests(25);

test('a killed process loses its leases at once, of both kinds, though nobody waited for its beats', async () => {
  const [first, second] = await holders(2, leaseFolder());
  expect(await first?.ask('acquire a exclusive 0')).toBe('ok');
  expect(await first?.ask('acquire b shared 0')).toBe('ok');
  expect(await second?.ask('acquire a exclusive 0')).toBe('SNAPSHOT_LOCKED');
  expect(await second?.ask('acquire b exclusive 0')).toBe('SNAPSHOT_LOCKED');
  await first?.kill();
  expect(await second?.ask('acquire a exclusive 0')).toBe('ok');
  expect(await second?.ask('acquire b exclusive 0')).toBe('ok');
});

test('a process that stands still loses its lease, and finds that out when it goes on', async () => {
  const [sleeper, waiter] = await holders(2, leaseFolder(), { beatMs: 50, staleMs: 600 });
  expect(await sleeper?.ask('acquire device-1 exclusive 0')).toBe('ok');
  // As long as it beats, waiting for longer than a stale lease is of no use.
  expect(await waiter?.ask('acquire device-1 exclusive 1200')).toBe('SNAPSHOT_LOCKED');
  expect(await sleeper?.ask('check')).toBe('ok');

  sleeper?.process.kill('SIGSTOP');
  expect(await waiter?.ask('acquire device-1 exclusive 10000')).toBe('ok');
  sleeper?.process.kill('SIGCONT');
  await setTimeout(200);
  expect(await sleeper?.ask('check')).toBe('SNAPSHOT_LEASE_LOST');
  expect(await sleeper?.ask('release')).toBe('ok');
  expect(await waiter?.ask('check')).toBe('ok');
  expect(await sleeper?.ask('acquire device-1 exclusive 0')).toBe('SNAPSHOT_LOCKED');
});

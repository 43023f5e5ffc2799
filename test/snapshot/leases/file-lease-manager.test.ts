import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';
import { parseLeaseName, readLease } from '../../../src/snapshot/leases/lease-file.js';
import type { Lease, LeaseOptions } from '../../../src/snapshot/leases/lease-manager.js';
import { leaseFolder, manager, processes, removeFolders, someone, TestClock, withoutLinks } from './support.js';

afterAll(removeFolders);

const alone = (options: Partial<LeaseOptions> = {}): LeaseOptions => ({
  scope: 'store',
  mode: 'exclusive',
  purpose: 'a purge',
  ...options,
});
const together = (options: Partial<LeaseOptions> = {}): LeaseOptions =>
  alone({ mode: 'shared', purpose: 'a run', ...options });
const locked = { code: 'SNAPSHOT_LOCKED' };
const lost = expect.objectContaining({ code: 'SNAPSHOT_LEASE_LOST' });
const files = (folder: string): string[] => readdirSync(folder).toSorted();

describe.each<[string, StoreFs]>([
  ['with links', nodeFs],
  ['without links', withoutLinks],
])('on a disk %s', (_name, fs) => {
  test('an exclusive lease keeps all others away until it is released', async () => {
    const folder = leaseFolder();
    const [a, b] = [manager(folder, { fs }).manager, manager(folder, { fs }).manager];
    const lease = await a.acquire(alone());
    expect(files(folder)).toEqual(['store.exclusive-1']);
    for (const options of [alone(), together()])
      for (const other of [a, b])
        await expect(other.acquire(options)).rejects.toMatchObject({
          ...locked,
          holder: 'process 4711 on here (a purge)',
          transient: true,
        });
    lease.check();
    const other = await b.acquire(alone({ scope: 'device-1' }));
    await other.release();
    await lease.release();
    await lease.release();
    expect(() => {
      lease.check();
    }).toThrow(lost);
    expect(files(folder)).toEqual([]);
    await (await b.acquire(alone())).release();
  });

  test('shared leases go together and keep an exclusive one away', async () => {
    const folder = leaseFolder();
    const { manager: leases } = manager(folder, { fs });
    const [a, b] = [await leases.acquire(together()), await leases.acquire(together())];
    await expect(leases.acquire(alone())).rejects.toMatchObject({ ...locked, holder: 'process 4711 on here (a run)' });
    await a.release();
    await expect(leases.acquire(alone())).rejects.toMatchObject(locked);
    b.check();
    await b.release();
    await (await leases.acquire(alone())).release();
    expect(files(folder)).toEqual([]);
  });

  test('of ten that try at once, a hundred times, exactly one wins', async () => {
    const folder = leaseFolder();
    const racers = Array.from({ length: 10 }, () => manager(folder, { fs }).manager);
    for (let round = 0; round < 100; round += 1) {
      const results = await Promise.allSettled(racers.map(async (racer) => await racer.acquire(alone())));
      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(winners).toHaveLength(1);
      await winners[0]?.release();
    }
  });

  test('a dead holder is taken over at once, by one', async () => {
    const folder = leaseFolder();
    const victim = await manager(folder, { fs, processes: processes({ pid: 99 }) }).manager.acquire(alone());
    const watch = processes({ pid: 1 }, new Set([99]));
    const racers = Array.from({ length: 10 }, () => manager(folder, { fs, processes: watch }).manager);
    const results = await Promise.allSettled(racers.map(async (racer) => await racer.acquire(alone())));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(files(folder)).toEqual(['store.exclusive-2']);
    expect(() => {
      victim.check();
    }).toThrow(lost);
    await victim.release();
    expect(files(folder)).toEqual(['store.exclusive-2']);
  });

  test('what a dead process has left is taken away: drafts and shared leases', async () => {
    const folder = leaseFolder();
    await manager(folder, { fs, processes: processes({ pid: 99 }) }).manager.acquire(together());
    const [name = ''] = files(folder);
    writeFileSync(join(folder, name.replace('shared', 'draft')), readFileSync(join(folder, name)));
    await manager(folder, { fs, processes: processes({}, new Set([99])) }).manager.acquire(alone());
    expect(files(folder)).toEqual(['store.exclusive-1']);
  });
});

describe('a holder elsewhere', () => {
  const elsewhere = processes({ machine: 'machine-2', host: 'there', pid: 4711 });

  test('that beats is waited for in vain', async () => {
    const folder = leaseFolder();
    const clock = new TestClock();
    const lease = await manager(folder, { clock, processes: elsewhere }).manager.acquire(alone());
    await expect(manager(folder, { clock }).manager.acquire(alone({ wait: 1_000_000 }))).rejects.toMatchObject({
      ...locked,
      holder: 'process 4711 on there (a purge)',
    });
    lease.check();
    expect(nodeFs.facts(join(folder, 'store.exclusive-1'))?.size).toBeLessThan(600);
  });

  test.each([
    ['exclusive', 'exclusive'],
    ['exclusive', 'shared'],
    ['shared', 'exclusive'],
  ] as const)(
    'with an %s lease that stands still loses it after 90 s to one that wants a %s one',
    async (mine, theirs) => {
      const folder = leaseFolder();
      const frozen = await manager(folder, { processes: elsewhere }).manager.acquire(alone({ mode: mine }));
      const { manager: leases, clock } = manager(folder);
      const start = clock.now();
      await expect(leases.acquire(alone({ mode: theirs, wait: 89_000 }))).rejects.toMatchObject(locked);
      const lease = await leases.acquire(alone({ mode: theirs, wait: 5000 }));
      expect(clock.now() - start).toBeGreaterThanOrEqual(90_000);
      expect(clock.now() - start).toBeLessThan(91_000);
      expect(() => {
        frozen.check();
      }).toThrow(lost);
      lease.check();
    },
  );

  test('that beats just before the end of the time keeps its lease', async () => {
    const folder = leaseFolder();
    const holder = manager(folder, { processes: elsewhere });
    const lease = await holder.manager.acquire(alone());
    const { manager: leases } = manager(folder);
    await expect(leases.acquire(alone({ wait: 89_900 }))).rejects.toMatchObject(locked);
    holder.clock.pass(10_000);
    await expect(leases.acquire(alone({ wait: 80_000 }))).rejects.toMatchObject(locked);
    lease.check();
  });

  test('counts as silent only while it was watched: a computer that slept as a whole takes nothing over', async () => {
    const folder = leaseFolder();
    const holder = manager(folder, { processes: elsewhere });
    const lease = await holder.manager.acquire(alone());
    const { manager: leases, clock } = manager(folder);
    await expect(leases.acquire(alone())).rejects.toMatchObject(locked);
    clock.freeze(8 * 3_600_000);
    holder.clock.freeze(8 * 3_600_000);
    await expect(leases.acquire(alone())).rejects.toMatchObject(locked);
    lease.check();
  });

  test('is not touched by jumps of the clock of the wall', async () => {
    const folder = leaseFolder();
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    try {
      const lease = await manager(folder, { processes: elsewhere }).manager.acquire(alone());
      vi.setSystemTime(new Date('2099-01-01'));
      nodeFs.setTime(join(folder, 'store.exclusive-1'), 0);
      await expect(manager(folder).manager.acquire(alone({ wait: 80_000 }))).rejects.toMatchObject(locked);
      lease.check();
    } finally {
      vi.useRealTimers();
    }
  });

  test('that works without a turn of the event loop beats with each check', async () => {
    const folder = leaseFolder();
    const holder = manager(folder, { processes: elsewhere });
    const lease = await holder.manager.acquire(alone());
    const { manager: leases } = manager(folder);
    for (let i = 0; i < 5; i += 1) {
      await expect(leases.acquire(alone({ wait: 60_000 }))).rejects.toMatchObject(locked);
      holder.clock.freeze(60_000);
      lease.check();
    }
  });
});

test('a slow program that takes over what was taken over and given back already harms no new holder', async () => {
  const folder = leaseFolder();
  await manager(folder, { processes: processes({ pid: 99 }) }).manager.acquire(alone());
  const watch = processes({ pid: 1 }, new Set([99]));
  const { manager: quick } = manager(folder, { processes: watch });
  let lease: Promise<Lease> | undefined;
  // Between the look of the slow one and its file.
  const fs: StoreFs = {
    ...nodeFs,
    create(path, mode) {
      void quick.acquire(alone());
      nodeFs.unlink(join(folder, 'store.exclusive-2'));
      lease = quick.acquire(alone({ purpose: 'the quick one' }));
      expect(files(folder)).toEqual(['store.exclusive-1']);
      return nodeFs.create(path, mode);
    },
  };
  const slow = manager(folder, { fs, processes: watch });
  const start = slow.clock.now();
  await expect(slow.manager.acquire(alone())).rejects.toMatchObject({
    ...locked,
    holder: 'process 1 on here (the quick one)',
  });
  // At once: two that wait for each other would do so to the end.
  expect(slow.clock.now()).toBe(start);
  (await lease)?.check();
  expect(files(folder)).toEqual(['store.exclusive-1']);
});

describe('waiting', () => {
  test('who waits gets the lease when it is free, and a signal ends the wait with its reason', async () => {
    const folder = leaseFolder();
    const holder = manager(folder);
    const lease = await holder.manager.acquire(together());
    const clock = new TestClock();
    const sleep = vi.spyOn(clock, 'sleep');
    const { manager: leases } = manager(folder, { clock });
    const reason = new Error('stop');
    await expect(leases.acquire(alone({ wait: 1000, signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const controller = new AbortController();
    sleep.mockImplementationOnce(async () => {
      controller.abort(reason);
      controller.signal.throwIfAborted();
    });
    await expect(leases.acquire(alone({ wait: 1000, signal: controller.signal }))).rejects.toBe(reason);
    expect(files(folder)).toHaveLength(1);
    sleep.mockImplementationOnce(async () => {
      // While an exclusive one waits, no more shared ones come: it would wait for ever.
      await expect(holder.manager.acquire(together())).rejects.toMatchObject(locked);
      await lease.release();
    });
    (await leases.acquire(alone({ wait: 1000 }))).check();
  });

  test('a scope that is no name, and a wait that is no time, are refused', async () => {
    const { manager: leases } = manager(leaseFolder());
    for (const scope of ['', '../x', 'a.b', 'a/b', 'x'.repeat(129)])
      await expect(leases.acquire(alone({ scope }))).rejects.toThrow(TypeError);
    await expect(leases.acquire(alone({ wait: -1 }))).rejects.toThrow(RangeError);
    await expect(leases.acquire(alone({ wait: Number.NaN }))).rejects.toThrow(RangeError);
  });

  test('a disk that refuses is a typed error', async () => {
    const fs: StoreFs = {
      ...nodeFs,
      create() {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      },
    };
    const { manager: leases } = manager(leaseFolder(), { fs });
    for (const options of [alone(), together()])
      await expect(leases.acquire(options)).rejects.toMatchObject({ code: 'IO_NO_SPACE' });
  });
});

test('who holds what is told; the dead hold nothing', async () => {
  const folder = leaseFolder();
  const { manager: leases } = manager(folder, { processes: processes({}, new Set([99])) });
  expect(await leases.held()).toEqual(new Map());
  await leases.acquire(together({ scope: 'version-1' }));
  await leases.acquire(together({ scope: 'version-1', purpose: 'reading' }));
  await leases.acquire(alone({ scope: 'device-1' }));
  await manager(folder, { processes: processes({ pid: 99 }) }).manager.acquire(alone({ scope: 'version-2' }));
  const held = await leases.held();
  expect([...held.keys()].toSorted()).toEqual(['device-1', 'version-1']);
  expect(held.get('version-1')?.toSorted()).toEqual(['process 4711 on here (a run)', 'process 4711 on here (reading)']);
});

describe('lease files from elsewhere', () => {
  const hostile: [string, string | Uint8Array][] = [
    ['nothing', ''],
    ['zeros', new Uint8Array(100_000)],
    ['no JSON', '{"token":\n'],
    ['a long line', 'x'.repeat(1_000_000)],
    ['another value', '[1]\n'],
    ['a group of processes', `${JSON.stringify({ token: 'x', ...someone, pid: -1 })}\n`],
    ['nesting', '['.repeat(50_000)],
  ];
  test.each(hostile)('with %s are held by an unknown one, for 90 s', async (_name, content) => {
    const folder = leaseFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, 'store.exclusive-7'), content);
    const { manager: leases } = manager(folder);
    await expect(leases.acquire(alone({ wait: 80_000 }))).rejects.toMatchObject({
      ...locked,
      holder: 'a program that did not say which',
    });
    await leases.acquire(alone({ wait: 20_000 }));
    expect(files(folder)).toEqual(['store.exclusive-8']);
  });

  test('that are folders or links, and other names, are no leases', async () => {
    const folder = leaseFolder();
    mkdirSync(join(folder, 'store.exclusive-1'), { recursive: true });
    symlinkSync('/dev/zero', join(folder, 'store.shared-00000000-0000-0000-0000-000000000000'));
    for (const name of [
      'store.exclusive-0',
      'store.exclusive-01',
      'store.exclusive-',
      'x',
      'store.shared-x',
      '.DS_Store',
    ])
      writeFileSync(join(folder, name), '');
    (await manager(folder).manager.acquire(alone())).check();
    expect(files(folder)).toContain('store.exclusive-2');
  });

  test('with the last number must be removed by hand', async () => {
    const folder = leaseFolder();
    mkdirSync(join(folder, 'store.exclusive-999999'), { recursive: true });
    await expect(manager(folder).manager.acquire(alone())).rejects.toMatchObject({
      ...locked,
      holder: expect.stringContaining('by hand') as string,
    });
  });

  test('do not speak to the terminal', async () => {
    const folder = leaseFolder();
    await manager(folder).manager.acquire(alone({ purpose: `\u001B[2J\n${'x'.repeat(1000)}` }));
    const error: unknown = await manager(folder)
      .manager.acquire(alone())
      .catch((error: unknown) => error);
    const { holder = '' } = error as { holder?: string };
    expect(holder).toMatch(/^process 4711 on here \( {1}\[2J {1}x+\)$/);
    expect(holder.length).toBeLessThan(300);
  });

  test('of any content never throw', () => {
    const folder = leaseFolder();
    mkdirSync(folder);
    const path = join(folder, 'file');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(`${text}\n`)),
        ),
        (bytes) => {
          writeFileSync(path, bytes);
          expect(readLease(nodeFs, path)).toBeDefined();
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), (name) => {
        const parts = parseLeaseName(name);
        expect(parts === undefined || name.startsWith(`${parts.scope}.`)).toBe(true);
      }),
    );
  });
});

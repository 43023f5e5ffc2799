import { describe, expect, test } from 'vitest';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { holders } from './holders.js';
import { leaseFolder } from './support.js';

/** Lets processes race for leases, `rounds` times each. */
export function raceTests(rounds: number): void {
  describe('between processes', () => {
    test(`of four that try at once, ${rounds} times, exactly one wins`, async () => {
      const folder = leaseFolder();
      const racers = await holders(4, folder);
      for (let round = 0; round < rounds; round += 1) {
        const answers = await Promise.all(
          racers.map(async (racer) => await racer.ask(`acquire r-${round} exclusive 0`)),
        );
        expect(answers.toSorted()).toEqual(['SNAPSHOT_LOCKED', 'SNAPSHOT_LOCKED', 'SNAPSHOT_LOCKED', 'ok']);
      }
    });

    test(`of those that take over from a killed one, ${rounds} times, exactly one wins`, async () => {
      const folder = leaseFolder();
      const [victim, ...racers] = await holders(4, folder);
      for (let round = 0; round < rounds; round += 1)
        expect(await victim?.ask(`acquire r-${round} exclusive 0`)).toBe('ok');
      await victim?.kill();
      for (let round = 0; round < rounds; round += 1) {
        const answers = await Promise.all(
          racers.map(async (racer) => await racer.ask(`acquire r-${round} exclusive 0`)),
        );
        expect(answers.toSorted()).toEqual(['SNAPSHOT_LOCKED', 'SNAPSHOT_LOCKED', 'ok']);
      }
    });

    test('of one that wants it alone and some that share, never both win', async () => {
      const folder = leaseFolder();
      const racers = await holders(3, folder);
      const wins = { exclusive: 0, shared: 0 };
      for (let round = 0; round < rounds; round += 1) {
        const answers = await Promise.all(
          racers.map(
            async (racer, index) => await racer.ask(`acquire store ${index === 0 ? 'exclusive' : 'shared'} 0`),
          ),
        );
        const [exclusive, ...shared] = answers.map((answer) => answer === 'ok');
        expect(exclusive === true && shared.includes(true)).toBe(false);
        expect(answers).toContain('ok');
        wins[exclusive === true ? 'exclusive' : 'shared'] += 1;
        for (const [index, answer] of answers.entries())
          if (answer === 'ok') expect(await racers[index]?.ask('release')).toBe('ok');
      }
      expect(nodeFs.entries(folder)).toEqual([]);
    });

    test('who waits gets it, one after the other', async () => {
      const racers = await holders(3, leaseFolder());
      await Promise.all(
        racers.map(async (racer) => {
          for (let round = 0; round < 5; round += 1) {
            expect(await racer.ask('acquire store exclusive 20000')).toBe('ok');
            expect(await racer.ask('check')).toBe('ok');
            expect(await racer.ask('release')).toBe('ok');
          }
        }),
      );
    });
  });
}

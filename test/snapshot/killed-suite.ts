import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Placement } from '../../src/snapshot/types.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { temporaryFolder } from '../backup/support.js';
import { bundled } from '../support/program.js';
import { allVersions, leftovers, treeNow, type Tree } from './crash-support.js';
import { quickFs } from './faulty-fs.js';
import { udid } from './support.js';

const program = bundled(join(import.meta.dirname, 'run-forever.process.ts'));

/** Kills programs that make versions at random moments, and looks at what they have left. */
export function killedTests(isolation: Placement, rounds: number): void {
  it(`${rounds} programs that are killed at any moment lose nothing, in ${isolation} placement`, async () => {
    const location = await temporaryFolder();
    const known = new Map<string, Tree>();
    let committed = 0;
    for (let round = 0; round < rounds; round += 1) {
      const child = spawn(process.execPath, [program(), location, udid, isolation], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exit = once(child, 'exit');
      let done = -1;
      let begun = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith('done')) done = Number(line.slice(5));
        if (line.startsWith('begin')) begun += 1;
        // In the first, second or third run, at a moment that varies over its length, which is some tens of milliseconds.
        if (!child.killed && line.startsWith('begin') && begun === 1 + ((round + 1) % 3)) {
          const wait = ((round * 37) % 101) * 1.5;
          void setTimeout(wait).then(() => child.kill('SIGKILL'));
        }
      }
      await exit;
      // Its leases are those of a dead process.
      await using store = await SnapshotStore.open(location, { create: true, isolation, fs: quickFs });
      expect(leftovers(location)).toEqual([]);
      const versions = await allVersions(store);
      for (const [id, tree] of known) expect({ id, tree: versions.get(id)?.tree }).toEqual({ id, tree });
      // What it said to be committed is.
      expect(versions.size).toBeGreaterThan(done);
      const live = treeNow(join(location, udid));
      if (versions.size > 0) {
        const newest = await store.device(udid).get();
        expect(versions.get(newest.info.id)?.tree).toEqual(live);
        expect(readFileSync(join(location, udid, 'round'), 'utf8')).toBe(String(versions.size - 1));
        expect((await store.device(udid).capture()).id).toBe(newest.info.id);
      } else expect(live).toEqual({});
      if (versions.size > known.size) committed += 1;
      for (const [id, { tree }] of versions) known.set(id, tree);
    }
    expect(committed).toBeGreaterThan(0);
  });
}

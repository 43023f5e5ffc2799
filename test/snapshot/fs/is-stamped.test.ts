import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isStamped } from '../../../src/snapshot/fs/is-stamped.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';
import { temporaryFolder } from '../../backup/support.js';

it('knows a file by its size and time, and nothing else than a file', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'file');
  writeFileSync(path, 'content');
  const facts = nodeFs.facts(path) ?? { size: 0, modifiedUs: 0 };
  const exact: StoreFs = { ...nodeFs, facts: (at) => nodeFs.facts(at) };
  for (const fs of [nodeFs, exact]) {
    expect(isStamped(fs, path, facts)).toBe(true);
    expect(isStamped(fs, path, { ...facts, size: 8 })).toBe(false);
    expect(isStamped(fs, path, { ...facts, modifiedUs: facts.modifiedUs + 2 })).toBe(false);
    expect(isStamped(fs, join(folder, 'none'), facts)).toBe(false);
    expect(isStamped(fs, join(path, 'below'), facts)).toBe(false);
    for (const [name, make] of [
      ['link', () => symlinkSync(path, join(folder, 'link'))],
      ['folder', () => mkdirSync(join(folder, 'folder'))],
    ] as const) {
      if (fs === nodeFs) make();
      const there = nodeFs.facts(join(folder, name)) ?? { size: 0, modifiedUs: 0 };
      expect(isStamped(fs, join(folder, name), there)).toBe(false);
    }
  }
});

it('takes no other microsecond for the same but one that is nearer than half of one', async () => {
  const path = join(await temporaryFolder(), 'file');
  writeFileSync(path, '');
  const times = fc.integer({ min: -2_000_000_000_000_000, max: 4_000_000_000_000_000 });
  fc.assert(
    fc.property(times, fc.integer({ min: 2, max: 1000 }), (modifiedUs, away) => {
      nodeFs.setTime(path, modifiedUs);
      expect(isStamped(nodeFs, path, { size: 0, modifiedUs })).toBe(true);
      expect(isStamped(nodeFs, path, { size: 0, modifiedUs: modifiedUs + away })).toBe(false);
      expect(isStamped(nodeFs, path, { size: 0, modifiedUs: modifiedUs - away })).toBe(false);
    }),
  );
});

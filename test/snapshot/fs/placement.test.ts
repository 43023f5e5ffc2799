import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { probePlacement } from '../../../src/snapshot/fs/placement.js';
import type { StoreFs } from '../../../src/snapshot/fs/store-fs.js';

let live: string;
let store: string;
beforeEach(() => {
  live = mkdtempSync(join(tmpdir(), 'placement-'));
  store = join(live, '.ios-backup-kit');
});
afterEach(() => {
  rmSync(live, { recursive: true });
});

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(code), { code });
};
const probe = (fs: Partial<StoreFs> = {}): ReturnType<typeof probePlacement> => {
  const found = probePlacement({ ...nodeFs, ...fs }, store, live);
  expect(readdirSync(live)).toEqual(['.ios-backup-kit']);
  expect(readdirSync(join(store, 'staging'))).toEqual([]);
  return found;
};

test('this disk clones or links, and keeps microseconds', () => {
  const { placement, timeResolutionUs } = probe();
  expect(['clone', 'link']).toContain(placement);
  expect(timeResolutionUs).toBe(1);
});

describe('on disks that can less', () => {
  const clone: StoreFs['clone'] = (from, to) => nodeFs.copy(from, to);

  test('clones come first, then links, then moves, each with the reasons', () => {
    expect(probe({ clone })).toMatchObject({ placement: 'clone', links: true, reasons: [] });
    const noClone = { clone: failing('ENOTSUP') };
    expect(probe(noClone)).toMatchObject({
      placement: 'link',
      reasons: ['The disk does not clone files (ENOTSUP).'],
    });
    expect(probe({ ...noClone, link: failing('EPERM') })).toMatchObject({
      placement: 'move',
      links: false,
      reasons: ['The disk does not clone files (ENOTSUP).', 'The disk does not link files (EPERM).'],
    });
  });

  test('a link that is a copy is none, and a clone that is a link neither', () => {
    expect(probe({ clone: failing('EXDEV'), link: clone })).toMatchObject({ placement: 'move', links: false });
    const linked = probe({ clone: (from, to) => nodeFs.link(from, to) });
    expect(linked.reasons[0]).toBe('The disk does not clone files (it had no effect).');
  });

  test.each([
    [1e6, 1e6],
    [2e6, 2e6],
    [10_000, 10_000],
    [1, 1],
    [60e6, Infinity],
  ])('times in steps of %d µs are found', (step, expected) => {
    const setTime: StoreFs['setTime'] = (path, us) => nodeFs.setTime(path, Math.floor(us / step) * step);
    expect(probe({ setTime }).timeResolutionUs).toBe(expected);
  });

  test('times that cannot be set are told', () => {
    expect(probe({ setTime: failing('EPERM') }).timeResolutionUs).toBe(Infinity);
    expect(probe({ setTime() {} }).timeResolutionUs).toBe(Infinity);
  });

  test('names that ignore case are found', () => {
    const facts: StoreFs['facts'] = (path) => nodeFs.facts(path.replace(/PROBE.*$/, (name) => name.toLowerCase()));
    expect(probe().ignoresCase).toBe(nodeFs.facts(live.toUpperCase()) !== undefined);
    expect(probe({ facts }).ignoresCase).toBe(true);
  });

  test('two volumes are refused, by their numbers and where only a rename shows them', () => {
    const refused = expect.objectContaining({ code: 'SNAPSHOT_UNSUPPORTED' });
    const facts: StoreFs['facts'] = (path) => {
      const facts = nodeFs.facts(path);
      return facts && path === live ? { ...facts, volume: -1 } : facts;
    };
    expect(() => probe({ facts })).toThrow(refused);
    expect(() => probe({ rename: failing('EXDEV') })).toThrow(refused);
    expect(readdirSync(live)).toEqual(['.ios-backup-kit']);
  });

  test('a full or read-only disk is an error, not a finding', () => {
    expect(() => probe({ clone: failing('ENOSPC') })).toThrow(expect.objectContaining({ code: 'IO_NO_SPACE' }));
    expect(() => probe({ create: failing('EROFS') })).toThrow(expect.objectContaining({ code: 'IO_ACCESS_DENIED' }));
  });
});

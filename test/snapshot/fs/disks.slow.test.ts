import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileBlobStore } from '../../../src/snapshot/blobs/file-blob-store.js';
import { barrier } from '../../../src/snapshot/fs/durable.js';
import { nodeFs } from '../../../src/snapshot/fs/node-fs.js';
import { probePlacement } from '../../../src/snapshot/fs/placement.js';
import { FileLeaseManager } from '../../../src/snapshot/leases/file-lease-manager.js';
import { blobStoreSuite } from '../../../src/testing/suites/blob-store.js';

/** A file system in an image, mounted by way of a loop device. */
interface Disk {
  readonly name: string;
  readonly make: (image: string) => [program: string, ...args: string[]];
  readonly mount: (device: string, folder: string) => [program: string, ...args: string[]];
  /** What the store must find out about it. */
  readonly probe: object;
}

const disks: Disk[] = [
  {
    name: 'xfs',
    make: (image) => ['mkfs.xfs', '-q', image],
    mount: (device, folder) => ['mount', '-o', 'nouuid', device, folder],
    probe: { placement: 'clone', links: true, ignoresCase: false, timeResolutionUs: 1 },
  },
  {
    name: 'btrfs',
    make: (image) => ['mkfs.btrfs', '-q', image],
    mount: (device, folder) => ['mount', device, folder],
    probe: { placement: 'clone', links: true, ignoresCase: false, timeResolutionUs: 1 },
  },
  {
    name: 'ntfs',
    make: (image) => ['mkntfs', '-q', '-F', '-Q', image],
    mount: (device, folder) => ['ntfs-3g', device, folder],
    probe: { placement: 'link', links: true, timeResolutionUs: 1 },
  },
  {
    name: 'exfat',
    make: (image) => ['mkfs.exfat', image],
    mount: (device, folder) => ['mount.exfat-fuse', device, folder],
    probe: { placement: 'move', links: false, ignoresCase: true, timeResolutionUs: 1_000_000 },
  },
];

const run = (command: readonly [string, ...string[]]): string => {
  const [program, ...args] = command;
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
};

let folder: string;
const undo: (() => void)[] = [];

/** Mounts an image; `undefined` where this computer cannot. */
function mount(disk: Disk, image: string, name: string): string | undefined {
  const at = join(folder, name);
  mkdirSync(at);
  try {
    const device = run(['losetup', '-f', '--show', image]);
    undo.push(() => run(['losetup', '-d', device]));
    run(disk.mount(device, at));
    undo.push(() => run(['umount', at]));
    return at;
  } catch {
    return undefined;
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'disks-'));
});
afterAll(() => {
  for (const step of undo.toReversed()) step();
  rmSync(folder, { recursive: true });
});

describe.runIf(process.platform === 'linux' && process.getuid?.() === 0).each(disks)('$name', (disk) => {
  test(
    'is probed, takes blobs and leases, and keeps what a barrier has brought to it',
    { timeout: 120_000 },
    async (context) => {
      const image = join(folder, `${disk.name}.img`);
      writeFileSync(image, '');
      truncateSync(image, 400 * 1024 * 1024);
      try {
        run(disk.make(image));
      } catch (error) {
        context.skip(`NOT TESTED on ${disk.name}: no image can be made here (${String(error).slice(0, 120)})`);
      }
      const at = mount(disk, image, disk.name);
      if (at === undefined) {
        context.skip(`NOT TESTED on ${disk.name}: it cannot be mounted here, which needs root and loop devices`);
        return;
      }
      const found = probePlacement(nodeFs, join(at, '.ios-backup-kit'), at);
      expect(found).toMatchObject(disk.probe);

      let made = 0;
      const suite = blobStoreSuite(async () => {
        made += 1;
        return new FileBlobStore({ fs: nodeFs, root: join(at, `blobs-${made}`), links: found.links });
      });
      for (const { run } of suite) await run();

      const leases = new FileLeaseManager({ fs: nodeFs, folder: join(at, 'locks') });
      const options = { scope: 'store', mode: 'exclusive', purpose: 'a test' } as const;
      const lease = await leases.acquire(options);
      lease.check();
      await expect(leases.acquire(options)).rejects.toMatchObject({ code: 'SNAPSHOT_LOCKED' });
      await lease.release();
      expect(nodeFs.entries(join(at, 'locks'))).toEqual([]);

      const files = Array.from({ length: 300 }, (_, index) => `f${index}`);
      mkdirSync(join(at, 'files'));
      for (const name of files) writeFileSync(join(at, 'files', name), name.repeat(5000));
      await barrier(
        nodeFs,
        at,
        files.map((name) => join(at, 'files', name)),
      );
      // As after a power cut: what the image has now, and nothing that is in memory still.
      copyFileSync(image, `${image}.cut`);
      if (disk.name === 'btrfs')
        undo
          .splice(-2)
          .toReversed()
          .forEach((step) => step());
      const after = mount(disk, `${image}.cut`, `${disk.name}-after`);
      expect(after).toBeDefined();
      const read = (name: string): string => {
        const path = join(after ?? '', 'files', name);
        return existsSync(path) ? readFileSync(path, 'utf8') : 'missing';
      };
      for (const name of files) expect(read(name)).toBe(name.repeat(5000));
    },
  );
});

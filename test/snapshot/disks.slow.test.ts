import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { accessSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryLeaseManager } from '../../src/snapshot/leases/memory-lease-manager.js';
import type { Placement } from '../../src/snapshot/types.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { allVersions, bytesOf, leftovers, treeNow, type Tree } from './crash-support.js';
import { bundled } from '../support/program.js';
import { copyOf, replaceFile, udid } from './support.js';

const run = promisify(execFile);
const fewFiles = bundled(join(import.meta.dirname, 'few-files.process.ts'));

interface FileSystem {
  readonly name: string;
  readonly make: readonly string[];
  readonly mount: readonly string[];
  readonly tools: readonly string[];
  readonly placement: Placement;
  readonly megabytes?: number;
  readonly needsDevice?: boolean;
}

const fileSystems: FileSystem[] = [
  {
    name: 'ext4',
    make: ['mkfs.ext4', '-q', '-F', '-m', '0'],
    mount: ['mount', '-o', 'loop'],
    tools: [],
    placement: 'link',
  },
  {
    name: 'XFS',
    make: ['mkfs.xfs', '-q'],
    mount: ['mount', '-o', 'loop'],
    tools: [],
    placement: 'clone',
    megabytes: 400,
  },
  { name: 'btrfs', make: ['mkfs.btrfs', '-q'], mount: ['mount', '-o', 'loop'], tools: [], placement: 'clone' },
  { name: 'NTFS', make: ['mkntfs', '-q', '-f', '-F'], mount: ['ntfs-3g'], tools: ['ntfs-3g'], placement: 'link' },
  {
    name: 'exFAT',
    make: ['mkfs.exfat'],
    mount: ['mount.exfat-fuse'],
    tools: ['mount.exfat-fuse', 'losetup'],
    needsDevice: true,
    placement: 'move',
  },
];

/** Why disks cannot be made here; `undefined` where they can. */
function whyNot({ make, tools }: FileSystem): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  for (const tool of [make[0] ?? '', 'mount', 'umount', ...tools])
    if (spawnSync('which', [tool]).status !== 0) return `not installed: ${tool}`;
  try {
    accessSync('/dev/loop-control');
    return undefined;
  } catch {
    return 'no loop devices';
  }
}

class Disk {
  readonly path: string;
  readonly #image: string;
  readonly #of: FileSystem;
  #device: string | undefined;

  constructor(folder: string, of: FileSystem, megabytes: number) {
    this.#image = join(folder, 'image');
    this.path = join(folder, 'disk');
    this.#of = of;
    mkdirSync(this.path);
    execFileSync('truncate', ['-s', `${megabytes}M`, this.#image]);
    const [tool = '', ...args] = of.make;
    execFileSync(tool, [...args, this.#image], { stdio: 'ignore' });
    this.mount();
  }

  mount(): void {
    const [tool = '', ...args] = this.#of.mount;
    // What mounts by FUSE wants a device.
    const isLoop = this.#of.needsDevice === true;
    if (isLoop) this.#device = execFileSync('losetup', ['-f', '--show', this.#image], { encoding: 'utf8' }).trim();
    execFileSync(tool, [...args, this.#device ?? this.#image, this.path], { stdio: 'ignore' });
  }

  async unmount(): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if (spawnSync('umount', [this.path]).status === 0) break;
      await setTimeout(100);
    }
    if (this.#device !== undefined) spawnSync('losetup', ['-d', this.#device]);
    this.#device = undefined;
  }
}

async function disk(of: FileSystem, megabytes = of.megabytes ?? 300): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), 'disk-'));
  const made = new Disk(folder, of, megabytes);
  onTestFinished(async () => {
    await made.unmount();
    await rm(folder, { recursive: true, force: true });
  });
  return made;
}

async function write(store: SnapshotStore, files: Record<string, string | null>): Promise<string> {
  await using sink = await store.begin(udid);
  for (const [path, content] of Object.entries(files)) {
    if (content === null) await sink.remove(`${udid}/${path}`);
    else await sink.write(`${udid}/${path}`, bytesOf(content));
  }
  await sink.commit();
  return (await sink.version())?.id ?? '';
}

const large = (letter: string): string => letter.repeat(3_000_000);

describe.each(fileSystems)('$name', (of) => {
  const reason = whyNot(of);
  const note = reason === undefined ? '' : ` [${reason}]`;

  test.skipIf(reason !== undefined).each([of.placement, 'copy'] as const)(
    `it has a whole life in %s placement${note}`,
    async (placement) => {
      const { path: location } = await disk(of);
      const copies = await mkdtemp(join(tmpdir(), 'copies-'));
      onTestFinished(async () => await rm(copies, { recursive: true }));
      const isolation = placement === of.placement ? 'auto' : placement;
      const expected = new Map<string, Tree>();
      const live = join(location, udid);
      const keep = async (id: string): Promise<void> => {
        await copyOf(live, join(copies, id));
        expected.set(id, treeNow(live));
      };
      let store = await SnapshotStore.open(location, { create: true, isolation });
      expect(store.info.placement).toBe(placement);
      for (const day of [1, 2, 3]) {
        const files = {
          'a/one': `day ${day}`,
          'a/large': large(String(day)),
          [`b/${day}`]: `only ${day}`,
          'a/same': 'x',
        };
        await keep(await write(store, { ...files, ...(day > 1 && { [`b/${day - 1}`]: null }), 'a/empty': '' }));
      }
      if (placement === 'move') await replaceFile(join(live, 'a/new'), 'foreign');
      else await replaceFile(join(live, 'a/one'), 'foreign');
      await keep((await store.device(udid).capture()).id);
      const [oldest = '', second = ''] = [...expected.keys()];
      const back = await store.device(udid).rollback(oldest);
      await keep(back.id);
      expect(treeNow(live)).toEqual(expected.get(oldest));
      await mkdirAndImport(store, copies);
      await store.close();
      store = await SnapshotStore.open(location, { isolation });
      await using edit = await store.device(udid).edit(second, { allowCopy: true });
      await edit.write(`${udid}/a/one`, bytesOf('edited'));
      await edit.commit();
      await edit.close();
      for (const { id, pinned } of await store.device(udid).list()) if (pinned) await store.device(udid).unpin(id);
      await store.device(udid).delete([second], { permanently: true });
      expect((await store.purge()).versions).toEqual([second]);
      expected.delete(second);
      const versions = await allVersions(store);
      for (const [id, tree] of expected) expect({ id, tree: versions.get(id)?.tree }).toEqual({ id, tree });
      for (const id of expected.keys()) {
        // The independent copy, on another disk.
        const contents = (tree: Tree): string[] =>
          Object.entries(tree).map(([path, text]) => `${path} ${text.split(' @')[0]}`);
        expect(contents(treeNow(join(copies, id))).toSorted()).toEqual(
          contents(versions.get(id)?.tree ?? {}).toSorted(),
        );
      }
      if (placement !== 'copy' && placement !== 'move') {
        await using folder = await store.device(udid).openFolder(oldest);
        expect(folder.written.linked + folder.written.cloned).toBeGreaterThan(2);
      }
      await store.close();
      expect(leftovers(location)).toEqual([]);
    },
  );

  test.skipIf(reason !== undefined)(`a full disk loses nothing and can be made room on${note}`, async () => {
    const { path: location } = await disk(of, of.name === 'XFS' ? 320 : of.name === 'btrfs' ? 160 : 64);
    const filler = join(location, 'filler');
    const fill = (): void => {
      // To the last byte; dd ends with an error.
      for (const block of ['1M', '4k', '512'])
        spawnSync('sh', ['-c', `dd if=/dev/urandom bs=${block} >> '${filler}' 2>/dev/null; sync -f '${location}'`]);
    };
    const expected = new Map<string, Tree>();
    {
      await using store = await SnapshotStore.open(location, { create: true });
      for (const day of ['1', '2']) {
        const id = await write(store, { 'a/one': `day ${day}`, 'a/large': large(day) });
        expected.set(id, treeNow(join(location, udid)));
      }
      fill();
      const live = treeNow(join(location, udid));
      // Receiving, or committing what just fits.
      const failed = await write(store, { 'a/large': large('3'), 'a/other': large('4'), 'a/one': 'day 3' }).catch(
        (error: unknown) => error,
      );
      expect(failed).toMatchObject({ code: 'IO_NO_SPACE' });
      expect(treeNow(join(location, udid))).toEqual(live);
    }
    fill();
    {
      await using store = await SnapshotStore.open(location);
      const versions = await allReadable(store);
      expect(versions).toEqual([...expected.keys()].toSorted());
      const [oldest = ''] = [...expected.keys()];
      await store.device(udid).delete([oldest], { permanently: true });
      expect((await store.purge()).versions).toEqual([oldest]);
      expected.delete(oldest);
    }
    rmSync(filler);
    await using store = await SnapshotStore.open(location);
    const id = await write(store, { 'a/one': 'after' });
    const versions = await allVersions(store);
    for (const [each, tree] of expected) expect(versions.get(each)?.tree).toEqual(tree);
    expect(versions.get(id)?.tree).toEqual(treeNow(join(location, udid)));
  });
});

async function mkdirAndImport(store: SnapshotStore, copies: string): Promise<void> {
  const from = join(copies, 'elsewhere');
  mkdirSync(join(from, 'a'), { recursive: true });
  writeFileSync(join(from, 'a/one'), 'imported');
  expect(await store.device(udid).import(from)).toMatchObject({ kind: 'import', files: 1 });
  rmSync(from, { recursive: true });
}

/** Reads every byte of every version, without writing; gives their identities. */
async function allReadable(store: SnapshotStore): Promise<string[]> {
  const listed = await store.device(udid).list();
  return listed.map(({ id }) => id).toSorted();
}

describe.each(fileSystems.filter(({ name }) => name === 'ext4' || name === 'XFS'))('power cuts on $name', (of) => {
  const reason = whyNot(of) ?? (spawnSync('which', ['xfs_io']).status === 0 ? undefined : 'not installed: xfs_io');
  const note = reason === undefined ? '' : ` [${reason}]`;
  test.skipIf(reason !== undefined).each([
    ['auto', 8],
    ['move', 8],
  ] as const)(`it keeps what was committed, in %s placement, %i cuts${note}`, async (isolation, cuts) => {
    const made = await disk(of);
    const location = join(made.path, 'backups');
    mkdirSync(location);
    const script = join(import.meta.dirname, 'run-forever.process.ts');
    const known = new Map<string, Tree>();
    for (let round = 0; round < cuts; round += 1) {
      const order = isolation === 'auto' ? '' : isolation;
      const child = run(process.execPath, ['--import', 'tsx', script, location, udid, order], { timeout: 120_000 });
      const seen = { done: -1 };
      child.child.stdout?.on('data', (text: string) => {
        for (const match of String(text).matchAll(/done (\d+)/g)) seen.done = Number(match[1]);
      });
      const ended = child.catch(() => undefined);
      while (seen.done < 0 && child.child.exitCode === null) await setTimeout(20);
      await setTimeout(50 + ((round * 71) % 400));
      const committed = seen.done;
      // Without a flush of what is in memory: what was not brought to the disk is lost.
      await run('xfs_io', ['-x', '-c', 'shutdown', made.path]);
      child.child.kill('SIGKILL');
      await ended;
      await made.unmount();
      made.mount();
      await using store = await SnapshotStore.open(location, {
        leases: new MemoryLeaseManager(),
        isolation,
      });
      const versions = await allVersions(store);
      for (const [id, tree] of known) expect({ id, tree: versions.get(id)?.tree }).toEqual({ id, tree });
      expect(versions.size).toBeGreaterThan(committed);
      expect(leftovers(location)).toEqual([]);
      expect(versions.get((await store.device(udid).get()).info.id)?.tree).toEqual(treeNow(join(location, udid)));
      expect(readFileSync(join(location, udid, 'round'), 'utf8')).toBe(String(versions.size - 1));
      for (const [id, { tree }] of versions) known.set(id, tree);
      rmSync(join(location, '.ios-backup-kit/locks'), { recursive: true, force: true });
    }
    expect(known.size).toBeGreaterThan(cuts);
  });
});

describe('one process', () => {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

  test.skipIf(!isRoot)('refuses a store folder that is a link to another disk [needs root on Linux]', async () => {
    const [ext4] = fileSystems;
    if (ext4 === undefined || whyNot(ext4) !== undefined) return;
    const { path: location } = await disk(ext4);
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
    onTestFinished(async () => await rm(elsewhere, { recursive: true }));
    symlinkSync(elsewhere, join(location, '.ios-backup-kit'));
    await expect(SnapshotStore.open(location, { create: true })).rejects.toMatchObject({
      code: 'SNAPSHOT_UNSUPPORTED',
    });
    rmSync(join(location, '.ios-backup-kit'));
    mkdirSync(join(location, '.ios-backup-kit'));
    execFileSync('mount', ['--bind', elsewhere, join(location, '.ios-backup-kit')]);
    try {
      await expect(SnapshotStore.open(location, { create: true })).rejects.toMatchObject({
        code: 'SNAPSHOT_UNSUPPORTED',
      });
    } finally {
      execFileSync('umount', [join(location, '.ios-backup-kit')]);
    }
  });

  test('works with 64 open files', async () => {
    const location = await mkdtemp(join(tmpdir(), 'few-'));
    onTestFinished(async () => await rm(location, { recursive: true }));
    // Bundled: what loads sources opens many at once itself.
    const command = `ulimit -n 64 && exec "${process.execPath}" "${fewFiles()}" "${location}"`;
    const { stdout } = await run('bash', ['-c', command]);
    expect(stdout.trim()).toBe('6 versions');
    expect(existsSync(join(location, udid, 'f/99'))).toBe(true);
  });
});

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test, type TestContext } from 'vitest';
import { backUpDevice, restoreDevice } from '../../src/entry/backup.js';
import { Device, usbmuxTransport } from '../../src/entry/device.js';
import { createVirtualDevice, sampleBackupSpec, type VirtualDevice } from '../../src/entry/testing.js';
import { toPlain } from '../../src/plist/to-plain.js';
import { parsePlist } from '../../src/plist/parse.js';
import { describeWithPeers } from '../support/peers.js';
import { trust } from '../support/trust.js';
import { entriesOf, someChanges, someFiles } from '../backup/support.js';

const run = promisify(execFile);

/** Values of property lists that no two runs have in common. */
const ownOfEachRun = new Set(['Info.plist GUID', 'Info.plist Last Backup Date']);

/** Tests run side by side, as other people's tools wait a lot: what ends with a test is bound to its own context. */
type Finish = TestContext['onTestFinished'];

async function temporary(onTestFinished: Finish): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'compare-backups-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A device, the same each time. */
async function sameDevice(onTestFinished: Finish, ios: string, password: string | undefined): Promise<VirtualDevice> {
  const device = await createVirtualDevice({
    seed: 'the same',
    ios,
    backup: { password },
    now: () => new Date('2026-05-04T12:00:00Z'),
    fileSystem: sampleBackupSpec({ photos: 2 }),
    apps: [
      {
        bundleId: 'com.example.bought',
        attributes: { ApplicationSINF: new Uint8Array([1, 2, 3]), iTunesMetadata: new Uint8Array([4, 5]) },
      },
      { bundleId: 'com.example.developed' },
    ],
    media: {
      '/iTunes_Control/iTunes/iTunesPrefs': 'preferences',
      '/iTunes_Control/iTunes/VoiceMemos.plist': 'memos',
      '/Books/iBooksData2.plist': 'books',
    },
  });
  onTestFinished(async () => await device.close());
  someFiles(device.fileSystem);
  return device;
}

async function emptyDevice(onTestFinished: Finish, ios: string): Promise<VirtualDevice> {
  const device = await createVirtualDevice({ seed: 'another', ios });
  onTestFinished(async () => await device.close());
  return device;
}

async function idevicebackup2(target: VirtualDevice, ...args: string[]): Promise<string> {
  const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: target.address };
  await trust(target);
  const { stdout } = await run('idevicebackup2', args, { env, timeout: 60_000 });
  return stdout;
}

async function host(onTestFinished: Finish, target: VirtualDevice): Promise<Device> {
  const transport = usbmuxTransport({ address: target.address });
  await trust(target);
  const connected = await Device.connect(target.udid, { transport });
  onTestFinished(async () => await connected.close());
  return connected;
}

/** Every file of a folder: property lists value by value, others by hash; folders with `/`. */
async function describeFolder(folder: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length + 1);
    if (entry.isDirectory()) {
      found.set(`${path}/`, 'folder');
      continue;
    }
    const bytes = await readFile(full);
    if (!entry.name.endsWith('.plist')) {
      found.set(path, createHash('sha256').update(bytes).digest('hex'));
      continue;
    }
    const values = toPlain(parsePlist(bytes)) as Record<string, unknown>;
    for (const [key, value] of Object.entries(values)) {
      const name = `${entry.name} ${key}`;
      found.set(`${path} ${key}`, ownOfEachRun.has(name) ? typeof value : value);
    }
  }
  return found;
}

/** The three layouts: flat with Manifest.mbdb, folders with Manifest.db, and the same encrypted. */
const cases: readonly { ios: string; password?: string }[] = [
  { ios: '9.3.5', password: 'secret' },
  { ios: '15.7' },
  { ios: '17.4', password: 'secret' },
];

/** Compares our backups with those of idevicebackup2: a full one and some that add to it. */
export function compareBackups({ incremental }: { incremental: number }): void {
  describeWithPeers('backups of ours and of idevicebackup2 of the same device', ['idevicebackup2'], () => {
    test.concurrent.for(cases)(
      `are equal file by file, fully and ${incremental} times incrementally, and restore: $ios $password`,
      { timeout: 120_000 },
      async ({ ios, password }, { expect, onTestFinished }) => {
        const theirs = await sameDevice(onTestFinished, ios, password);
        const ours = await sameDevice(onTestFinished, ios, password);
        const [theirFolder, ourFolder] = [await temporary(onTestFinished), await temporary(onTestFinished)];
        const connected = await host(onTestFinished, ours);
        for (let round = 0; round <= incremental; round += 1) {
          if (round > 0) for (const { fileSystem } of [theirs, ours]) someChanges(fileSystem, round);
          const [said] = await Promise.all([
            idevicebackup2(theirs, 'backup', theirFolder),
            backUpDevice(connected, { to: ourFolder }),
          ]);
          expect(said).toContain('Backup Successful.');
          expect(ours.backups.runs.at(-1)).toEqual(theirs.backups.runs.at(-1));
          const ourFiles = await describeFolder(ourFolder);
          expect(ourFiles).toEqual(await describeFolder(theirFolder));
          expect(ourFiles.size).toBeGreaterThan(60);
        }
        const incrementalRuns = Array.from({ length: incremental }, () => false);
        expect(theirs.backups.runs.map((one) => one.isFull)).toEqual([true, ...incrementalRuns]);

        const source = await entriesOf(ours.fileSystem);
        const byThem = await emptyDevice(onTestFinished, ios);
        const byUs = await emptyDevice(onTestFinished, ios);
        const flags = ['--system', '--no-reboot', ...(password === undefined ? [] : ['--password', password])];
        const [said] = await Promise.all([
          idevicebackup2(byThem, '-s', ours.udid, 'restore', ...flags, ourFolder),
          restoreDevice(await host(onTestFinished, byUs), {
            from: theirFolder,
            source: theirs.udid,
            password,
            systemFiles: true,
            reboot: false,
          }),
        ]);
        expect(said).toContain('Restore Successful.');
        expect(await entriesOf(byThem.fileSystem)).toEqual(source);
        expect(await entriesOf(byUs.fileSystem)).toEqual(source);
      },
    );
  });
}

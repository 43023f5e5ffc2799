import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BackupTree } from '../../src/core/backup-tree.js';
import { Device } from '../../src/device/device.js';
import { usbmuxTransport } from '../../src/device/usbmux/usbmux-transport.js';
import {
  createVirtualDevice,
  type CreateVirtualDeviceOptions,
  type VirtualDevice,
  type VirtualFileSystem,
} from '../../src/entry/testing.js';
import { trust } from '../support/trust.js';

/** A folder that goes when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ios-backup-kit-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A virtual device that goes when the test has ended, quick unless the test asks for more. */
export async function virtualDevice(options: CreateVirtualDeviceOptions = {}): Promise<VirtualDevice> {
  const device = await createVirtualDevice({ fileSystem: someFiles, ...options });
  onTestFinished(async () => await device.close());
  return device;
}

/** The device as its host sees it, paired. */
export async function hostOf(device: VirtualDevice): Promise<Device> {
  const transport = usbmuxTransport({ address: device.address });
  await trust(device);
  const host = await Device.connect(device.udid, { transport });
  onTestFinished(async () => await host.close());
  return host;
}

/** Files of several domains and sizes: empty, small, larger than a block, larger than a buffer. */
export function someFiles(fileSystem: VirtualFileSystem): void {
  fileSystem.add({ domain: 'HomeDomain', relativePath: 'Library/Preferences/empty.plist', content: '' });
  fileSystem.add({ domain: 'HomeDomain', relativePath: 'Library/Preferences/small.plist', content: 'small' });
  fileSystem.add({ domain: 'HomeDomain', relativePath: 'Library/block', content: { size: 32 * 1024 } });
  fileSystem.add({
    domain: 'CameraRollDomain',
    relativePath: 'Media/DCIM/100APPLE/IMG_0001.JPG',
    content: { size: 700_001 },
  });
  for (let i = 0; i < 30; i += 1)
    fileSystem.add({ domain: 'MediaDomain', relativePath: `Library/notes/${i}.txt`, content: `note ${i}` });
}

/** Changes of every kind: added, modified, grown and removed files. */
export function someChanges(fileSystem: VirtualFileSystem, round: number): void {
  fileSystem.add({ domain: 'HomeDomain', relativePath: `Library/added-${round}`, content: `added in ${round}` });
  fileSystem.modify(
    { domain: 'MediaDomain', relativePath: `Library/notes/${round}.txt` },
    { content: `changed ${round}` },
  );
  fileSystem.append({ domain: 'HomeDomain', relativePath: 'Library/block' }, { size: 1000 * round });
  fileSystem.remove({ domain: 'MediaDomain', relativePath: `Library/notes/${29 - round}.txt` });
}

/** Everything that a tree holds: paths with sizes, folders with `/`. */
export async function contentsOf(tree: BackupTree, path = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of tree.list(path)) {
    if (entry.kind === 'directory') names.push(`${entry.path}/`, ...(await contentsOf(tree, entry.path)));
    else names.push(`${entry.path} ${entry.size}`);
  }
  return names.toSorted();
}

/** Every file of a folder with the hash of its content, hidden ones too. */
export async function hashesOf(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    hashes.set(
      full,
      createHash('sha256')
        .update(await readFile(full))
        .digest('hex'),
    );
  }
  return hashes;
}

/** What a device holds, for comparison with another one. */
export async function entriesOf(fileSystem: VirtualFileSystem): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of fileSystem.entries()) entries.push(entry);
  return entries;
}

import { mkdir, realpath } from 'node:fs/promises';
import { ioError } from '../../../core/errors.js';
import { diskBackend } from './disk-backend.js';
import { memoryBackend } from './memory-backend.js';
import { VirtualFolder } from './virtual-folder.js';

/** What is in a folder of a virtual device: files by path, in memory, or a folder on the disk, which is created and changed. */
export type FolderContent = string | Readonly<Record<string, Uint8Array | string>>;

/** Most bytes that a folder in memory takes. */
const memoryCapacity = 512 * 1024 * 1024;

/** Makes a folder of a virtual device. `now` gives the times of files in memory. */
export async function openFolder(content: FolderContent, now: () => Date): Promise<VirtualFolder> {
  if (typeof content === 'string') {
    try {
      await mkdir(content, { recursive: true });
      return new VirtualFolder(diskBackend(await realpath(content)));
    } catch (error) {
      throw ioError(error, content, 'opening');
    }
  }
  const folder = new VirtualFolder(memoryBackend({ capacity: memoryCapacity, now }));
  for (const [path, bytes] of Object.entries(content)) await folder.writeFile(path, bytes);
  return folder;
}

import { statfs } from 'node:fs/promises';
import { release } from 'node:os';

/** Local file systems of Linux whose `syncfs` brings everything to the disk and tells of what could not be written. */
const dependable: ReadonlySet<number> = new Set([
  0xef53 /* ext2, ext3, ext4 */, 0x58465342 /* XFS */, 0x9123683e /* Btrfs */, 0xf2f52010 /* F2FS */,
]);

/**
 * Brings all of the file system that holds `path` to the disk by one call of the system, where this is known to be as good as
 * the call for each file; false where it is not, or has failed. Node.js has no such function, the command `sync` has.
 */
export async function syncFileSystem(path: string): Promise<boolean> {
  if (process.platform !== 'linux' || !tellsOfErrors(release())) return false;
  const type = await statfs(path).then(
    (volume) => volume.type,
    () => undefined,
  );
  if (type === undefined || !dependable.has(type)) return false;
  // Loading it takes longer than most of what a store does where nothing has changed.
  const { execFile } = await import('node:child_process');
  return await new Promise<boolean>((resolve) => {
    execFile('sync', ['-f', path], (error) => resolve(error === null));
  });
}

/** Whether the `syncfs` of a version of Linux fails where something could not be written: since 5.8. */
function tellsOfErrors(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 8);
}

import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'vitest';

/*
 * Before each file of tests: where it has its folders. In memory where Linux has room there, as making and removing thousands
 * of folders on a disk takes several times as long as all else that tests do; on a disk where the test is about disks.
 */
const aboutDisks =
  /[\\/]test[\\/](?:folder[\\/]|snapshot[\\/]fs[\\/]|snapshot[\\/](?:device|hazards|killed|store|usage)\.|backup[\\/](?:back-up-device|interrupted|killed)\.|manifest[\\/]extract[\\/])/;
const memory = '/dev/shm';
const neededBytes = 4 * 1024 ** 3;

/** What was the folder for temporary files before any of this: workers run many files. */
const disk = (process.env['IOS_BACKUP_KIT_TEST_DISK'] ??= tmpdir());

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > neededBytes;
  } catch {
    // Not Linux.
    return false;
  }
}

process.env['TMPDIR'] = !aboutDisks.test(expect.getState().testPath ?? '') && hasRoom(memory) ? memory : disk;

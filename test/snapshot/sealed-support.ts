import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildBackup } from '../../src/testing/backup-builder/build-backup.js';
import type { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { editPages, numbers, pagedContent } from './churn.js';

/** Password of the backups. */
export const password = 'the password';

/** How the days differ. */
export interface SealedDays {
  readonly days: number;
  readonly first?: number;
  /** Another one means another keybag and other file keys. */
  readonly seed?: number;
  readonly secret?: string;
  readonly pages?: number;
}

/** Imports encrypted backups of some days, whose databases change a little from day to day. File keys change on every other day. */
export async function sealedDays(
  store: SnapshotStore,
  udid: string,
  { days, first = 0, seed = 1, secret = password, pages = 128 }: SealedDays,
): Promise<string[]> {
  const random = numbers(11);
  const modified = new Date(Date.UTC(2025, 5, 1));
  let sms = pagedContent(pages, 1);
  // No multiple of a cipher block, nor of a page.
  let other = new Uint8Array(pagedContent(pages / 2, 2).slice(0, -1007));
  const ids: string[] = [];
  for (let day = 0; day < first + days; day += 1) {
    if (day >= first) {
      const built = await buildBackup({
        seed,
        password: secret,
        kdf: 'fast',
        device: { udid },
        date: new Date(Date.UTC(2026, 0, 1 + day)),
        files: [
          ...Array.from({ length: 300 }, (_, index) => ({
            domain: 'HomeDomain',
            relativePath: `notes/${index}.txt`,
            content: index === day ? `changed on ${day}` : `note ${index}`,
            modified,
          })),
          // A file more or less before them: the next keys of the sequence are those of other files.
          ...(day % 2 === 0 ? [] : [{ domain: 'HomeDomain', relativePath: 'odd', content: 'a', modified }]),
          { domain: 'HomeDomain', relativePath: 'sms.db', content: sms, modified },
          { domain: 'HomeDomain', relativePath: 'other', content: other, modified },
        ],
      });
      ids.push((await store.device(udid).import(built.tree)).id);
    }
    sms = editPages(sms, 3, random);
    other = editPages(other, 2, random);
  }
  return ids;
}

/** All bytes of all files of a folder that may hold something secret. */
export async function allBytes(folder: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) parts.push(await readFile(join(entry.parentPath, entry.name)));
  return Buffer.concat(parts);
}

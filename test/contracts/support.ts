import type { BackupTree } from '../../src/core/backup-tree.js';
import type { ByteSource } from '../../src/core/byte-source.js';
import { buildBackup, sampleBackupSpec, type BuiltBackup } from '../../src/entry/testing.js';

/** Password of {@link sample}. */
export const password = 'Tr0ub4dor & 3 is secret';

let built: Promise<BuiltBackup> | undefined;

/** One encrypted backup of everything, built once. */
export async function sample(): Promise<BuiltBackup> {
  built ??= buildBackup({ ...sampleBackupSpec({ seed: 'contracts' }), password });
  return await built;
}

/** Counts calls and open sources of `tree`. Its fast path for whole files is hidden, so that nothing escapes the count. */
export function watched(tree: BackupTree): BackupTree & { calls: () => number; openSources: () => number } {
  let calls = 0;
  let openSources = 0;
  return {
    calls: () => calls,
    openSources: () => openSources,
    async open(path, options) {
      calls += 1;
      const source = await tree.open(path, options);
      if (source === undefined) return undefined;
      openSources += 1;
      let isOpen = true;
      const close = async (): Promise<void> => {
        if (isOpen) openSources -= 1;
        isOpen = false;
        await source.close();
      };
      return Object.assign(Object.create(source) as ByteSource, { close });
    },
    list(path, options) {
      calls += 1;
      return tree.list(path, options);
    },
  };
}

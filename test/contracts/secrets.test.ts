import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Backup, isBackupKitError } from '../../src/entry/index.js';
import { buildBackup } from '../../src/entry/testing.js';
import { password, sample } from './support.js';

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');

describe('secrets', () => {
  it('are in no error, however deep one looks', async () => {
    const { tree } = await sample();
    const wrong = 'hunter2-not-the-password';
    const errors: unknown[] = [await Backup.open(tree, { password: wrong }).catch((error: unknown) => error)];
    const damaged = await buildBackup({
      password,
      files: [
        { domain: 'HomeDomain', relativePath: 'a', content: 'secret content', damage: ['key-corrupt'] },
        { domain: 'HomeDomain', relativePath: 'b', content: 'secret content', damage: ['class-unknown'] },
        { domain: 'HomeDomain', relativePath: 'c', content: 'secret content', damage: ['content-missing'] },
      ],
    });
    const backup = await Backup.open(damaged.tree, { password });
    for await (const file of backup.files.list({ kind: 'file' }))
      errors.push(await file.read().catch((error: unknown) => error));
    const key = backup.exportKey();
    await backup.close();
    expect(errors).toHaveLength(4);
    for (const error of errors) {
      expect(isBackupKitError(error)).toBe(true);
      const text = inspect(error, { depth: Infinity, showHidden: true });
      for (const secret of [wrong, password, 'secret content', hex(key ?? new Uint8Array(32))])
        expect(text).not.toContain(secret);
    }
  });

  it('are not shown when a backup is printed', async () => {
    const backup = await Backup.open((await sample()).tree, { password });
    const text = inspect(backup, { depth: Infinity, showHidden: true });
    const key = backup.exportKey();
    await backup.close();
    expect(text).not.toContain(password);
    expect(text).not.toContain(hex(key ?? new Uint8Array(32)));
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hexEncode } from '../../src/core/bytes.js';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { unlockKeybag } from '../../src/crypto/unlock.js';
import { Backup } from '../../src/entry/index.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { asDict } from '../../src/plist/guards.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';

describeWithFixtures('a backup whose key takes the rounds of a real device', (fixtures) => {
  const folder = join(fixtures, 'backups', 'enc-real-kdf');
  const expected = JSON.parse(readFileSync(`${folder}.expected.json`, 'utf8')) as {
    password: string;
    kek: string;
    manifestKey: string;
  };
  const typed = expected.password.normalize('NFD');

  it('has a keybag that opens with its password in NFD, and tells how it was set', async () => {
    const plist = asDict(parseBinaryPlist(readFileSync(join(folder, 'Manifest.plist'))));
    expect(typed).not.toBe(expected.password);
    const unlocked = await unlockKeybag(parseKeybag(plist?.get('BackupKeyBag') as Uint8Array), { password: typed });
    expect(hexEncode(unlocked.exportKey())).toBe(expected.kek);
    expect(unlocked.password).toBe(expected.password);
    expect(hexEncode(unlocked.unwrapManifestKey(plist?.get('ManifestKey') as Uint8Array))).toBe(expected.manifestKey);
  });

  it('opens with its password in either Unicode form', async () => {
    for (const password of [expected.password, typed]) {
      await using backup = await Backup.open(folder, { password });
      expect(hexEncode(backup.exportKey() ?? new Uint8Array(0))).toBe(expected.kek);
    }
  });
});

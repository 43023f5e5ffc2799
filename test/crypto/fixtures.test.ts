import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { fileSource, readAll } from '../../src/core/byte-source.js';
import { hexEncode } from '../../src/core/bytes.js';
import { derivePasswordKey } from '../../src/crypto/derive.js';
import { decryptWhole, openDecryptedContent, openDecryptedDatabase } from '../../src/crypto/decrypted-source.js';
import { parseKeybag, serializeKeybag, type Keybag } from '../../src/crypto/keybag.js';
import { unwrapKey } from '../../src/crypto/key-wrap.js';
import { unlockKeybag, type UnlockedKeybag } from '../../src/crypto/unlock.js';
import { parseBinaryPlist } from '../../src/plist/binary-parse.js';
import { PlistUid, type PlistValue } from '../../src/plist/types.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';
import { expectBytes, hex } from './support.js';

/** What is expected of one file of a backup. */
interface ExpectedFile {
  fileID: string;
  relativePath: string;
  type: string;
  class: number;
  size: number;
  recordSize: number;
  sha256: string;
  blob: string;
  fileKey: string;
}

interface Expected {
  encrypted: boolean;
  password: string;
  kek: string;
  classKeys: Record<string, string>;
  manifestClass: number | null;
  manifestKey: string | null;
  manifestSha256: string;
  manifestPlainSize: number;
  files: ExpectedFile[];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const entryOf = (value: PlistValue | undefined, key: string): PlistValue | undefined =>
  value instanceof Map ? value.get(key) : undefined;

/** What the blobs that were damaged on purpose give: bytes of content and problems. */
const damaged: Record<string, [number, string[]]> = {
  'Library/Damage/live-longer.db': [8192, ['size-differs']],
  'Library/Damage/live-shorter.db': [8192, ['size-differs']],
  'Library/Damage/zero-blob.bin': [0, []],
  'Library/Damage/zero-blob-sized.bin': [0, ['placeholder']],
  'Library/Damage/truncated.bin': [2496, ['incomplete']],
};

describeWithFixtures('generated encrypted backups', (fixtures) => {
  const read = (name: string, file: string): Buffer => readFileSync(join(fixtures, 'backups', name, file));
  const load = (
    name: string,
  ): { expected: Expected; keybag: Keybag; keybagBytes: Uint8Array; manifestKey: PlistValue | undefined } => {
    const plist = parseBinaryPlist(read(name, 'Manifest.plist'));
    const keybagBytes = entryOf(plist, 'BackupKeyBag') as Uint8Array;
    return {
      expected: JSON.parse(read('', `${name}.expected.json`).toString()) as Expected,
      keybag: parseKeybag(keybagBytes),
      keybagBytes,
      manifestKey: entryOf(plist, 'ManifestKey'),
    };
  };

  describe.each(['enc-edge', 'enc-10.1', 'mbdb-enc'])('%s', (name) => {
    let backup: ReturnType<typeof load>;
    let unlocked: UnlockedKeybag;
    let files: ExpectedFile[];
    const blobPath = (fileId: string): string => {
      const sharded = join(fixtures, 'backups', name, fileId.slice(0, 2), fileId);
      return existsSync(sharded) ? sharded : join(fixtures, 'backups', name, fileId);
    };
    beforeAll(async () => {
      backup = load(name);
      unlocked = await unlockKeybag(backup.keybag, { password: backup.expected.password });
      files = backup.expected.files.filter(({ type, fileID }) => type === 'file' && existsSync(blobPath(fileID)));
    });

    it('has a keybag that is written back exactly', () => {
      expect(serializeKeybag(backup.keybag)).toEqual(backup.keybagBytes);
      expect(backup.keybag.warnings).toEqual([]);
    });

    it('gives the expected keys', async () => {
      expect(hexEncode(unlocked.exportKey())).toBe(backup.expected.kek);
      for (const [protectionClass, expected] of Object.entries(backup.expected.classKeys)) {
        const wrapped = backup.keybag.classKeys.get(Number(protectionClass))?.wrappedKey ?? new Uint8Array();
        expect(hexEncode(unwrapKey(unlocked.exportKey(), wrapped) ?? new Uint8Array())).toBe(expected);
      }
      await expect(unlockKeybag(backup.keybag, { key: hex(backup.expected.kek) })).resolves.toBeDefined();
    });

    it('does not open with another password', async () => {
      await expect(unlockKeybag(backup.keybag, { password: 'test12345' })).rejects.toMatchObject({
        code: 'MANIFEST_PASSWORD_INCORRECT',
      });
    });

    it('gives the content of every sound file, whole and on the fly', async () => {
      expect(files.length).toBeGreaterThan(10);
      for (const file of files.filter(({ relativePath }) => !(relativePath in damaged))) {
        const key = hex(file.fileKey);
        const whole = decryptWhole(await readFile(blobPath(file.fileID)), key, file.recordSize);
        expect([file.relativePath, sha256(whole.content), whole.problems]).toEqual([
          file.relativePath,
          file.sha256,
          [],
        ]);
        const opened = await openDecryptedContent(await fileSource(blobPath(file.fileID)), {
          key,
          statedSize: file.recordSize,
        });
        expectBytes(await readAll(opened, { limit: 2 ** 24, what: file.relativePath }), whole.content);
        await opened.close();
      }
    });
  });

  describe('enc-edge', () => {
    let backup: ReturnType<typeof load>;
    beforeAll(() => {
      backup = load('enc-edge');
    });

    it('gives what is left of damaged files and says what is wrong', async () => {
      const found: typeof damaged = {};
      for (const { relativePath, fileID, fileKey, recordSize, sha256: content, size } of backup.expected.files) {
        if (!(relativePath in damaged)) continue;
        const stored = read('enc-edge', join(fileID.slice(0, 2), fileID));
        const whole = decryptWhole(stored, hex(fileKey), recordSize);
        found[relativePath] = [whole.content.length, [...whole.problems]];
        if (whole.content.length === size) expect(sha256(whole.content)).toBe(content);
      }
      expect(found).toEqual(damaged);
    });

    it('has a Manifest.db that decrypts to the expected pages, whose records hold the expected keys', async () => {
      const { expected, keybag, manifestKey } = backup;
      const unlocked = await unlockKeybag(keybag, { password: expected.password });
      const key = unlocked.unwrapManifestKey(manifestKey as Uint8Array);
      expect(hexEncode(key)).toBe(expected.manifestKey);
      const source = await openDecryptedDatabase(
        await fileSource(join(fixtures, 'backups', 'enc-edge', 'Manifest.db')),
        { key },
      );
      const database = await readAll(source, { limit: 2 ** 24, what: 'Manifest.db' });
      await source.close();
      expect(database).toHaveLength(expected.manifestPlainSize);
      expect(sha256(database)).toBe(expected.manifestSha256);

      const sqlite = await initSqlJs();
      const rows =
        new sqlite.Database(database).exec('SELECT fileID, file FROM Files WHERE flags = 1')[0]?.values ?? [];
      const keys = new Map(
        rows.map(([fileId, archive]) => [fileId, encryptionKeyOf(parseBinaryPlist(archive as Uint8Array))]),
      );
      const files = expected.files.filter(({ type }) => type === 'file');
      expect(files.length).toBeGreaterThan(50);
      for (const { fileID, fileKey } of files) {
        expect(hexEncode(unlocked.unwrapFileKey(keys.get(fileID) ?? new Uint8Array()))).toBe(fileKey);
      }
    });
  });

  describe('enc-real-kdf', () => {
    let backup: ReturnType<typeof load>;
    beforeAll(() => {
      backup = load('enc-real-kdf');
    });

    // Typed in another Unicode form: real-rounds.slow.test.ts.
    it('gives the expected key', async () => {
      const { expected, keybag } = backup;
      expect(hexEncode(await derivePasswordKey(keybag, expected.password))).toBe(expected.kek);
    });

    it('opens at once with the exported key', async () => {
      const { expected, keybag, manifestKey } = backup;
      const unlocked = await unlockKeybag(keybag, { key: hex(expected.kek) });
      expect(hexEncode(unlocked.unwrapManifestKey(manifestKey as Uint8Array))).toBe(expected.manifestKey);
    });
  });

  describe.each(['plain-edge', 'evil-plain', 'mbdb-plain'])('%s', (name) => {
    it('has a keybag whose keychain classes need the device', async () => {
      const { keybag, keybagBytes, expected } = load(name);
      expect(serializeKeybag(keybag)).toEqual(keybagBytes);
      const unlocked = await unlockKeybag(keybag, { key: hex(expected.kek) });
      expect(() => unlocked.wrapFileKey(6, new Uint8Array(32))).toThrow(
        expect.objectContaining({ code: 'MANIFEST_KEY_UNAVAILABLE' }),
      );
      expect(unlocked.wrapFileKey(4, new Uint8Array(32))).toHaveLength(44);
    });
  });
});

/** `EncryptionKey` of an archived file record. */
function encryptionKeyOf(archive: PlistValue): Uint8Array {
  const objects = entryOf(archive, '$objects');
  const resolve = (value: PlistValue | undefined): PlistValue | undefined =>
    value instanceof PlistUid && Array.isArray(objects) ? resolve(objects[value.value]) : value;
  const root = resolve(entryOf(entryOf(archive, '$top'), 'root'));
  const key = resolve(entryOf(root, 'EncryptionKey'));
  return resolve(entryOf(key, 'NS.data')) as Uint8Array;
}

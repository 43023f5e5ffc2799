import { createCipheriv, createDecipheriv } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { unlockKeybag } from '../../src/crypto/unlock.js';
import { asData, asDict } from '../../src/plist/guards.js';
import { parsePlist } from '../../src/plist/parse.js';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';

const password = 'bench';
const iv = new Uint8Array(16);

/** Domain of all generated files. */
export const domain = 'AppDomain-com.example.bench';

/** A generated backup and what the tasks need to know of it. */
export interface BenchBackup {
  path: string;
  /** Derived key, hexadecimal. */
  key: string;
  /** Key of Manifest.db. */
  manifestKey: Uint8Array;
  unwrap: (wrapped: Uint8Array) => Uint8Array;
}

const padded = (n: number, width: number): string => String(n).padStart(width, '0');

/** `count` files in folders of 100, with sizes around `averageBytes`: from a fifth to nine fifths of it. */
function* files(count: number, averageBytes: number): Generator<FileSpec> {
  for (let i = 0; i < count; i += 1) {
    const spread = 0.2 + (1.6 * ((i * 7919) % 1000)) / 999;
    yield {
      domain,
      relativePath: `Documents/set00/${padded(Math.floor(i / 100), 5)}/IMG_${padded(i, 7)}.dat`,
      content: { size: Math.round(averageBytes * spread) },
    };
  }
}

async function keysOf(path: string): Promise<BenchBackup> {
  const manifest = asDict(parsePlist(await readFile(join(path, 'Manifest.plist'))));
  const keybag = asData(manifest?.get('BackupKeyBag'));
  const manifestKey = asData(manifest?.get('ManifestKey'));
  if (keybag === undefined || manifestKey === undefined) throw new Error('The generated backup has no keys');
  const unlocked = await unlockKeybag(parseKeybag(keybag), { password });
  return {
    path,
    key: Buffer.from(unlocked.exportKey()).toString('hex'),
    manifestKey: unlocked.unwrapFileKey(manifestKey),
    unwrap: (wrapped) => unlocked.unwrapFileKey(wrapped),
  };
}

/** Builds an encrypted backup of `count` files of about `averageBytes` each. */
export async function generate(path: string, count: number, averageBytes: number): Promise<BenchBackup> {
  await rm(path, { recursive: true, force: true });
  await buildBackup(
    { ios: '17.4', password, seed: 'bench', files: files(count, averageBytes) },
    { to: path, collect: false },
  );
  return await keysOf(path);
}

/** Decrypts Manifest.db to `target`, for the peer and for {@link enlarge}. */
export async function decryptManifest(backup: BenchBackup, target: string): Promise<void> {
  const decipher = createDecipheriv('aes-256-cbc', backup.manifestKey, iv);
  await pipeline(createReadStream(join(backup.path, 'Manifest.db')), decipher, createWriteStream(target));
}

/** Encrypts a plain manifest into a copy of `backup` without blobs. */
export async function withManifest(backup: BenchBackup, plain: string, path: string): Promise<BenchBackup> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  for (const name of ['Info.plist', 'Manifest.plist', 'Status.plist']) {
    await writeFile(join(path, name), await readFile(join(backup.path, name)));
  }
  const cipher = createCipheriv('aes-256-cbc', backup.manifestKey, iv);
  await pipeline(createReadStream(plain), cipher, createWriteStream(join(path, 'Manifest.part')));
  await rename(join(path, 'Manifest.part'), join(path, 'Manifest.db'));
  return { ...backup, path };
}

import { createHash, hkdfSync } from 'node:crypto';
import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { hexEncode, isBytes } from '../core/bytes.js';
import { BackupKitError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { readTreeFile } from '../core/memory-tree.js';
import { keyBytes } from '../crypto/derive.js';
import { parseKeybag } from '../crypto/keybag.js';
import { unlockKeybag, UnlockedKeybag } from '../crypto/unlock.js';
import { ManifestFile } from '../manifest/backup-file.js';
import { Backup } from '../manifest/backup.js';
import { recordKeyBytes } from '../manifest/obfuscation.js';
import { asBoolean, asData, asDict } from '../plist/guards.js';
import { parsePlist } from '../plist/parse.js';
import type { PlistDict } from '../plist/types.js';
import type { UnlockedBackup } from '../snapshot/types.js';

/** What opens encrypted backups: the password, or what {@link Backup.exportKey} gave. */
export interface BackupSecret {
  /** The backup password, as typed. */
  password?: string | undefined;
  /** What `Backup.exportKey` gave: spares the seconds of key derivation. */
  key?: Uint8Array | undefined;
}

/** What has opened a keybag: the key that was derived, and the secret that was given. */
interface Opened {
  readonly key: Uint8Array;
  readonly secret: BackupSecret;
}

const manifestName = 'Manifest.db';

/** Opens backups with the secrets that were given. Keys are derived once for each keybag, and kept in memory only. */
export class BackupUnlocker {
  readonly #secrets: readonly BackupSecret[];
  readonly #opened = new Map<string, Promise<Opened | undefined>>();

  /** @throws TypeError, RangeError for secrets that cannot be one */
  constructor(secrets: readonly BackupSecret[]) {
    for (const { password, key } of secrets) {
      if (password !== undefined && typeof password !== 'string') throw new TypeError('password must be a string');
      if (key === undefined) continue;
      if (!isBytes(key)) throw new TypeError('key must be a Uint8Array');
      if (key.length !== keyBytes && key.length !== keyBytes + recordKeyBytes)
        throw new RangeError(`key must have ${keyBytes} or ${keyBytes + recordKeyBytes} bytes, not ${key.length}`);
    }
    this.#secrets = secrets;
  }

  /** Opens the keys of a backup; `undefined` where it has none, or none of the secrets fits. */
  async unlock(tree: BackupTree, options: AbortOptions = {}): Promise<UnlockedBackup | undefined> {
    const plist = await readManifestPlist(tree, options);
    const keybag = asData(plist?.get('BackupKeyBag'));
    if (plist === undefined || keybag === undefined || asBoolean(plist.get('IsEncrypted')) === false) return undefined;
    const name = hexEncode(createHash('sha256').update(keybag).digest());
    const opened = await this.#open(name, keybag, options);
    return opened && new UnlockedTree(tree, { name, keybag, plist, opened });
  }

  async #open(name: string, keybag: Uint8Array, options: AbortOptions): Promise<Opened | undefined> {
    let opening = this.#opened.get(name);
    if (opening === undefined) {
      opening = this.#tryAll(keybag, options);
      this.#opened.set(name, opening);
      // E.g. an abort: the next one tries again.
      opening.catch(() => this.#opened.delete(name));
    }
    return await opening;
  }

  async #tryAll(bytes: Uint8Array, { signal }: AbortOptions): Promise<Opened | undefined> {
    for (const secret of this.#secrets) {
      try {
        const { password, key } = secret;
        const credentials = { password, key: key?.slice(0, keyBytes) };
        const keys = await unlockKeybag(parseKeybag(bytes), credentials, { signal });
        const derived = keys.exportKey();
        await keys.close();
        return { key: derived, secret };
      } catch (error) {
        // A wrong password, or a keybag that nothing opens: what needs it stays as it is.
        if (!(error instanceof BackupKitError)) throw error;
      }
    }
    return undefined;
  }
}

class UnlockedTree implements UnlockedBackup {
  readonly keybag: string;
  readonly secret: Uint8Array;
  readonly #tree: BackupTree;
  readonly #plist: PlistDict;
  readonly #keys: UnlockedKeybag;
  readonly #opened: Opened;
  #backup: Promise<Backup> | undefined;

  constructor(
    tree: BackupTree,
    { name, keybag, plist, opened }: { name: string; keybag: Uint8Array; plist: PlistDict; opened: Opened },
  ) {
    this.keybag = name;
    this.secret = new Uint8Array(hkdfSync('sha256', opened.key, '', 'ios-backup-kit store secret', 32));
    this.#tree = tree;
    this.#plist = plist;
    this.#opened = opened;
    this.#keys = new UnlockedKeybag(parseKeybag(keybag), opened.key.slice());
  }

  async fileKey(path: string, options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    try {
      if (path === manifestName) {
        const wrapped = asData(this.#plist.get('ManifestKey'));
        return wrapped && this.#keys.unwrapManifestKey(wrapped);
      }
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (!/^[0-9a-f]{40}$/.test(name)) return undefined;
      const backup = await (this.#backup ??= this.#openBackup());
      const file = backup.summary.isEncrypted ? await backup.files.getById(name, options) : undefined;
      const wrapped = file instanceof ManifestFile && file.kind === 'file' ? file.wrappedKey : undefined;
      return wrapped && this.#keys.unwrapFileKey(wrapped);
    } catch (error) {
      // Damaged, or a key that only the device has: the file stays as it is.
      if (error instanceof BackupKitError) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.secret.fill(0);
    await this.#keys.close();
    const backup = await this.#backup?.catch(() => undefined);
    await backup?.close();
  }

  async #openBackup(): Promise<Backup> {
    const { key, secret } = this.#opened;
    return await Backup.open(this.#tree, { password: secret.password, key: secret.key ?? key });
  }
}

async function readManifestPlist(tree: BackupTree, options: AbortOptions): Promise<PlistDict | undefined> {
  const bytes = await readTreeFile(tree, 'Manifest.plist', { ...options, limit: limits.plistBytes });
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return asDict(parsePlist(bytes));
  } catch {
    return undefined;
  }
}

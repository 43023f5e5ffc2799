import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { SnapshotError } from '../../core/errors.js';
import { decryptedView, encryptedView } from '../contents/cbc-view.js';
import { openDelta } from '../contents/delta-source.js';
import { readSettings } from '../store/device-settings.js';
import type { PackedEntry } from '../store/packed-entries.js';
import type { Site } from '../store/site.js';
import { changeStoreFile, decodeStoreFile, storeFileKey, storeFileLimit, type StoreFile } from '../store/store-file.js';
import { versionInfo } from '../store/version-info.js';
import { StoredVersion } from '../store/version.js';
import type { UnlockedBackup } from '../types.js';
import { newStoreKey, openEntrySeal, sealedKeyId, unwrapStoreKey, wrapStoreKey, type StoreKey } from './seal-format.js';
import type { OpenedSeal, Seals } from './seals.js';

/** Feature of a store with sealed deltas. */
const sealedFeature = 'sealed-deltas';

/** What a rebuilt content was made of, so that the next one of a chain is laid over that, instead of decrypting it again. */
const plainOf = new WeakMap<ByteSource, { readonly key: Uint8Array | undefined; readonly plain: ByteSource }>();

/** A stored content as its key decrypts it; without a key as it is. The result closes it. */
export function plainView(stored: ByteSource, key: Uint8Array | undefined): ByteSource {
  const known = plainOf.get(stored);
  if (known !== undefined && sameKey(known.key, key)) return known.plain;
  return key === undefined ? stored : decryptedView(stored, key);
}

function sameKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}

/** Opens a sealed delta over its base, as stored. Takes both sources over, also where it fails. */
export async function openSealed(
  pack: ByteSource,
  { entry, pack: part }: PackedEntry,
  { base, key }: { base: ByteSource; key: StoreKey },
): Promise<ByteSource> {
  try {
    const { opener, files } = openEntrySeal(entry, key, part);
    const plain = await openDelta(pack, entry, plainView(base, files.base), {
      part,
      opener,
      ownsPack: true,
      ownsBase: true,
    });
    const stored = files.target === undefined ? { ...plain } : encryptedView(plain, files.target);
    plainOf.set(stored, { key: files.target, plain });
    return stored;
  } catch (error) {
    await pack.close();
    await base.close();
    throw error;
  }
}

/** Store keys, opened by the secrets of backups. */
export class StoreSeals implements Seals {
  #site: Site | undefined;
  readonly #keys = new Map<string, StoreKey>();
  /** Secrets by keybag. */
  readonly #secrets = new Map<string, Promise<Uint8Array | undefined>>();

  /** Says what store these are for; once, before anything else is called. */
  connect(site: Site): void {
    this.#site = site;
  }

  async rebuild(pack: ByteSource, packed: PackedEntry, base: ByteSource): Promise<ByteSource> {
    let key: StoreKey;
    try {
      key = await this.#keyOf(packed);
    } catch (error) {
      await pack.close();
      await base.close();
      throw error;
    }
    return await openSealed(pack, packed, { base, key });
  }

  async open(packed: PackedEntry): Promise<OpenedSeal> {
    const key = await this.#keyOf(packed);
    return { key, ...openEntrySeal(packed.entry, key, packed.pack) };
  }

  async sealingKey(
    unlocked: readonly Pick<UnlockedBackup, 'keybag' | 'secret'>[],
    options: AbortOptions = {},
  ): Promise<StoreKey | undefined> {
    if (unlocked.length === 0) return undefined;
    const file = await this.#readFile(options);
    for (const { keybag, secret } of unlocked) this.#secrets.set(keybag, Promise.resolve(secret.slice()));
    const found = new Map<string, StoreKey>();
    for (const { id, keybag, wrapped } of file.keys) {
      const secret = unlocked.find((backup) => backup.keybag === keybag)?.secret;
      const key = found.get(id) ?? (secret && unwrapStoreKey(id, wrapped, secret));
      if (key !== undefined) found.set(id, key);
    }
    if (found.size === 0) {
      const key = newStoreKey();
      found.set(key.id, key);
    }
    const isWrapped = (id: string, keybag: string): boolean =>
      file.keys.some((wrapping) => wrapping.id === id && wrapping.keybag === keybag);
    const added = [...found.values()].flatMap((key) =>
      unlocked
        .filter(({ keybag }, index) => unlocked.findIndex((other) => other.keybag === keybag) === index)
        .filter(({ keybag }) => !isWrapped(key.id, keybag))
        .map(({ keybag, secret }) => ({ id: key.id, keybag, wrapped: wrapStoreKey(key, secret) })),
    );
    if (added.length > 0 || !file.requires.includes(sealedFeature)) await this.#writeKeys(added, options);
    for (const [id, key] of found) this.#keys.set(id, key);
    const [first] = found.values();
    return first;
  }

  close(): void {
    for (const { key } of this.#keys.values()) key.fill(0);
    this.#keys.clear();
    this.#secrets.clear();
  }

  async #keyOf({ pack, entry }: PackedEntry): Promise<StoreKey> {
    const id = sealedKeyId(entry);
    if (id === undefined)
      throw new SnapshotError(
        'SNAPSHOT_FORMAT_UNSUPPORTED',
        `${pack} holds contents that were sealed by a newer release`,
        {
          part: pack,
        },
      );
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    for (const { id: named, keybag, wrapped } of (await this.#readFile()).keys) {
      const secret = named === id ? await this.#secretOf(keybag) : undefined;
      const key = secret && unwrapStoreKey(id, wrapped, secret);
      if (key === undefined) continue;
      this.#keys.set(id, key);
      return key;
    }
    throw new SnapshotError(
      'SNAPSHOT_SECRET_REQUIRED',
      `${pack} holds differences of decrypted files; open the store with the password or key of the backup`,
      { part: pack },
    );
  }

  async #secretOf(keybag: string): Promise<Uint8Array | undefined> {
    let secret = this.#secrets.get(keybag);
    if (secret === undefined) {
      secret = this.#unlockAny(keybag);
      this.#secrets.set(keybag, secret);
      secret.catch(() => this.#secrets.delete(keybag));
    }
    return await secret;
  }

  /** The secret of a keybag, by any version that has it. */
  async #unlockAny(keybag: string): Promise<Uint8Array | undefined> {
    const site = this.#requireSite();
    const { records, blobs, knowledge } = site;
    if (knowledge.unlock === undefined) return undefined;
    for (const udid of await records.devices()) {
      const settings = await readSettings(blobs, udid);
      for (const listed of await records.list(udid, { onDamage: () => undefined })) {
        if (listed.header.backup.keybag !== keybag) continue;
        try {
          const record = await records.read(udid, listed.header.id);
          if (record === undefined) continue;
          await using version = new StoredVersion(site, versionInfo(record, settings), record.table);
          const unlocked = await knowledge.unlock(version);
          if (unlocked?.keybag === keybag) {
            const secret = unlocked.secret.slice();
            await unlocked.close();
            return secret;
          }
          await unlocked?.close();
          return undefined;
        } catch (error) {
          // Another version may be intact.
          if (!(error instanceof SnapshotError)) throw error;
        }
      }
    }
    return undefined;
  }

  async #readFile(options?: AbortOptions): Promise<StoreFile> {
    return decodeStoreFile(await this.#readBytes(options), { readOnly: this.#requireSite().readOnly });
  }

  async #readBytes(options?: AbortOptions): Promise<Uint8Array> {
    const content = await this.#requireSite().blobs.get(storeFileKey, { length: storeFileLimit }, options);
    if (content === undefined)
      throw new SnapshotError('SNAPSHOT_CORRUPT', `${storeFileKey} is missing`, { part: storeFileKey });
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    return concatBytes(parts);
  }

  async #writeKeys(added: StoreFile['keys'], options: AbortOptions): Promise<void> {
    const { blobs } = this.#requireSite();
    const bytes = changeStoreFile(await this.#readBytes(options), { keys: added, requires: [sealedFeature] });
    await blobs.put(storeFileKey, bytes, { size: bytes.length, signal: options.signal });
  }

  #requireSite(): Site {
    if (this.#site === undefined) throw new TypeError('connect() was not called');
    return this.#site;
  }
}

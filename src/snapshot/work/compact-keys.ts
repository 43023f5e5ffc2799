import type { AbortOptions } from '../../core/abort.js';
import { SnapshotError } from '../../core/errors.js';
import type { StoreKey } from '../seals/seal-format.js';
import { readSettings } from '../store/device-settings.js';
import type { Site } from '../store/site.js';
import { versionInfo } from '../store/version-info.js';
import { StoredVersion } from '../store/version.js';
import type { UnlockedBackup } from '../types.js';
import type { PlacedContent, PlannedVersion } from './compact-plan.js';

/** Keys of files of encrypted versions, for as long as a compaction takes. */
export class CompactKeys {
  readonly #site: Site;
  /** By version and path. */
  readonly #files = new Map<string, Uint8Array>();
  /** Secrets of the backups that were unlocked, by device. */
  readonly #unlocked = new Map<string, Pick<UnlockedBackup, 'keybag' | 'secret'>[]>();
  readonly #sealing = new Map<string, Promise<StoreKey | undefined>>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** Looks up the keys of files, version by version; what is not encrypted, or cannot be unlocked, has none. */
  async gather(files: Iterable<PlacedContent>, isOver: () => boolean, options: AbortOptions): Promise<void> {
    const { knowledge } = this.#site;
    if (knowledge.unlock === undefined) return;
    const byVersion = new Map<string, { version: PlannedVersion; paths: Set<string> }>();
    for (const { version, path } of files) {
      if (!version.encrypted) continue;
      const known = byVersion.get(version.id);
      if (known === undefined) byVersion.set(version.id, { version, paths: new Set([path]) });
      else known.paths.add(path);
    }
    for (const { version, paths } of byVersion.values()) {
      options.signal?.throwIfAborted();
      if (isOver()) return;
      await this.#look(version, paths, options);
    }
  }

  /** The key of a file. */
  of({ version, path }: PlacedContent): Uint8Array | undefined {
    return this.#files.get(`${version.id}/${path}`);
  }

  /** The key of the store for seals of a device; `undefined` where none of its backups was unlocked. */
  async sealing(udid: string, options: AbortOptions): Promise<StoreKey | undefined> {
    let key = this.#sealing.get(udid);
    if (key === undefined) {
      key = this.#site.seals.sealingKey(this.#unlocked.get(udid) ?? [], options);
      this.#sealing.set(udid, key);
    }
    return await key;
  }

  /** Wipes all of them. */
  wipe(): void {
    for (const key of this.#files.values()) key.fill(0);
    for (const unlocked of this.#unlocked.values()) for (const { secret } of unlocked) secret.fill(0);
    this.#files.clear();
    this.#unlocked.clear();
  }

  async #look(planned: PlannedVersion, paths: ReadonlySet<string>, options: AbortOptions): Promise<void> {
    const { records, blobs, knowledge } = this.#site;
    try {
      const record = await records.read(planned.udid, planned.id, options);
      if (record === undefined) return;
      const info = versionInfo(record, await readSettings(blobs, planned.udid, options));
      await using version = new StoredVersion(this.#site, info, record.table);
      const unlocked = await knowledge.unlock?.(version, options);
      if (unlocked === undefined) return;
      try {
        const { keybag, secret } = unlocked;
        const known = this.#unlocked.get(planned.udid) ?? [];
        if (!known.some((other) => other.keybag === keybag)) known.push({ keybag, secret: secret.slice() });
        this.#unlocked.set(planned.udid, known);
        for (const path of paths) {
          const key = await unlocked.fileKey(path, options);
          if (key !== undefined) this.#files.set(`${planned.id}/${path}`, key);
        }
      } finally {
        await unlocked.close();
      }
    } catch (error) {
      // Without its keys, what a damaged version has stays whole.
      if (!(error instanceof SnapshotError)) throw error;
    }
  }
}

import { randomUUID } from 'node:crypto';
import type { AbortOptions } from '../../../core/abort.js';
import type { ByteSource } from '../../../core/byte-source.js';
import { equalBytes } from '../../../core/bytes.js';
import { isBackupKitError } from '../../../core/errors.js';
import { openBlob } from '../../blobs/open-blob.js';
import { FileHasher } from '../../fs/hash-file.js';
import { nodeFs } from '../../fs/node-fs.js';
import { storePath } from '../../store/place.js';
import { Records, type ResolvedRecord } from '../../store/records.js';
import type { Site } from '../../store/site.js';
import type { WorkLeases } from '../../store/work-leases.js';
import { readBlob } from '../verify/structure.js';
import type { LostPart, MendedPart, RepairReport } from './report.js';

/** What those who mend have in common. Without a lease nothing is written. */
export class Workshop {
  readonly site: Site;
  readonly replica: Site | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether what cannot be mended may be set aside, and what can be read be taken to be right. */
  readonly giveUp: boolean;
  readonly #lease: WorkLeases | undefined;
  readonly #mended: MendedPart[] = [];
  readonly #lost: LostPart[] = [];
  readonly #quarantined: string[] = [];
  readonly #hasher: FileHasher;

  constructor(
    site: Site,
    options: AbortOptions & { replica: Site | undefined; giveUp: boolean; lease: WorkLeases | undefined },
  ) {
    this.site = site;
    this.replica = options.replica;
    this.signal = options.signal;
    this.giveUp = options.giveUp;
    this.#lease = options.lease;
    this.#hasher = new FileHasher(site.local?.place.fs ?? nodeFs, options.signal);
  }

  /** Whether only a report is wanted. */
  get isDry(): boolean {
    return this.#lease === undefined;
  }

  get report(): RepairReport {
    return { dryRun: this.isDry, mended: this.#mended, lost: this.#lost, quarantined: this.#quarantined };
  }

  mended({ problem, part, from }: MendedPart): void {
    this.#mended.push({ problem, part, from });
  }

  lost({ problem, part, message, versions }: LostPart): void {
    this.#lost.push({ problem, part, message, versions });
  }

  /** Does what changes the store, unless this is a dry run. */
  async change(work: () => Promise<void>): Promise<void> {
    this.signal?.throwIfAborted();
    this.#lease?.check();
    if (!this.isDry) await work();
  }

  /** Moves bad bytes aside; nothing happens where there are none. */
  async quarantine(part: string): Promise<void> {
    const { blobs, local } = this.site;
    const name = `quarantine/${part.replaceAll('/', '_')}.${randomUUID().slice(0, 8)}`;
    if ((await blobs.head(part, { signal: this.signal })) === undefined) return;
    this.#quarantined.push(name);
    await this.change(async () => {
      if (local === undefined) {
        const content = await blobs.get(part);
        const info = await blobs.head(part);
        if (content === undefined || info === undefined) return;
        await blobs.put(name, content, { size: info.size });
        await blobs.delete([part]);
        return;
      }
      const { fs } = local.place;
      fs.makeFolder(storePath(local.place, 'quarantine'));
      fs.rename(storePath(local.place, part), storePath(local.place, name));
    });
  }

  /** Puts bytes in the place of bad ones. */
  async replace(part: string, bytes: Uint8Array): Promise<void> {
    await this.quarantine(part);
    await this.change(async () => {
      await this.site.blobs.put(part, bytes, { size: bytes.length });
    });
  }

  /** The bytes of a part of a store; `undefined` for nothing. */
  async read(site: Site, part: string): Promise<Uint8Array | undefined> {
    return await readBlob(site.blobs, part, { signal: this.signal });
  }

  /** Whether a source, which is closed, has these bytes and can be read. */
  async isContent(source: ByteSource | undefined, hash: Uint8Array): Promise<boolean> {
    if (source === undefined) return false;
    try {
      return equalBytes((await this.#hasher.hashSource(source)).hash, hash);
    } catch (error) {
      return this.ignoreUnreadable(error);
    } finally {
      await source.close();
    }
  }

  /** `undefined` for a source that cannot be opened. */
  async tryOpen(open: () => Promise<ByteSource | undefined>): Promise<ByteSource | undefined> {
    try {
      return await open();
    } catch (error) {
      this.ignoreUnreadable(error);
      return undefined;
    }
  }

  /** Goes on where damage was met, and throws anything else. */
  ignoreUnreadable(error: unknown): false {
    if (
      isBackupKitError(error, 'SNAPSHOT_CORRUPT') ||
      isBackupKitError(error, 'SNAPSHOT_FORMAT_UNSUPPORTED') ||
      isBackupKitError(error, 'SNAPSHOT_SECRET_REQUIRED') ||
      isBackupKitError(error, 'SNAPSHOT_NOT_FOUND') ||
      isBackupKitError(error, 'FORMAT_LIMIT_EXCEEDED') ||
      isBackupKitError(error, 'IO_FAILED')
    )
      return false;
    throw error;
  }

  /** An object of a store. */
  async object(site: Site, part: string): Promise<ByteSource | undefined> {
    return await this.tryOpen(async () => await openBlob(site.blobs, part, { signal: this.signal }));
  }

  /** Every record of a store that can be read, those of newest backups included, one after another. */
  async *records(site: Site): AsyncGenerator<ResolvedRecord & { readonly key: string }, void, undefined> {
    const records = new Records(site.blobs);
    for await (const { key } of site.blobs.list('devices/', { signal: this.signal })) {
      if (!key.endsWith('.ver')) continue;
      let record: ResolvedRecord | undefined;
      try {
        record = await records.readKey(key, { signal: this.signal });
      } catch (error) {
        this.ignoreUnreadable(error);
      }
      if (record !== undefined) yield { ...record, key };
    }
  }
}

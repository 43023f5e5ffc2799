import type { ByteSource } from '../../core/byte-source.js';
import { hexEncode } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { isUdid } from '../format/version-id.js';
import { sameTime } from '../run/scan-live.js';
import type { ContentPlace } from './contents.js';
import type { LiveRecords } from './live-record.js';
import { keys } from './keys.js';
import { livePath, storePath, type Place } from './place.js';
import type { Records, ResolvedRecord } from './records.js';
import { readCommit, runsOf, type RunFolders } from './run-files.js';

interface KnownFile {
  readonly path: string;
  readonly modifiedUs: number;
}

/** Contents that the newest backups alone may hold: in `move` placement a content becomes an object when it is replaced. */
export class LiveContents implements ContentPlace {
  readonly #place: Place;
  readonly #live: LiveRecords;
  readonly #records: Records;
  /** Files by the hash of their content. */
  #files: Promise<Map<string, KnownFile[]>> | undefined;

  constructor(place: Place, live: LiveRecords, records: Records) {
    this.#records = records;
    this.#place = place;
    this.#live = live;
  }

  async open({ hash, size }: { hash: Uint8Array; size: number }): Promise<ByteSource | undefined> {
    this.#files ??= this.#read();
    for (const { path, modifiedUs } of (await this.#files).get(hexEncode(hash)) ?? []) {
      const facts = this.#place.fs.facts(path);
      // Another tool has changed it since: what it was is lost.
      if (facts?.size !== size || !sameTime(facts.modifiedUs, modifiedUs, this.#place.timeStepUs)) continue;
      const source = this.#place.fs.open(path);
      if (source !== undefined) return source;
    }
    return undefined;
  }

  refresh(): void {
    this.#files = undefined;
  }

  async #read(): Promise<Map<string, KnownFile[]>> {
    const files = new Map<string, KnownFile[]>();
    const add = ({ table }: ResolvedRecord, pathsOf: (path: string) => string[]): void => {
      for (const { hash, path, modifiedUs } of table.rows()) {
        if (hash.length === 0) continue;
        const known = files.get(hexEncode(hash)) ?? [];
        for (const full of pathsOf(path)) known.push({ path: full, modifiedUs });
        files.set(hexEncode(hash), known);
      }
    };
    const { fs } = this.#place;
    const runs = fs.entries(storePath(this.#place, 'runs')).map(({ name }) => name);
    for (const udid of new Set([...this.#live.devices(), ...runs.filter(isUdid)])) {
      if (!this.#live.holds(udid)) continue;
      const record = await this.#live.read(udid);
      if (record !== undefined) add(record, (path) => [livePath(this.#place, udid, path)]);
      // Between the commit of a run and its end, files are under way from its folder.
      for (const folders of runsOf(this.#place, udid)) {
        const committing = await this.#committing(udid, folders);
        if (committing !== undefined)
          add(committing, (path) => [`${folders.newFolder}/${path}`, livePath(this.#place, udid, path)]);
      }
    }
    return files;
  }

  async #committing(udid: string, folders: RunFolders): Promise<ResolvedRecord | undefined> {
    const commit = readCommit(this.#place, folders);
    if (commit === undefined) return undefined;
    try {
      return await this.#records.readKey(keys.version(udid, commit.version));
    } catch (error) {
      if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) return undefined;
      throw error;
    }
  }
}

import { utf8DecodeStrict, utf8Encode } from '../../core/bytes.js';
import { isBackupKitError } from '../../core/errors.js';
import { putDurable } from '../fs/durable.js';
import { recordLimit } from '../format/framed.js';
import { decodeRecord, encodeRecord, type RecordHeader, type VersionRecord } from '../format/record.js';
import { isUdid } from '../format/version-id.js';
import { keys } from './keys.js';
import { storePath, type Place } from './place.js';
import type { Records, ResolvedRecord } from './records.js';

/** What is known of a newest backup besides its record. */
export interface LiveNotes {
  /** Paths whose time says nothing of their content, because they had just been written. */
  readonly doubtful: readonly string[];
  /** Whether some contents lie there alone: they were stored in `move` placement, perhaps on another disk. */
  readonly holds: boolean;
}

/** Bytes of these notes that are believed. */
const notesLimit = 64 * 1024 * 1024;

/** What each newest backup holds, as far as the store has made it so: a copy of the record of a version. */
export class LiveRecords {
  readonly #place: Place;
  readonly #records: Records;

  constructor(place: Place, records: Records) {
    this.#place = place;
    this.#records = records;
  }

  /** UDIDs of devices whose newest backup is known. */
  devices(): string[] {
    return this.#place.fs
      .entries(storePath(this.#place, 'devices'))
      .map(({ name }) => name)
      .filter((name) => isUdid(name) && this.#place.fs.facts(storePath(this.#place, keys.live(name))) !== undefined);
  }

  /** The record of the newest backup; `undefined` where none is known, or it cannot be read: then the files tell. */
  async read(udid: string): Promise<ResolvedRecord | undefined> {
    return await unlessDamaged(this.#records.readKey(keys.live(udid)));
  }

  /** The header of that record, without its table; `undefined` where none is known, or it cannot be read. */
  async header(udid: string): Promise<RecordHeader | undefined> {
    return await unlessDamaged(this.#records.header(keys.live(udid)));
  }

  /** What is known of the newest backup besides its record. */
  notes(udid: string): LiveNotes {
    const bytes = this.#place.fs.read(storePath(this.#place, keys.liveNotes(udid)), notesLimit);
    try {
      const { doubtful, holds } = JSON.parse((bytes && utf8DecodeStrict(bytes)) ?? '{}') as Partial<
        Record<keyof LiveNotes, unknown>
      >;
      return {
        doubtful: Array.isArray(doubtful) ? doubtful.filter((path) => typeof path === 'string') : [],
        holds: holds === true,
      };
    } catch {
      // To hold contents that have objects as well is no harm, the other way round is.
      return { doubtful: [], holds: true };
    }
  }

  /** The version that the newest backup is; `undefined` where that is not known. */
  idOf(udid: string): string | undefined {
    const bytes = this.#place.fs.read(storePath(this.#place, keys.live(udid)), recordLimit);
    if (bytes === undefined) return undefined;
    try {
      return decodeRecord(bytes, keys.live(udid)).header.id;
    } catch {
      return undefined;
    }
  }

  /** Notes that contents may lie in the newest backup alone, before there are such. */
  mayHold(udid: string): void {
    if (!this.holds(udid)) return;
    const notes = this.notes(udid);
    if (!notes.holds) this.#put(keys.liveNotes(udid), utf8Encode(JSON.stringify({ ...notes, holds: true })));
  }

  /** Whether contents may lie in the newest backup alone. */
  holds(udid: string): boolean {
    return this.#place.placement === 'move' || this.notes(udid).holds;
  }

  /** Says what the newest backup now holds. */
  write(udid: string, record: VersionRecord, doubtful: readonly string[]): void {
    const notes: LiveNotes = { doubtful, holds: this.holds(udid) };
    // The notes first: without their record they are only work for nothing.
    this.#put(keys.liveNotes(udid), utf8Encode(JSON.stringify(notes)));
    this.#put(keys.live(udid), encodeRecord(record));
  }

  #put(key: string, bytes: Uint8Array): void {
    putDurable(this.#place.fs, {
      staging: storePath(this.#place, 'staging'),
      path: storePath(this.#place, key),
      bytes,
    });
  }
}

/** What is read; `undefined` where it is damaged. */
async function unlessDamaged<T>(read: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isBackupKitError(error, 'SNAPSHOT_CORRUPT')) return undefined;
    throw error;
  }
}

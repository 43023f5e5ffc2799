import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { memorySource, type ByteSource } from '../../core/byte-source.js';
import { concatBytes, equalBytes, hexEncode } from '../../core/bytes.js';
import { ioError, SnapshotError } from '../../core/errors.js';
import type { PackRows } from '../contents/pack-rows.js';
import { PackWriter } from '../contents/pack-writer.js';
import { makeFolderDurable, removeQuietly } from '../fs/durable.js';
import type { FileHasher } from '../fs/hash-file.js';
import type { FileWriter } from '../fs/store-fs.js';
import { keys } from '../store/keys.js';
import { storePath, type Place } from '../store/place.js';
import type { Site } from '../store/site.js';

/** Where the bytes of a pack go until it is whole. */
interface DraftFile {
  readonly writer: FileWriter;
  /** What was written so far. The caller closes the source. */
  read(): ByteSource;
  /** Makes it part of the store, on the disk. */
  name(key: string): Promise<void>;
  discard(): void;
}

/** A pack that is being made. It is part of the store from {@link PackDraft.publish} on, and no trace of it is left before. */
export class PackDraft {
  readonly writer: PackWriter;
  /** Its name in the store, later. */
  readonly key: string;
  readonly #file: DraftFile;

  /** @throws IoError */
  constructor(site: Site) {
    const id = hexEncode(randomBytes(16));
    this.key = keys.pack(id);
    this.#file = site.local === undefined ? inMemory(site) : onDisk(site.local.place, id);
    this.writer = new PackWriter(this.#file.writer);
  }

  /** What was written so far, to be read back. The caller closes the source. */
  readBack(): ByteSource {
    this.writer.flush();
    return this.#file.read();
  }

  /** Ends the pack; no entry can be added afterwards. */
  finish(): PackRows {
    return this.writer.finish();
  }

  /** Brings a pack that was ended to the disk, and only then gives it its name. `check` is called in between. */
  async publish(check: () => void): Promise<void> {
    this.#file.writer.sync();
    this.#file.writer.close();
    check();
    await this.#file.name(this.key);
  }

  /** Throws away what was not published; does nothing afterwards. */
  discard(): void {
    this.#file.writer.close();
    this.#file.discard();
  }
}

function onDisk(place: Place, id: string): DraftFile {
  const { fs } = place;
  const staging = storePath(place, 'staging');
  const draft = `${staging}/pack-${id}`;
  const attempt = <T>(doing: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw ioError(error, draft, doing);
    }
  };
  const file = attempt('writing', () => {
    makeFolderDurable(fs, staging);
    return fs.create(draft, 0o444);
  });
  return {
    writer: {
      write(bytes) {
        attempt('writing', () => {
          file.write(bytes);
        });
      },
      sync() {
        attempt('syncing', () => {
          file.sync();
        });
      },
      close() {
        file.close();
      },
    },
    read() {
      const source = attempt('reading', () => fs.open(draft));
      if (source === undefined)
        throw new SnapshotError('SNAPSHOT_LEASE_LOST', `${draft} was removed by another program`);
      return source;
    },
    async name(key) {
      attempt('writing', () => {
        const path = storePath(place, key);
        makeFolderDurable(fs, dirname(path));
        fs.rename(draft, path);
        fs.sync(dirname(path));
      });
    },
    discard() {
      removeQuietly(fs, draft);
    },
  };
}

function inMemory({ blobs }: Site): DraftFile {
  let parts: Uint8Array[] = [];
  const all = (): Uint8Array => {
    const whole = concatBytes(parts);
    parts = [whole];
    return whole;
  };
  return {
    writer: {
      write(bytes) {
        parts.push(bytes.slice());
      },
      sync() {},
      close() {},
    },
    read: () => memorySource(all()),
    async name(key) {
      const bytes = all();
      await blobs.put(key, bytes, { size: bytes.length });
    },
    discard() {
      parts = [];
    },
  };
}

/** Whether the bytes of a source have a hash. Closes the source. */
export async function hasHash(source: ByteSource, hash: Uint8Array, hasher: FileHasher): Promise<boolean> {
  try {
    return equalBytes((await hasher.hashSource(source)).hash, hash);
  } finally {
    await source.close();
  }
}

import { createHash, hash as hashOf } from 'node:crypto';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { ByteWriter } from '../../core/byte-writer.js';
import { equalBytes, hexEncode } from '../../core/bytes.js';
import type { FileWriter } from '../fs/store-fs.js';
import { encodeFooter, encodeRow } from '../format/pack-directory.js';
import {
  chunkBytes,
  encodeEntryHeader,
  encodePackHeader,
  extentBytes,
  packCorrupt,
  packKinds,
  packLimits,
  type PackEntry,
  type PackEntryHeader,
} from '../format/pack-format.js';
import { BufferedOutput } from './buffered-output.js';
import type { ChunkSealer } from './chunk-seal.js';
import { ChunkWriter } from './chunk-writer.js';
import { copyEntryBytes } from './copy-entry.js';
import { encodeExtents, type Extents } from './extents.js';
import { PackRows } from './pack-rows.js';
import { Turns } from './turns.js';

/** A delta that is to be written. */
export interface DeltaPlan {
  /** SHA-256 of the content that it gives, and its size in bytes. */
  readonly target: { readonly hash: Uint8Array; readonly size: number };
  /** SHA-256 of the content that it is laid over, and its size in bytes. */
  readonly base: { readonly hash: Uint8Array; readonly size: number };
  /** What it replaces: in order, and with all that the base does not have. */
  readonly extents: Extents;
}

/** Options of {@link PackWriter.addDelta}. */
export interface AddDeltaOptions extends AbortOptions {
  /** Seals the chunks; the entry is a sealed delta then. */
  readonly sealer?: ChunkSealer | undefined;
  /** What the header of the entry keeps besides, e.g. wrapped keys; at most 3,900 bytes. */
  readonly extra?: Uint8Array | undefined;
}

/**
 * Writes a pack. Memory does not grow with the size of an entry, but for 8 bytes for each 128 KiB of it; the directory is
 * held until the end. A call that fails leaves dead bytes behind, and the pack can go on, unless the disk has refused them.
 * The caller syncs, closes and names the file.
 */
export class PackWriter {
  readonly #out: BufferedOutput;
  readonly #directory = new ByteWriter();
  readonly #scratch = Buffer.allocUnsafe(chunkBytes);
  /** A small content as a whole. */
  readonly #content = Buffer.allocUnsafe(chunkBytes);
  #count = 0;
  /** Row of the entry that was added last, which may still be taken back. */
  #last: readonly [row: Uint8Array, head: Uint8Array] | undefined;
  #state: 'open' | 'writing' | 'finished' = 'open';

  /** @param file - empty; stays open */
  constructor(file: FileWriter) {
    this.#out = new BufferedOutput(file);
    this.#out.write(encodePackHeader());
  }

  /** Bytes so far, without the directory. */
  get bytes(): number {
    return this.#out.bytes;
  }

  /** Entries so far. */
  get count(): number {
    return this.#count + (this.#last === undefined ? 0 : 1);
  }

  /** Whether the directory has reached its limit, so that another pack is needed. */
  get full(): boolean {
    const row = packLimits.headerBytes + 16;
    return this.count >= packLimits.entries || this.#directory.length + 2 * row > packLimits.directoryBytes;
  }

  /**
   * Adds a whole content.
   *
   * @param hash - its SHA-256, which is checked while it is written
   * @param source - the content; stays open
   * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where the bytes are others
   */
  async addContent(hash: Uint8Array, source: ByteSource, options: AbortOptions = {}): Promise<PackEntry> {
    const header = {
      kind: packKinds.content,
      target: new Uint8Array(hash),
      size: source.size,
      dataBytes: source.size,
      base: undefined,
      extra: new Uint8Array(0),
    };
    if (source.readSync !== undefined && source.size <= chunkBytes) {
      const bytes = this.#content.subarray(0, source.readSync(0, this.#content.subarray(0, source.size)));
      if (!equalBytes(hashOf('sha256', bytes, 'buffer'), hash)) throw otherBytes(hash);
      return await this.#add(header, options, (chunks) => {
        chunks.append(bytes);
      });
    }
    const hasher = createHash('sha256');
    return await this.#add(header, { signal: options.signal }, async (chunks, turns) => {
      for await (const bytes of source.stream(undefined, options)) {
        hasher.update(bytes);
        chunks.append(bytes);
        if (turns.due) await turns.take();
      }
      if (!equalBytes(hasher.digest(), hash)) throw otherBytes(hash);
    });
  }

  /**
   * Adds a delta.
   *
   * @param plan - what it replaces
   * @param data - the bytes of all extents, in order; each piece must be valid until the next one is asked for
   * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where the data is shorter or longer than the extents
   */
  async addDelta(plan: DeltaPlan, data: AsyncIterable<Uint8Array>, options: AddDeltaOptions = {}): Promise<PackEntry> {
    const { target, base, extents } = plan;
    if (extents.count > packLimits.extents) throw new RangeError(`a delta cannot have ${extents.count} extents`);
    const header = {
      kind: options.sealer === undefined ? packKinds.delta : packKinds.sealedDelta,
      target: new Uint8Array(target.hash),
      size: target.size,
      dataBytes: extents.count * extentBytes + extents.bytes,
      base: { hash: new Uint8Array(base.hash), size: base.size, extents: extents.count },
      extra: new Uint8Array(options.extra ?? []),
    };
    return await this.#add(header, options, async (chunks, turns) => {
      for (const bytes of encodeExtents(extents)) chunks.append(bytes);
      for await (const bytes of data) {
        chunks.append(bytes);
        if (turns.due) await turns.take();
      }
    });
  }

  /**
   * Adds an entry of another pack as it stands there, sealed ones and unknown kinds too. Its checksums are compared on the way.
   *
   * @param pack - the bytes of the other pack; stays open
   * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT` where a header, a chunk or the table is damaged
   */
  async copyEntry(pack: ByteSource, entry: PackEntry, options: AbortOptions = {}): Promise<PackEntry> {
    options.signal?.throwIfAborted();
    if (this.full) throw new RangeError('The pack is full');
    this.#begin();
    try {
      const offset = this.#out.bytes;
      await copyEntryBytes(pack, entry, (bytes) => this.#out.write(bytes), options);
      this.#last = [encodeRow(offset, entry.length), encodeEntryHeader(entry)];
      return { ...entry, offset };
    } finally {
      this.#state = 'open';
    }
  }

  /** Hands everything on to the file, so that entries can be read before the pack is finished. */
  flush(): void {
    this.#out.flush();
  }

  /** Takes the entry that was added last out of the directory: its bytes stay, and mean nothing. */
  takeBack(): void {
    this.#last = undefined;
  }

  /** Writes the directory, and gives it. No entry can be added afterwards. */
  finish(): PackRows {
    this.#begin();
    const offset = this.#out.bytes;
    const directory = this.#directory.finish();
    this.#out.write(directory);
    this.#out.write(encodeFooter(directory, offset, this.#count));
    this.#out.flush();
    this.#state = 'finished';
    return new PackRows(directory);
  }

  async #add(
    header: PackEntryHeader,
    options: AddDeltaOptions,
    fill: (chunks: ChunkWriter, turns: Turns) => Promise<void> | void,
  ): Promise<PackEntry> {
    options.signal?.throwIfAborted();
    if (this.full) throw new RangeError('The pack is full');
    const head = encodeEntryHeader(header);
    this.#begin();
    try {
      const offset = this.#out.bytes;
      this.#out.write(head);
      const chunks = new ChunkWriter((bytes) => this.#out.write(bytes), this.#scratch, options.sealer);
      await fill(chunks, new Turns(options.signal));
      if (chunks.length !== header.dataBytes) {
        const name = hexEncode(header.target);
        throw packCorrupt(undefined, `Content ${name} gave ${chunks.length} bytes instead of ${header.dataBytes}`);
      }
      chunks.finish();
      const length = this.#out.bytes - offset;
      this.#last = [encodeRow(offset, length), head];
      return { ...header, offset, headerBytes: head.length, length };
    } finally {
      this.#state = 'open';
    }
  }

  #begin(): void {
    if (this.#state !== 'open') throw new TypeError(`The pack is ${this.#state}; entries are added one after another`);
    this.#state = 'writing';
    if (this.#last === undefined) return;
    for (const part of this.#last) this.#directory.bytes(part);
    this.#last = undefined;
    this.#count += 1;
  }
}

function otherBytes(hash: Uint8Array): Error {
  return packCorrupt(undefined, `The bytes of content ${hexEncode(hash)} are not those of its name`);
}

import { once } from 'node:events';
import { pack, type Header, type Pack } from 'tar-stream';
import { plainView } from '../core/bytes.js';
import { ArchiveAbandoned, type ArchiveContent, type ArchiveEntry, type ArchiveWriter } from './archive-writer.js';
import { readToCut } from './read-to-cut.js';
import { paxTime } from './times.js';

/** Largest time that tar-stream puts into a plain header, in seconds since 1970. */
const maxHeaderSeconds = 0x7fff_ffff;

const zeros = new Uint8Array(64 * 1024);

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

/** A tar archive of any size (ustar with pax extensions), written by tar-stream. Memory does not grow with its entries. */
export class TarWriter implements ArchiveWriter {
  readonly #pack: Pack = pack();
  #failure: { error: unknown } | undefined;
  #ended = false;

  get output(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async addFile(entry: ArchiveEntry, content: ArchiveContent): Promise<{ cut: unknown } | undefined> {
    let cut: { cut: unknown } | undefined;
    const { size } = content;
    await this.#add(headerOf(entry, { type: 'file', size }), async function* () {
      let written = 0;
      cut = yield* readToCut(content, (chunk) => {
        written += chunk.length;
      });
      // The header has promised this many bytes.
      for (; written < size; written += zeros.length) yield zeros.subarray(0, size - written);
    });
    return cut;
  }

  async addFolder(entry: ArchiveEntry): Promise<void> {
    await this.#add(headerOf({ ...entry, path: `${entry.path}/` }, { type: 'directory', size: 0 }));
  }

  async addLink(entry: ArchiveEntry, target: string): Promise<void> {
    await this.#add({ ...headerOf(entry, { type: 'symlink', size: 0 }), linkname: target });
  }

  async finish(): Promise<void> {
    this.#ended = true;
    this.#pack.finalize();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#pack.destroy(null);
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.#pack) yield plainView(chunk as Uint8Array);
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error;
    } finally {
      this.#pack.destroy(null);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Adds an entry and waits until the reader has room for the next. */
  async #add(header: EntryHeader, chunks?: () => AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#pack.destroyed || this.#ended) throw new ArchiveAbandoned();
    let settle: (error?: Error | null) => void = () => undefined;
    const added = new Promise<void>((resolve, reject) => {
      settle = (error) => {
        if (error === undefined || error === null) resolve();
        else reject(new ArchiveAbandoned());
      };
    });
    added.catch(() => undefined);
    const sink = this.#pack.entry(header, (error) => {
      settle(error);
    });
    if (chunks === undefined) sink.end(undefined);
    else {
      for await (const chunk of chunks()) {
        if (!sink.write(chunk)) await Promise.race([once(sink, 'drain'), added]);
      }
      sink.end(undefined);
    }
    await added;
  }
}

function headerOf(entry: ArchiveEntry, content: Pick<Header, 'type' | 'size'>): EntryHeader {
  const { path, mode, modified, modifiedUs } = entry;
  const seconds = Math.floor((modified?.getTime() ?? 0) / 1000);
  const fits = seconds >= 0 && seconds <= maxHeaderSeconds;
  const mtime = new Date(fits ? seconds * 1000 : 0);
  const header: EntryHeader = { name: path, mode, mtime, ...content };
  if (modifiedUs !== undefined && (modifiedUs % 1_000_000 !== 0 || !fits))
    return { ...header, pax: { mtime: paxTime(modifiedUs) } };
  return fits ? header : { ...header, pax: { mtime: String(seconds) } };
}

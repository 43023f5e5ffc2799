import type { BackupFile } from '../types.js';
import type { ArchiveWriter } from '../../archive/archive-writer.js';
import { openContent } from './content.js';
import type { ExtractTarget, MadeFolder, WriteFileOptions, WriteLinkOptions, WrittenFile } from './target.js';
import type { NameRules } from './types.js';
import { permissionBits } from './write-file.js';

/** Longest path of an entry, in bytes: what Linux takes of the tools that unpack it. */
const maxPathBytes = 4000;

/** Writes entries into an archive, one after the other. Folders come after what lies in them, so that their times last. */
export class ArchiveExtractTarget implements ExtractTarget {
  readonly concurrency = 1;
  readonly fold: boolean;
  readonly maxPathBytes = maxPathBytes;
  readonly #writer: ArchiveWriter;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(writer: ArchiveWriter, options: { names: NameRules }) {
    this.#writer = writer;
    this.fold = options.names === 'portable';
  }

  makeFolder(): MadeFolder {
    return 'created';
  }

  async finishFolder(path: string, folder: { entry: BackupFile | undefined }): Promise<undefined> {
    const { entry } = folder;
    if (entry === undefined) return;
    const mode = permissionBits(entry.mode, 'directory');
    await this.#inTurn(async () => {
      await this.#writer.addFolder({ path, mode, modified: entry.modified });
    });
  }

  async writeFile(file: BackupFile, options: WriteFileOptions): Promise<WrittenFile> {
    const { signal, recover, onBytes } = options;
    const path = options.place(0);
    const content = await openContent(file, { signal, recover });
    try {
      const mode = permissionBits(file.mode, 'file');
      const cut = await this.#inTurn(
        async () => await this.#writer.addFile({ path: path.path, mode, modified: file.modified }, content),
      );
      onBytes(content.size);
      return { path, bytes: content.size, problems: content.problems, ...cut };
    } finally {
      await content.close();
    }
  }

  async writeLink(file: BackupFile, options: WriteLinkOptions): Promise<WrittenFile> {
    const path = options.place(0);
    await this.#inTurn(async () => {
      await this.#writer.addLink({ path: path.path, mode: 0o777, modified: file.modified }, options.target);
    });
    return { path, bytes: 0, problems: [] };
  }

  /** Entries must not mix: each waits for the one before. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = before.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }
}

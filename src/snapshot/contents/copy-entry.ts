import { crc32 } from 'node:zlib';
import type { AbortOptions } from '../../core/abort.js';
import type { ByteSource } from '../../core/byte-source.js';
import { equalBytes } from '../../core/bytes.js';
import { chunkHeadBytes, crcBytes, encodeEntryHeader, packCorrupt, type PackEntry } from '../format/pack-format.js';
import { readChunkTable } from './chunk-table.js';
import { readExactly } from './read-exactly.js';
import { Turns } from './turns.js';

/**
 * Gives the bytes of an entry as they stand in its pack, chunk by chunk, none of them decoded. Header, chunks and table are
 * compared with their checksums.
 *
 * @param write - takes bytes that are valid until it returns
 * @throws {@link SnapshotError} `SNAPSHOT_CORRUPT`
 */
export async function copyEntryBytes(
  pack: ByteSource,
  entry: PackEntry,
  write: (bytes: Uint8Array) => void,
  options: AbortOptions = {},
): Promise<void> {
  const damaged = (what: string): Error => packCorrupt(undefined, `${what} of the entry at ${entry.offset} is damaged`);
  const header = await readExactly(pack, entry.offset, entry.headerBytes, options);
  if (!equalBytes(header, encodeEntryHeader(entry))) throw damaged('The header');
  const table = await readChunkTable(pack, entry, options);
  const turns = new Turns(options.signal);
  const rows: Buffer[] = [];
  write(header);
  for (let index = 0; index < table.count; index += 1) {
    const offset = table.offset(index);
    const bytes = await readExactly(pack, offset, table.offset(index + 1) - offset, options);
    if (crc32(bytes.subarray(crcBytes)) !== bytes.readUInt32LE(0)) throw damaged(`Chunk ${index}`);
    const row = Buffer.from(bytes.subarray(0, chunkHeadBytes));
    if (table.head(index)?.checksum !== row.readUInt32LE(0)) throw damaged(`The head of chunk ${index}`);
    rows.push(row);
    write(bytes);
    if (turns.due) await turns.take();
  }
  // Made anew: a table that was damaged heals.
  const whole = Buffer.concat(rows);
  const check = Buffer.alloc(crcBytes);
  check.writeUInt32LE(crc32(whole));
  write(whole);
  write(check);
}

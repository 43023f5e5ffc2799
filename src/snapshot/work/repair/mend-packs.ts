import { randomBytes } from 'node:crypto';
import type { ByteSource } from '../../../core/byte-source.js';
import { concatBytes, hexEncode } from '../../../core/bytes.js';
import { openBlob } from '../../blobs/open-blob.js';
import { checkPack } from '../../contents/check-pack.js';
import { readPackDirectory } from '../../contents/pack-directory.js';
import { encodeFooter, encodeRow } from '../../format/pack-directory.js';
import { encodeEntryHeader, encodePackHeader, type PackEntry } from '../../format/pack-format.js';
import { keys } from '../../store/keys.js';
import type { VerifyFinding } from '../verify/finding.js';
import type { Workshop } from './workshop.js';

/**
 * Writes what is whole of a damaged pack into a new one, and sets the old one aside. Contents of entries that are not whole have
 * become objects before, or are lost.
 */
export async function mendPack(shop: Workshop, part: string, findings: readonly VerifyFinding[]): Promise<void> {
  const source = await openBlob(shop.site.blobs, part, { signal: shop.signal });
  if (source === undefined) return;
  const wrong = new Set(findings.map(({ content }) => content));
  try {
    const whole = (await wholeEntries(shop, source, part)).filter(({ target }) => !wrong.has(hexEncode(target)));
    if (whole.length > 0)
      await shop.change(async () => {
        await writePack(shop, source, whole);
      });
  } finally {
    await source.close();
  }
  await shop.quarantine(part);
  shop.site.packs.refresh();
  for (const finding of findings) if (finding.problem === 'pack-damaged') shop.mended({ ...finding, from: 'computed' });
}

async function wholeEntries(shop: Workshop, source: ByteSource, part: string): Promise<readonly PackEntry[]> {
  const options = { part, signal: shop.signal };
  try {
    const { entries, damaged } = await checkPack(source, options);
    const bad = new Set(damaged.map(({ offset }) => offset));
    return entries.filter(({ offset }) => !bad.has(offset));
  } catch (error) {
    shop.ignoreUnreadable(error);
  }
  try {
    return (await readPackDirectory(source, options)).entries;
  } catch (error) {
    shop.ignoreUnreadable(error);
    return [];
  }
}

/** Entries do not say where they lie, so that they are copied as they are. */
async function writePack(shop: Workshop, source: ByteSource, entries: readonly PackEntry[]): Promise<void> {
  const header = encodePackHeader();
  const rows: Uint8Array[] = [];
  let offset = header.length;
  for (const entry of entries) {
    rows.push(encodeRow(offset, entry.length), encodeEntryHeader(entry));
    offset += entry.length;
  }
  const directory = concatBytes(rows);
  const footer = encodeFooter(directory, offset, entries.length);
  const { signal } = shop;
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    yield header;
    for (const entry of entries) yield* source.stream({ offset: entry.offset, length: entry.length }, { signal });
    yield directory;
    yield footer;
  }
  const size = offset + directory.length + footer.length;
  await shop.site.blobs.put(keys.pack(hexEncode(randomBytes(16))), bytes(), { size, signal });
}

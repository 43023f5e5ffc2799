import type { AbortOptions } from '../../../core/abort.js';
import { concatBytes, hexDecode, utf8DecodeStrict, utf8Encode } from '../../../core/bytes.js';
import type { Site } from '../../store/site.js';
import type { Slice } from './finding.js';

/** Name of the file that remembers which slice is next. @see docs/format/snapshot-store.md#verifyjson */
export const verifyFileKey = 'verify.json';

const defaultSlices = 30;
const fileLimit = 4096;

/** Whether a hash, or another random name, lies in a slice. */
export function inSlice(name: Uint8Array, { index, of }: Slice): boolean {
  const first =
    ((name[0] ?? 0) * 2 ** 24 + (name[1] ?? 0) * 2 ** 16 + (name[2] ?? 0) * 2 ** 8 + (name[3] ?? 0)) / 2 ** 32;
  return Math.floor(first * of) === index;
}

/** Whether a pack, by its name within the store, lies in a slice. */
export function packInSlice(key: string, slice: Slice): boolean {
  const id = hexDecode(key.slice(key.lastIndexOf('/') + 1).slice(0, 8));
  return inSlice(id ?? new Uint8Array(4), slice);
}

/** The slice that is next. */
export async function nextSlice(
  site: Site,
  { share, slice, signal }: AbortOptions & { share?: number | undefined; slice?: number | undefined },
): Promise<Slice> {
  const of = share === undefined ? defaultSlices : Math.ceil(1 / share);
  if (!(of >= 1 && of <= 2 ** 20)) throw new RangeError(`share must be a part of 1, not ${share}`);
  if (slice === undefined) return { index: (await readNext(site, { signal })) % of, of };
  if (!Number.isSafeInteger(slice) || slice < 0 || slice >= of)
    throw new RangeError(`there is no slice ${slice} of ${of}`);
  return { index: slice, of };
}

/** Remembers that a slice was looked at. */
export async function endSlice(site: Site, { index }: Slice): Promise<void> {
  const bytes = utf8Encode(`${JSON.stringify({ next: index + 1 })}\n`);
  await site.blobs.put(verifyFileKey, bytes, { size: bytes.length });
}

async function readNext(site: Site, options: AbortOptions): Promise<number> {
  const content = await site.blobs.get(verifyFileKey, { length: fileLimit }, options);
  const parts: Uint8Array[] = [];
  if (content !== undefined) for await (const part of content) parts.push(part);
  try {
    const { next } = JSON.parse(utf8DecodeStrict(concatBytes(parts)) ?? '') as { next?: unknown };
    return Number.isSafeInteger(next) && (next as number) >= 0 ? (next as number) : 0;
  } catch {
    return 0;
  }
}

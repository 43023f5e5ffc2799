import { hexDecode, hexEncode } from '../../../core/bytes.js';
import type { ByteSource } from '../../../core/byte-source.js';
import { openBlob } from '../../blobs/open-blob.js';
import { readPackDirectory } from '../../contents/pack-directory.js';
import { copyFile, ObjectMaker, objectMode } from '../../run/make-object.js';
import { sameTime } from '../../run/scan-live.js';
import { keys } from '../../store/keys.js';
import type { PackedEntry } from '../../store/packed-entries.js';
import { livePath, storePath, type Place } from '../../store/place.js';
import type { VerifyFinding } from '../verify/finding.js';
import type { RepairSource } from './report.js';
import type { Workshop } from './workshop.js';

/** A content that is damaged somewhere. */
interface Damaged {
  readonly hash: Uint8Array;
  readonly findings: VerifyFinding[];
  size: number | undefined;
  /** Time of a file that has it. */
  modifiedUs: number | undefined;
  /** Files of newest backups that should have it. */
  readonly live: { readonly full: string; readonly modifiedUs: number }[];
  /** Paths in versions, for folders of opened ones. */
  readonly paths: Set<string>;
  readonly packed: PackedEntry[];
}

/** Mends contents: each that can be read somewhere becomes an object. Gives those that cannot. */
export async function mendContents(shop: Workshop, findings: readonly VerifyFinding[]): Promise<Set<string>> {
  const damaged = new Map<string, Damaged>();
  for (const finding of findings) {
    const name = finding.content ?? '';
    const hash = hexDecode(name);
    if (hash?.length !== 32) continue;
    const known = damaged.get(name);
    if (known !== undefined) known.findings.push(finding);
    else
      damaged.set(name, {
        hash,
        findings: [finding],
        size: undefined,
        modifiedUs: undefined,
        live: [],
        paths: new Set(),
        packed: [],
      });
  }
  await findRows(shop, damaged);
  await findEntries(shop, damaged);
  const lost = new Set<string>();
  // What others rest on first: with it a chain can be read again.
  let pending = [...damaged.entries()];
  for (let before = Infinity; pending.length > 0 && pending.length < before;) {
    before = pending.length;
    const left: typeof pending = [];
    for (const [name, content] of pending) if (!(await mendContent(shop, content))) left.push([name, content]);
    pending = left;
  }
  for (const [name, content] of pending) {
    lost.add(name);
    for (const finding of content.findings) if (finding.versions.length > 0) shop.lost(finding);
    // Whoever reads it shall learn that it is lost, instead of getting other bytes.
    await shop.quarantine(keys.object(name));
  }
  return lost;
}

async function mendContent(shop: Workshop, content: Damaged): Promise<boolean> {
  const { hash, findings } = content;
  const name = keys.object(hexEncode(hash));
  // Somebody may have mended it since it was found, or only an entry beside it is damaged.
  if (await shop.isContent(await shop.object(shop.site, name), hash)) {
    for (const finding of findings) shop.mended({ ...finding, from: 'store' });
    return true;
  }
  const found = await findBytes(shop, content);
  if (found === undefined) return false;
  const { from } = found;
  await shop.quarantine(name);
  await shop.change(async () => {
    const source = await found.open();
    if (source === undefined) return;
    try {
      const { signal } = shop;
      await shop.site.blobs.put(name, source.stream(undefined, { signal }), {
        size: source.size,
        sha256: hash,
        signal,
      });
    } finally {
      await source.close();
    }
    const place = shop.site.local?.place;
    if (place === undefined) return;
    const [live] = content.live;
    const modifiedUs = live?.modifiedUs ?? content.modifiedUs;
    if (modifiedUs !== undefined) place.fs.setTime(storePath(place, name), modifiedUs);
    for (const file of content.live) await mendLiveFile(shop, place, { ...file, hash, size: content.size });
  });
  for (const finding of findings) shop.mended({ ...finding, from });
  return true;
}

interface Found {
  readonly from: RepairSource;
  open(): Promise<ByteSource | undefined>;
}

/** The first place that has the right bytes: they are read once here, and checked again when they are taken. */
async function findBytes(shop: Workshop, content: Damaged): Promise<Found | undefined> {
  for await (const found of placesOf(shop, content)) {
    const source = await shop.tryOpen(async () => await found.open());
    if (await shop.isContent(source, content.hash)) return found;
  }
  return undefined;
}

async function* placesOf(shop: Workshop, content: Damaged): AsyncGenerator<Found, void, undefined> {
  const { site, replica, signal } = shop;
  const { hash, live, paths, packed, size } = content;
  const fs = site.local?.place.fs;
  for (const { full } of live) yield { from: 'newest', open: async () => fs?.open(full) };
  for (const entry of packed)
    yield {
      from: 'store',
      open: async () =>
        await site.packs.openEntry(entry, {
          signal,
          openBase: async (base, options) => await site.contents.open(base, options),
        }),
    };
  if (site.local !== undefined)
    for (const full of openedFiles(site.local.place, paths)) yield { from: 'opened', open: async () => fs?.open(full) };
  if (replica !== undefined && size !== undefined)
    yield { from: 'replica', open: async () => await replica.contents.find({ hash, size }, { signal }) };
}

/** Files at these paths in folders of opened and edited versions. */
function* openedFiles(place: Place, paths: ReadonlySet<string>): Generator<string, void, undefined> {
  const { fs } = place;
  for (const kind of ['open', 'edit'])
    for (const { name } of fs.entries(storePath(place, kind)))
      // Edits keep new files one folder deeper; those have other contents.
      for (const path of paths) {
        const full = `${storePath(place, kind)}/${name}/${path}`;
        if (fs.facts(full)?.kind === 'file') yield full;
      }
}

/** Looks where versions and newest backups have the contents. */
async function findRows(shop: Workshop, damaged: ReadonlyMap<string, Damaged>): Promise<void> {
  const place = shop.site.local?.place;
  for await (const { header, table, key } of shop.records(shop.site)) {
    for (let index = 0; index < table.length; index += 1) {
      const hash = table.hash(index);
      const content = hash && damaged.get(hexEncode(hash));
      if (content === undefined) continue;
      const { path, size, modifiedUs } = table.row(index);
      content.size = size;
      content.modifiedUs = modifiedUs;
      content.paths.add(`${header.udid}/${path}`);
      if (key === keys.live(header.udid) && place !== undefined)
        content.live.push({ full: livePath(place, header.udid, path), modifiedUs });
    }
  }
}

/** Looks which packs have the contents, also those that are not read because another pack has them too; and sizes of bases. */
async function findEntries(shop: Workshop, damaged: ReadonlyMap<string, Damaged>): Promise<void> {
  const { blobs } = shop.site;
  for await (const { key } of blobs.list('packs/', { signal: shop.signal })) {
    const source = await openBlob(blobs, key, { signal: shop.signal });
    if (source === undefined) continue;
    try {
      const { entries } = await readPackDirectory(source, { part: key, signal: shop.signal });
      for (const entry of entries) {
        const target = damaged.get(hexEncode(entry.target));
        if (target !== undefined) {
          target.packed.push({ pack: key, entry });
          target.size ??= entry.size;
        }
        const base = entry.base && damaged.get(hexEncode(entry.base.hash));
        if (base !== undefined) base.size ??= entry.base?.size;
      }
    } catch (error) {
      shop.ignoreUnreadable(error);
    } finally {
      await source.close();
    }
  }
}

/** Puts a whole file in the place of one in the newest backup that is damaged: one that somebody has changed stays. */
async function mendLiveFile(
  shop: Workshop,
  place: Place,
  file: { full: string; modifiedUs: number; hash: Uint8Array; size: number | undefined },
): Promise<void> {
  const { fs } = place;
  const { full, modifiedUs, hash, size } = file;
  const facts = fs.facts(full);
  if (facts?.size !== size || !sameTime(facts?.modifiedUs ?? 0, modifiedUs, place.timeStepUs)) return;
  if (await shop.isContent(fs.open(full), hash)) return;
  const object = storePath(place, keys.object(hexEncode(hash)));
  const staged = new ObjectMaker(place).stagingPath();
  if (place.placement === 'link' && fs.facts(object)?.modifiedUs === modifiedUs) fs.link(object, staged);
  else {
    await copyFile(fs, { from: object, to: staged, clone: place.placement === 'clone' });
    fs.setTime(staged, modifiedUs);
    fs.setMode(staged, place.placement === 'link' ? objectMode : 0o644);
  }
  fs.rename(staged, full);
}

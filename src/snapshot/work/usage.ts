import type { AbortOptions } from '../../core/abort.js';
import { hexDecode } from '../../core/bytes.js';
import { storeFolderName } from '../../folder/names.js';
import { isUdid } from '../format/version-id.js';
import type { Site } from '../store/site.js';
import { blobSpace, DiskSpace, type SpaceOf } from './disk-space.js';
import { findOwners, type Owners } from './owners.js';

/** Files of one kind. */
export interface UsedSpace {
  /** Number of files. */
  readonly count: number;
  /** Space on the disk in bytes, without what a newest backup has too. */
  readonly bytes: number;
}

/** Space of one version. */
export interface VersionUsage {
  /** Identity of the version. */
  readonly id: string;
  /** Whether it lies in the trash. */
  readonly deleted: boolean;
  /** Sum of the sizes of its files in bytes: what it would take as a folder. */
  readonly apparentBytes: number;
  /** Bytes that become free when this version alone is deleted and purged. */
  readonly ownBytes: number;
  /** Bytes that others need as well. */
  readonly sharedBytes: number;
}

/** Space of all versions of one device. */
export interface DeviceUsage {
  /** UDID of the device. */
  readonly udid: string;
  /** Space of its newest backup in bytes. */
  readonly liveBytes: number;
  /** Sum of the sizes of all files of all versions in bytes: what they would take as folders. */
  readonly apparentBytes: number;
  /** Bytes of history that no other device needs. */
  readonly ownBytes: number;
  /** Bytes of history that other devices need as well. */
  readonly sharedBytes: number;
  /** Its versions, newest first; empty without `perVersion`. */
  readonly versions: readonly VersionUsage[];
}

/** What a store takes of the disk: blocks as the disk gives them, each file once however many names it has. */
export interface StoreUsage {
  /** All of the location: what `du` says of it. */
  readonly totalBytes: number;
  /** Newest backups. What a version shares with one is counted here. */
  readonly liveBytes: number;
  /** History: everything in the folder of the store that no newest backup shares, with {@link StoreUsage.reservedBytes}. */
  readonly storeBytes: number;
  /** What is kept to be given up on a full disk. */
  readonly reservedBytes: number;
  /** Contents that are files of their own. */
  readonly objects: UsedSpace;
  /** Small contents and differences. */
  readonly packs: UsedSpace;
  /** What versions hold, in full. */
  readonly tables: UsedSpace;
  /** What versions hold, as far as it is not in tables. */
  readonly records: UsedSpace;
  /** Versions in the trash, and the bytes that become free when they are purged. */
  readonly trash: UsedSpace;
  /** Bytes that the next purge removes without the trash: contents that no version needs. */
  readonly unneededBytes: number;
  /** What each device takes, and with `perVersion` each version. */
  readonly devices: readonly DeviceUsage[];
}

/** Options of measuring a store. */
export interface UsageOptions extends AbortOptions {
  /** Whether the space of each version is told. */
  perVersion?: boolean | undefined;
}

/** Bytes by the first component of a name in the store. */
class Counts {
  readonly #counts = new Map<string, { count: number; bytes: number }>();

  add(kind: string, bytes: number): void {
    const before = this.#counts.get(kind) ?? { count: 0, bytes: 0 };
    this.#counts.set(kind, { count: before.count + 1, bytes: before.bytes + bytes });
  }

  of(kind: string): UsedSpace {
    return this.#counts.get(kind) ?? { count: 0, bytes: 0 };
  }
}

/** Bytes of a location, and of each owner in it. */
export interface MeasuredSpace {
  readonly totalBytes: number;
  readonly liveBytes: number;
  readonly liveOf: ReadonlyMap<string, number>;
  readonly storeBytes: number;
  readonly reservedBytes: number;
  /** Files of a kind by the first component of their names. */
  of(kind: string): UsedSpace;
  readonly unneededBytes: number;
}

/** Measures everything, and adds what each set of owners has to `owners`. */
export async function measureSpace(site: Site, owners: Owners, options: AbortOptions): Promise<MeasuredSpace> {
  const counts = new Counts();
  const liveOf = new Map<string, number>();
  let [totalBytes, liveBytes, storeBytes, reservedBytes, unneededBytes] = [0, 0, 0, 0, 0];
  const records = new Map(
    owners.owners.flatMap(({ header }, number) => (header === undefined ? [] : [[header.id, number] as const])),
  );
  const place = (key: string, bytes: number): void => {
    const name = key.slice(key.lastIndexOf('/') + 1);
    const [kind = ''] = key.split('/', 1);
    if (kind === 'objects' || kind === 'tables') {
      const hash = hexDecode(kind === 'objects' ? name : name.slice(0, -'.tbl'.length));
      const set = hash?.length === 32 ? (kind === 'objects' ? owners.contents : owners.tables).get(hash) : undefined;
      if (set === undefined) unneededBytes += bytes;
      else owners.sets.addBytes(set, bytes);
    }
    const isRecord = kind === 'devices' && name.endsWith('.ver') && name !== 'live.ver';
    const owner = isRecord ? records.get(name.slice(0, -'.ver'.length)) : undefined;
    if (owner !== undefined) owners.sets.addBytes(owners.sets.with(0, owner), bytes);
    counts.add(isRecord ? 'records' : kind, bytes);
  };
  const addStore = ({ key, bytes, isFolder }: SpaceOf): void => {
    totalBytes += bytes;
    storeBytes += bytes;
    if (isFolder) return;
    place(key, bytes);
    if (key === 'reserve') reservedBytes += bytes;
  };
  if (site.local === undefined) for await (const file of blobSpace(site, options)) addStore(file);
  else {
    const { place: at } = site.local;
    const space = new DiskSpace(at);
    for (const { name } of at.fs.entries(at.location).filter((entry) => isUdid(entry.name))) {
      let bytes = 0;
      for await (const file of space.below(name, options)) bytes += file.bytes;
      liveOf.set(name, bytes);
      liveBytes += bytes;
      totalBytes += bytes;
    }
    for await (const file of space.below(storeFolderName, options))
      addStore({ ...file, key: file.key.slice(storeFolderName.length + 1) });
    totalBytes += await otherBytes(space, { at: at.fs.entries(at.location), ...options });
    totalBytes += at.fs.facts(at.location)?.allocated ?? 0;
  }
  await addPacks(site, owners, options);
  return { totalBytes, liveBytes, liveOf, storeBytes, reservedBytes, unneededBytes, of: (kind) => counts.of(kind) };
}

/** What lies beside backups and store. */
async function otherBytes(
  space: DiskSpace,
  { at, signal }: AbortOptions & { at: readonly { readonly name: string }[] },
): Promise<number> {
  let sum = 0;
  for (const { name } of at) {
    if (isUdid(name) || name === storeFolderName) continue;
    for await (const { bytes } of space.below(name, { signal })) sum += bytes;
  }
  return sum;
}

/** Entries of packs belong to those who need their contents. */
async function addPacks(site: Site, owners: Owners, options: AbortOptions): Promise<void> {
  const { entries } = await site.packs.all(options);
  for (const [at] of entries.kinds()) {
    const set = owners.contents.get(entries.target(at));
    if (set !== undefined) owners.sets.addBytes(set, entries.entryBytes(at));
  }
}

/** Measures a store. */
export async function measureStore(site: Site, { signal, perVersion }: UsageOptions): Promise<StoreUsage> {
  const owners = await findOwners(site, { signal });
  const space = await measureSpace(site, owners, { signal });
  const { own, shared } = owners.sets.perOwner();
  const udids = [...new Set([...owners.owners.map(({ udid }) => udid), ...space.liveOf.keys()])].sort();
  const devices = udids.map((udid): DeviceUsage => {
    const mine = (owner: number): boolean => owners.owners[owner]?.udid === udid;
    const others = owners.sets.ownedBy((owner) => !mine(owner));
    const all = owners.sets.ownedBy(() => true);
    const ownBytes = owners.sets.ownedBy(mine);
    const versions = owners.owners.flatMap(({ header, deleted }, number): VersionUsage[] =>
      header === undefined || !mine(number)
        ? []
        : [
            {
              id: header.id,
              deleted,
              apparentBytes: header.bytes,
              ownBytes: own[number] ?? 0,
              sharedBytes: shared[number] ?? 0,
            },
          ],
    );
    return {
      udid,
      liveBytes: space.liveOf.get(udid) ?? 0,
      apparentBytes: versions.reduce((sum, { apparentBytes }) => sum + apparentBytes, 0),
      ownBytes,
      sharedBytes: Math.max(0, all - others - ownBytes),
      versions: perVersion === true ? versions.toReversed() : [],
    };
  });
  const deleted = (owner: number): boolean => owners.owners[owner]?.deleted === true;
  return {
    totalBytes: space.totalBytes,
    liveBytes: space.liveBytes,
    storeBytes: space.storeBytes,
    reservedBytes: space.reservedBytes,
    objects: space.of('objects'),
    packs: space.of('packs'),
    tables: space.of('tables'),
    records: space.of('records'),
    trash: {
      count: owners.owners.filter((owner) => owner.deleted).length,
      bytes: owners.sets.ownedBy(deleted),
    },
    unneededBytes: space.unneededBytes,
    devices,
  };
}

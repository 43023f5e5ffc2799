import { execFile } from 'node:child_process';
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hexEncode } from '../../src/core/bytes.js';
import { parseKeybag } from '../../src/crypto/keybag.js';
import { unlockKeybag, type UnlockedKeybag } from '../../src/crypto/unlock.js';
import { buildBackup, type FileSpec } from '../../src/entry/testing.js';
import { asData, asDict } from '../../src/plist/guards.js';
import { parsePlist } from '../../src/plist/parse.js';
import { writeBinaryPlist } from '../../src/plist/binary-write.js';
import { writeXmlPlist } from '../../src/plist/xml-write.js';
import type { PlistDict, PlistValue } from '../../src/plist/types.js';
import { domainHasDigests } from '../../src/testing/backup-builder/domains.js';
import { fileIdOf, kindFlags, type EntryRecord } from '../../src/testing/backup-builder/entry-record.js';
import { fileArchive } from '../../src/testing/backup-builder/file-archive.js';
import { SeededRandom } from '../../src/testing/backup-builder/seeded-random.js';
import { contentOf, phoneSizes, smallSizes, type FileSizes } from './contents.js';

/** Password of generated encrypted backups. */
export const password = 'bench';
/** UDID of the generated device. */
export const udid = '00008120-000B0E1CC0FFEE5E';

const python = join(import.meta.dirname, 'databases.py');
const chunkBytes = 1024 * 1024;
const zeroIv = new Uint8Array(16);
const fileClass = 3;
const manifestClass = 4;
/** First backup. Later ones follow by a day each; all lie in the past, as times of files that were written do. */
const firstBackup = Date.UTC(2025, 0, 1, 3);
const dayMilliseconds = 86_400_000;

/** Where apps keep the databases that `databases.py` makes. */
const databasePlaces = {
  photos: { domain: 'CameraRollDomain', relativePath: 'Media/PhotoData/Photos.sqlite' },
  sms: { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db' },
  chat: { domain: 'AppDomainGroup-group.net.whatsapp.WhatsApp.shared', relativePath: 'ChatStorage.sqlite' },
} as const;

/** What changes in a day on a phone with all files. */
const dailyFiles = { rewritten: 300, added: 250, removed: 100 };
const phoneFiles = 50_000;

/** What {@link Device.create} makes. */
export interface DeviceOptions {
  /** Part of the full size, for files and databases alike: 0.05 is 2,500 files and 71 MB of databases. */
  scale: number;
  seed?: string | undefined;
  encrypted?: boolean | undefined;
  /** Number of files where not the scaled one. */
  files?: number | undefined;
  /** Files are small and there are no databases. */
  small?: boolean | undefined;
}

/** A file of the phone: its number says where it lies, its generation what is in it. */
type FileState = [number: number, generation: number];

interface State {
  seed: string;
  scale: number;
  encrypted: boolean;
  small: boolean;
  day: number;
  next: number;
  files: FileState[];
}

const padded = (n: number, width: number): string => String(n).padStart(width, '0');

/** Photos, attachments and files of twenty apps, in folders of 200. */
function placeOf(number: number): { domain: string; relativePath: string } {
  const folder = padded(Math.floor(number / 200), 4);
  const name = padded(number, 7);
  switch (number % 4) {
    case 0:
      return { domain: 'CameraRollDomain', relativePath: `Media/DCIM/${folder}APPLE/IMG_${name}.HEIC` };
    case 1:
      return { domain: 'MediaDomain', relativePath: `Library/SMS/Attachments/${folder}/${name}.jpg` };
    case 2:
      return { domain: 'HomeDomain', relativePath: `Library/Caches/${folder}/${name}.plist` };
    default:
      return {
        domain: `AppDomain-com.example.app${padded(number % 20, 2)}`,
        relativePath: `Documents/${folder}/${name}.dat`,
      };
  }
}

async function runPython(args: readonly string[], input = ''): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = execFile('python3', [python, ...args], (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
    child.stderr?.pipe(process.stderr);
    child.stdin?.end(input);
  });
}

/**
 * A phone and the host that backs it up. `folder` holds the live backup at `location/<UDID>` and, beside it in `device`, what
 * the phone knows: its databases and its manifest, both plain. A file of the live backup is never written in place: it is written
 * aside and renamed over, as a host does.
 */
export class Device {
  /** Holds the folder of the backup, and the store. */
  readonly location: string;
  /** The live backup. */
  readonly backup: string;
  readonly #own: string;
  readonly #state: State;
  #keys: UnlockedKeybag | undefined;
  #random = new SeededRandom('');
  #rows: string[] = [];
  #written = 0;

  private constructor(folder: string, state: State) {
    this.location = join(folder, 'location');
    this.backup = join(this.location, udid);
    this.#own = join(folder, 'device');
    this.#state = state;
  }

  /** Makes the first backup; `folder` must not exist yet or be empty. */
  static async create(folder: string, options: DeviceOptions): Promise<Device> {
    const { scale, seed = 'store', encrypted = false, small = false } = options;
    const count = Math.round(options.files ?? phoneFiles * scale);
    const device = new Device(folder, { seed, scale, encrypted, small, day: 0, next: count, files: [] });
    await device.#build(count);
    return device;
  }

  /** The phone that an earlier process has made. */
  static async load(folder: string): Promise<Device> {
    const state = JSON.parse(await readFile(join(folder, 'device', 'state.json'), 'utf8')) as State;
    const device = new Device(folder, state);
    if (state.encrypted) await device.#unlock();
    return device;
  }

  /** Days since the first backup. */
  get day(): number {
    return this.#state.day;
  }

  get #date(): number {
    return firstBackup + this.#state.day * dayMilliseconds;
  }

  get #sizes(): FileSizes {
    return this.#state.small ? smallSizes : phoneSizes;
  }

  /** What a reader of the newest backup finds. */
  *expected(): Generator<{ domain: string; relativePath: string; content: () => AsyncIterable<Uint8Array> }> {
    const { seed, files, small } = this.#state;
    const sizes = this.#sizes;
    for (const [number, generation] of files) {
      const content = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield contentOf(`${seed} ${number} ${generation}`, sizes);
      };
      yield { ...placeOf(number), content };
    }
    if (small) return;
    for (const [name, place] of Object.entries(databasePlaces)) {
      yield { ...place, content: () => createReadStream(join(this.#own, `${name}.db`)) };
    }
  }

  /** One day of use and the backup after it. Gives the pages of the databases that changed, when BENCH_COUNT_PAGES is 1. */
  async churn(): Promise<Record<string, { pages: number; changed: number; share: number }>> {
    const state = this.#state;
    state.day += 1;
    this.#random = new SeededRandom(`${state.seed} day ${state.day}`);
    this.#written = 0;
    const total = state.files.length;
    // A day of a phone with fewer files changes as large a part of them.
    const part = (count: number): number => Math.max(1, Math.round((count * total) / phoneFiles));
    for (let n = part(dailyFiles.removed); n > 0; n -= 1) await this.#remove(this.#random.below(state.files.length));
    const rewritten = new Set<number>();
    while (rewritten.size < part(dailyFiles.rewritten)) rewritten.add(this.#random.below(state.files.length));
    for (const index of rewritten) {
      const file = state.files[index];
      if (file === undefined) throw new RangeError('No such file');
      file[1] = state.day;
      await this.#putFile(file);
    }
    for (let n = part(dailyFiles.added); n > 0; n -= 1) {
      const file: FileState = [state.next, state.day];
      state.next += 1;
      state.files.push(file);
      await this.#putFile(file);
    }
    const pages = state.small
      ? '{}'
      : await runPython(['churn', this.#own, state.seed, String(state.scale), String(state.day)]);
    await this.#putDatabases();
    await this.#finishRun();
    return JSON.parse(pages) as Record<string, { pages: number; changed: number; share: number }>;
  }

  async #build(count: number): Promise<void> {
    const { seed, scale, encrypted, small, files } = this.#state;
    await mkdir(this.#own, { recursive: true });
    await mkdir(join(this.#own, 'incoming'));
    const sizes = this.#sizes;
    const date = new Date(this.#date);
    function* specs(): Generator<FileSpec> {
      for (let number = 0; number < count; number += 1) {
        files.push([number, 0]);
        yield { ...placeOf(number), content: contentOf(`${seed} ${number} 0`, sizes) };
      }
    }
    await buildBackup(
      {
        ios: '17.4',
        seed,
        date,
        device: { udid },
        files: specs(),
        ...(encrypted && { password }),
      },
      { to: this.backup, collect: false },
    );
    this.#random = new SeededRandom(`${seed} day 0`);
    const manifest = join(this.backup, 'Manifest.db');
    if (encrypted) {
      await this.#unlock();
      const wrapped = asData((await this.#plist('Manifest.plist')).get('ManifestKey')) ?? new Uint8Array();
      const key = this.#keys?.unwrapManifestKey(wrapped) ?? new Uint8Array();
      const decipher = createDecipheriv('aes-256-cbc', key, zeroIv);
      await pipeline(createReadStream(manifest), decipher, createWriteStream(this.#manifest));
    } else {
      await pipeline(createReadStream(manifest), createWriteStream(this.#manifest));
    }
    if (!small) await runPython(['build', this.#own, seed, String(scale)]);
    await this.#putDatabases();
    await this.#finishRun();
    for (const entry of await readdir(this.backup, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) await this.#stamp(join(entry.parentPath, entry.name));
    }
  }

  get #manifest(): string {
    return join(this.#own, 'Manifest.db');
  }

  async #plist(name: string): Promise<PlistDict> {
    return asDict(parsePlist(await readFile(join(this.backup, name)))) ?? new Map<string, PlistValue>();
  }

  async #unlock(): Promise<void> {
    const keybag = asData((await this.#plist('Manifest.plist')).get('BackupKeyBag'));
    if (keybag === undefined) throw new Error('The generated backup has no keybag');
    this.#keys = await unlockKeybag(parseKeybag(keybag), { password });
  }

  /** Files of a run are written one after another, so their times rise. */
  async #stamp(path: string): Promise<void> {
    this.#written += 1;
    const time = (this.#date + this.#written) / 1000;
    await utimes(path, time, time);
  }

  /** What the host does with a file that arrives: written aside, renamed over. */
  async #replace(path: string, write: (aside: string) => Promise<void>): Promise<void> {
    const aside = join(this.#own, 'incoming', 'file');
    await write(aside);
    await this.#stamp(aside);
    const target = join(this.backup, path);
    await mkdir(dirname(target), { recursive: true });
    await rename(aside, target);
  }

  async #remove(index: number): Promise<void> {
    const { files } = this.#state;
    const [file] = files.splice(index, 1);
    if (file === undefined) throw new RangeError('No such file');
    const { domain, relativePath } = placeOf(file[0]);
    const fileID = fileIdOf(domain, relativePath);
    await rm(join(this.backup, fileID.slice(0, 2), fileID));
    this.#rows.push(JSON.stringify({ fileID }));
  }

  async #putFile([number, generation]: FileState): Promise<void> {
    const content = contentOf(`${this.#state.seed} ${number} ${generation}`, this.#sizes);
    await this.#put(placeOf(number), [content]);
  }

  async #putDatabases(): Promise<void> {
    if (this.#state.small) return;
    for (const [name, place] of Object.entries(databasePlaces)) {
      await this.#put(place, createReadStream(join(this.#own, `${name}.db`), { highWaterMark: chunkBytes }));
    }
  }

  /** Stores a new file or new content, under a new key: nobody has published whether a device keeps the key of a changed file. */
  async #put(
    place: { domain: string; relativePath: string },
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const { domain, relativePath } = place;
    const fileID = fileIdOf(domain, relativePath);
    const key = this.#keys === undefined ? undefined : this.#random.bytes(32);
    const digest = domainHasDigests(domain) ? createHash('sha1') : undefined;
    let size = 0;
    async function* stored(): AsyncGenerator<Uint8Array, void, undefined> {
      const cipher = key === undefined ? undefined : createCipheriv('aes-256-cbc', key, zeroIv);
      for await (const chunk of content) {
        size += chunk.length;
        const bytes = cipher === undefined ? chunk : cipher.update(chunk);
        digest?.update(bytes);
        yield bytes;
      }
      const last = cipher?.final();
      if (last === undefined) return;
      digest?.update(last);
      yield last;
    }
    await this.#replace(`${fileID.slice(0, 2)}/${fileID}`, async (aside) => {
      await pipeline(stored(), createWriteStream(aside));
    });
    const seconds = Math.floor(this.#date / 1000);
    const record: EntryRecord = {
      domain,
      relativePath,
      kind: 'file',
      mode: 0o100644,
      inode: 20_000_000 + this.#random.below(2 ** 30),
      userId: 501,
      groupId: 501,
      modified: seconds - this.#random.below(86_400),
      statusChanged: seconds,
      created: seconds - 86_400,
      flags: 0,
      linkTarget: undefined,
      extendedAttributes: {},
      protectionClass: fileClass,
      size,
      key: key === undefined ? undefined : this.#keys?.wrapFileKey(fileClass, key),
      digest: digest?.digest(),
    };
    const file = hexEncode(writeBinaryPlist(fileArchive(record)));
    this.#rows.push(JSON.stringify({ fileID, domain, relativePath, flags: kindFlags.file, file }));
  }

  /** Manifest and property lists, which every run writes anew; Status.plist comes last. */
  async #finishRun(): Promise<void> {
    await runPython(['manifest', this.#manifest], this.#rows.join('\n'));
    this.#rows = [];
    const date = new Date(this.#date);
    const manifestKey = this.#keys === undefined ? undefined : this.#random.bytes(32);
    await this.#replace('Manifest.db', async (aside) => {
      const plain = createReadStream(this.#manifest, { highWaterMark: chunkBytes });
      if (manifestKey === undefined) await pipeline(plain, createWriteStream(aside));
      else {
        await pipeline(plain, createCipheriv('aes-256-cbc', manifestKey, zeroIv), createWriteStream(aside));
      }
    });
    const changes: [
      name: string,
      write: (list: PlistDict) => Uint8Array,
      values: [string, PlistValue | undefined][],
    ][] = [
      ['Info.plist', writeXmlPlist, [['Last Backup Date', date]]],
      [
        'Manifest.plist',
        writeBinaryPlist,
        [
          ['Date', date],
          ['ManifestKey', manifestKey && this.#keys?.wrapFileKey(manifestClass, manifestKey)],
        ],
      ],
      [
        'Status.plist',
        writeBinaryPlist,
        [
          ['Date', date],
          ['UUID', this.#random.uuid()],
        ],
      ],
    ];
    for (const [name, write, values] of changes) {
      const list = await this.#plist(name);
      for (const [key, value] of values) if (value !== undefined) list.set(key, value);
      await this.#replace(name, async (aside) => {
        await writeFile(aside, write(list));
      });
    }
    await writeFile(join(this.#own, 'state.json'), JSON.stringify(this.#state));
  }
}

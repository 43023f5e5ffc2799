import { isBackupKitError, SnapshotError } from '../entry/index.js';
import { locateStore, SnapshotStore, type DeviceVersions, type VersionInfo } from '../entry/snapshot.js';
import { note, type CliContext } from './context.js';
import { UsageError } from './failures.js';
import { findVersion, parseVersionName, versionNames, type VersionName } from './input/version-name.js';

/** How a store is opened. */
export interface OpenLocationOptions {
  /** `look` writes nothing at all; `read` keeps others from purging what is read, where it may write; `write` changes it. */
  readonly access: 'look' | 'read' | 'write';
  /** Whether one is made where there is none. */
  readonly create?: boolean | undefined;
  /** The device, where several have versions. */
  readonly udid?: string | undefined;
  readonly password?: string | undefined;
  readonly key?: Uint8Array | undefined;
}

/** A version and the device that it is of. */
export interface FoundVersion {
  readonly device: DeviceVersions;
  readonly version: VersionInfo;
}

/** A store that a path on the command line leads to, and which of its devices is meant. */
export class OpenLocation implements AsyncDisposable {
  readonly store: SnapshotStore;
  /** Absolute path of the location. */
  readonly location: string;
  /** The device that the path or an option names. */
  readonly udid: string | undefined;
  readonly #context: CliContext;

  private constructor(
    store: SnapshotStore,
    { location, udid, context }: { location: string; udid: string | undefined; context: CliContext },
  ) {
    this.store = store;
    this.location = location;
    this.udid = udid;
    this.#context = context;
  }

  /** Opens the store behind a path: a location, or the folder of a device in one. */
  static async open(
    path: string,
    { access, create, udid, password, key }: OpenLocationOptions,
    context: CliContext,
  ): Promise<OpenLocation> {
    const found = await locateStore(path);
    if (found?.udid !== undefined && udid !== undefined && found.udid !== udid)
      throw new UsageError(`${path} is the folder of one device, and --udid names another one`);
    const location = found?.location ?? path;
    const options = { create, password, key, signal: context.signal };
    const store = await openStore(location, { ...options, access });
    return new OpenLocation(store, {
      location: store.info.location ?? location,
      udid: udid ?? found?.udid,
      context,
    });
  }

  /** The devices that are meant: the one that is named, or all that have versions, or have had some. */
  async devices(): Promise<readonly DeviceVersions[]> {
    const { signal } = this.#context;
    const known = await this.store.devices({ signal });
    if (this.udid === undefined) return known.map((udid) => this.store.device(udid));
    if (!known.includes(this.udid))
      throw new SnapshotError('SNAPSHOT_NOT_FOUND', `The store has no versions of ${this.udid}`);
    return [this.store.device(this.udid)];
  }

  /** The only device, or the one that is named. @throws {@link UsageError} where there are several */
  async device(): Promise<DeviceVersions> {
    const [device, ...others] = await this.devices();
    if (device === undefined) throw new SnapshotError('SNAPSHOT_NOT_FOUND', `${this.location} has no versions yet`);
    if (others.length > 0)
      throw new UsageError(
        `${this.location} has versions of several devices; choose one with --udid: ${[device, ...others].map(({ udid }) => udid).join(', ')}`,
      );
    return device;
  }

  /** Versions of a device, newest first; what cannot be read is told. */
  async list(device: DeviceVersions, { deleted }: { deleted?: boolean | undefined } = {}): Promise<VersionInfo[]> {
    const onDamage = ({ message }: SnapshotError): void => note(this.#context, `ios-backup: ${message}`);
    return await device.list({ deleted, onDamage, signal: this.#context.signal });
  }

  /** The version that a text names. An identity is looked for among all devices, and in the trash where that is asked for. */
  async find(text: string, { deleted }: { deleted?: boolean | undefined } = {}): Promise<FoundVersion> {
    const name = parseVersionName(text);
    if (name.kind !== 'id') {
      const device = await this.device();
      const version = findVersion(await this.list(device), name);
      if (version === undefined) throw notFound(text, name, device.udid);
      return { device, version };
    }
    const devices = await this.devices();
    const lists = await Promise.all(devices.map(async (device) => await this.list(device, { deleted })));
    const version = findVersion(lists.flat(), name);
    const device = devices.find(({ udid }) => udid === version?.udid);
    if (version === undefined || device === undefined) throw notFound(text, name, this.udid);
    return { device, version };
  }

  /** Versions that texts name, all of one device and each once. */
  async findAll(
    texts: readonly string[],
    options: { deleted?: boolean | undefined } = {},
  ): Promise<{ device: DeviceVersions; versions: readonly VersionInfo[] }> {
    const found: FoundVersion[] = [];
    for (const text of texts) found.push(await this.find(text, options));
    const [first] = found;
    if (first === undefined) throw new UsageError('Name a version');
    if (found.some(({ version }) => version.udid !== first.version.udid))
      throw new UsageError('These are versions of several devices; name those of one');
    const versions = new Map(found.map(({ version }) => [version.id, version]));
    return { device: first.device, versions: [...versions.values()] };
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function openStore(
  location: string,
  { access, ...options }: Pick<OpenLocationOptions, 'access' | 'create' | 'password' | 'key'> & { signal: AbortSignal },
): Promise<SnapshotStore> {
  if (access === 'look') return await SnapshotStore.open(location, { ...options, create: false, readOnly: true });
  try {
    return await SnapshotStore.open(location, options);
  } catch (error) {
    // A disk that is write-protected, or somebody else's: nobody can purge there either.
    if (access !== 'read' || !isReadOnlyDisk(error)) throw error;
    return await SnapshotStore.open(location, { ...options, create: false, readOnly: true });
  }
}

function isReadOnlyDisk(error: unknown): boolean {
  const codes = ['EROFS', 'EACCES', 'EPERM'];
  return isBackupKitError(error) && 'errno' in error && codes.includes(String(error.errno));
}

function notFound(text: string, { kind }: VersionName, udid: string | undefined): SnapshotError {
  const of = udid === undefined ? '' : ` of ${udid}`;
  const what =
    kind === 'by' ? `There is no version${of} from before the end of ${text}` : `There is no version "${text}"${of}`;
  return new SnapshotError('SNAPSHOT_NOT_FOUND', `${what}; name one by ${versionNames}`);
}

import type { FileRef } from '../../../../manifest/types.js';
import { asBoolean } from '../../../../plist/guards.js';
import type { PlistDict } from '../../../../plist/types.js';
import { fileIdOf } from '../../../backup-builder/entry-record.js';
import type { DomainFileSystem, FileNode } from '../../file-system/domain-file-system.js';

/** Domains of the system, which a restore leaves alone unless it is told otherwise. */
const systemDomains =
  /^(DatabaseDomain|InstallDomain|ManagedPreferencesDomain|MobileDeviceDomain|NetworkDomain|RootDomain|SystemPreferencesDomain|Sys(Shared)?ContainerDomain-.*)$/;

/** Settings of the user, which a restore may keep as they are. */
function isSetting({ domain, relativePath }: FileRef): boolean {
  return (
    domain === 'SystemPreferencesDomain' ||
    domain === 'ManagedPreferencesDomain' ||
    (domain === 'HomeDomain' && relativePath.startsWith('Library/Preferences/'))
  );
}

/** What the options of a restore mean for a file system. FORMAT facts: docs/format/mobilebackup2.md, "Options of a restore". */
export class RestorePolicy {
  /** Whether the device restarts in the end. */
  readonly restarts: boolean;
  readonly #fileSystem: DomainFileSystem;
  readonly #takesSystem: boolean;
  readonly #keepsSettings: boolean;
  readonly #removesOthers: boolean;
  /** What the backup has, also where it is not restored. */
  readonly #backedUp = new Set<string>();

  constructor(options: PlistDict, fileSystem: DomainFileSystem) {
    const isSet = (key: string): boolean | undefined => asBoolean(options.get(key));
    this.restarts = isSet('RestoreShouldReboot') ?? true;
    this.#takesSystem = isSet('RestoreSystemFiles') ?? false;
    this.#keepsSettings = isSet('RestorePreserveSettings') ?? false;
    this.#removesOthers = isSet('RemoveItemsNotRestored') ?? false;
    this.#fileSystem = fileSystem;
  }

  /** Takes note of an entry of the backup. */
  note({ domain, relativePath }: FileRef): void {
    if (this.#removesOthers) this.#backedUp.add(fileIdOf(domain, relativePath));
  }

  /** Whether an entry of the backup is restored. */
  takes(file: FileRef): boolean {
    return this.#concerns(file) && !(this.#keepsSettings && isSetting(file) && this.#fileSystem.has(file));
  }

  /** Puts what was restored in place. */
  apply(entries: readonly FileNode[]): void {
    if (this.#removesOthers) this.#removeOthers();
    for (const { record, body } of entries) this.#fileSystem.put(record, body);
  }

  #removeOthers(): void {
    for (const { record } of this.#fileSystem.snapshot()) {
      const { domain, relativePath } = record;
      if (!this.#concerns(record) || (this.#keepsSettings && isSetting(record))) continue;
      if (!this.#backedUp.has(fileIdOf(domain, relativePath))) this.#fileSystem.remove({ domain, relativePath });
    }
  }

  #concerns({ domain }: FileRef): boolean {
    return this.#takesSystem || !systemDomains.test(domain);
  }
}

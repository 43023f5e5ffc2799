import type { Command } from 'commander';
import { Backup, isBackupKitError } from '../../../entry/index.js';
import type { FileChange } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { formatBackupPath } from '../../input/backup-path.js';
import { givenCredentials, type Credentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation, type FoundVersion } from '../../open-store.js';
import { withCredentialOptions, withStoreOptions, type StoreOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';
import { versionInWords } from './results.js';

/** Options of `versions diff`. */
interface DiffOptions extends StoreOptions, CredentialOptions {}

/** A file that differs, by the name that it has on the device where that is known. */
interface NamedChange extends FileChange {
  readonly domain?: string | undefined;
  readonly relativePath?: string | undefined;
}

const letters: Readonly<Record<FileChange['change'], string>> = { added: '+', modified: '~', removed: '-' };

const columns: readonly Column<NamedChange>[] = [
  { title: '', value: ({ change }) => change, show: ({ change }) => letters[change] },
  { title: 'Before', value: ({ sizeBefore }) => sizeBefore, show: sizeOf('sizeBefore'), align: 'right' },
  { title: 'After', value: ({ sizeAfter }) => sizeAfter, show: sizeOf('sizeAfter'), align: 'right' },
  { title: 'Path', value: pathOf, cut: 'start', flexible: true },
];

function sizeOf(key: 'sizeBefore' | 'sizeAfter'): (change: NamedChange) => string {
  return (change) => {
    const size = change[key];
    return size === undefined ? '' : formatBytes(size);
  };
}

function pathOf({ path, domain, relativePath }: NamedChange): string {
  return domain === undefined || relativePath === undefined ? path : formatBackupPath({ domain, relativePath });
}

/** Adds `versions diff`: what differs between two versions. */
export function addVersionsDiffCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('diff')
    .summary('list the files that differ between two versions')
    .description(
      'Lists the files that were added (+), changed (~) and removed (-) from one version to another. Files have their names on the device where the manifest can be read: for an encrypted backup the password has to be given, or they have the names of the backup folder.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<before>', 'the older version')
    .argument('[after]', 'the newer version', 'newest');
  withCredentialOptions(
    withStoreOptions(command, [
      'ios-backup versions diff ~/backups newest~1',
      'ios-backup versions diff ~/backups 2026-11-01 2026-11-08 --json',
    ]),
  ).action(async (path: string, before: string, after: string, options: DiffOptions) => {
    const credentials = await givenCredentials(options, context);
    await using location = await OpenLocation.open(
      path,
      { access: 'read', udid: options.udid, ...credentials },
      context,
    );
    const [old, next] = [await location.find(before), await location.find(after)];
    if (old.version.udid !== next.version.udid) throw new UsageError('These are versions of two devices');
    const changes: FileChange[] = [];
    const { signal, output } = context;
    for await (const change of old.device.diff(old.version.id, next.version.id, { signal })) changes.push(change);
    const names = await namesOf(changes, { versions: [next, old], credentials, context });
    const asJson = options.json === true;
    await writeRecords(named(changes, names), { columns }, { output, asJson });
    note(context, summaryOf(changes, old, next));
  });
}

async function* named(
  changes: readonly FileChange[],
  names: ReadonlyMap<string, Pick<NamedChange, 'domain' | 'relativePath'>>,
): AsyncGenerator<NamedChange, void, undefined> {
  for (const change of changes) yield { ...change, ...names.get(change.path) };
}

/** Names on the device by path in the backup folder, as far as manifests can be read. */
async function namesOf(
  changes: readonly FileChange[],
  {
    versions,
    credentials,
    context,
  }: { versions: readonly FoundVersion[]; credentials: Credentials | undefined; context: CliContext },
): Promise<ReadonlyMap<string, Pick<NamedChange, 'domain' | 'relativePath'>>> {
  const names = new Map<string, { domain: string; relativePath: string }>();
  const { signal } = context;
  for (const { device, version } of versions) {
    try {
      await using stored = await device.get(version.id, { signal });
      await using backup = await Backup.open(stored, { ...credentials, signal });
      for (const { path } of changes) {
        const fileId = path.slice(path.lastIndexOf('/') + 1);
        if (names.has(path) || !/^[0-9a-f]{40}$/.test(fileId)) continue;
        const file = await backup.files.getById(fileId, { signal });
        if (file !== undefined) names.set(path, { domain: file.domain, relativePath: file.relativePath });
      }
    } catch (error) {
      if (!isBackupKitError(error)) throw error;
      const { code } = error;
      if (code === 'MANIFEST_PASSWORD_REQUIRED' || code === 'SNAPSHOT_SECRET_REQUIRED')
        note(context, 'Paths are those of the backup folder: their names on the device need the password');
      else note(context, `Paths are those of the backup folder: ${error.message}`);
      // The other one would say the same.
      break;
    }
  }
  return names;
}

function summaryOf(changes: readonly FileChange[], old: FoundVersion, next: FoundVersion): string {
  const from = `${versionInWords(old.version)} to ${versionInWords(next.version)}`;
  if (changes.length === 0) return `No file differs from ${from}`;
  const count = (kind: FileChange['change']): number => changes.filter(({ change }) => change === kind).length;
  const grown = changes.reduce((sum, { sizeBefore = 0, sizeAfter = 0 }) => sum + sizeAfter - sizeBefore, 0);
  const size = `${formatBytes(Math.abs(grown))} ${grown < 0 ? 'less' : 'more'}`;
  return `${count('added')} added, ${count('modified')} changed, ${count('removed')} removed: ${size}`;
}

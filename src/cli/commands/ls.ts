import type { Command } from 'commander';
import { ManifestError, type Backup, type BackupFile, type FileQuery } from '../../entry/index.js';
import type { CliContext } from '../context.js';
import { UsageError } from '../failures.js';
import { formatBackupPath, parseBackupPath, type BackupPath } from '../input/backup-path.js';
import { openBackup } from '../open-backup.js';
import { withBackupOptions, type BackupOptions } from '../options.js';
import { formatBytes, formatLocalTime, formatMode } from '../output/format.js';
import { toFileRecord } from '../output/file-record.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

/** Options of `ls`. */
interface LsOptions extends BackupOptions {
  readonly recursive?: true | undefined;
  readonly glob?: string | undefined;
  readonly domain?: string | undefined;
}

/** A domain, or an entry of one. A folder that the manifest has no entry for has only a path. */
interface Listed {
  readonly path: string;
  /** What people see: the name within the folder that is listed, or the path where more than one is. */
  readonly name: string;
  readonly file: BackupFile | undefined;
}

const columns: readonly Column<Listed>[] = [
  {
    title: 'Mode',
    value: ({ file }) => file?.kind ?? 'directory',
    show: ({ file }) => formatMode(file?.mode ?? 0o040755),
  },
  {
    title: 'Size',
    value: ({ file }) => file?.size ?? 0,
    show: ({ file }) => (file?.kind === 'file' ? formatBytes(file.size) : ''),
    align: 'right',
  },
  {
    title: 'Modified',
    value: ({ file }) => file?.modified,
    show: ({ file }) => (file?.modified === undefined ? '' : formatLocalTime(file.modified)),
  },
  {
    title: 'Path',
    value: ({ path }) => path,
    show: ({ name, file }) => (file?.linkTarget === undefined ? name : `${name} -> ${file.linkTarget}`),
    cut: 'start',
    flexible: true,
  },
];

/** Adds `ls`: the domains of a backup, or what is in a folder of one. */
export function addLsCommand(program: Command, context: CliContext): void {
  const command = program
    .command('ls')
    .summary('list the domains, folders and files of a backup')
    .description('Lists the domains of a backup, what is in a folder, or one file. A path is /<Domain>/<relativePath>.')
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in')
    .argument('[path]', 'what to list; the domains by default')
    .option('-R, --recursive', 'list everything below the path')
    .option('--domain <domain>', 'list all of one domain')
    .option('--glob <pattern>', 'list all that matches: *, ?, [...], **, {a,b} over the path within the domain');
  withBackupOptions(command, [
    'ios-backup ls ~/backups/00008120-0001',
    'ios-backup ls ~/backups/00008120-0001 /HomeDomain/Library/SMS',
    "ios-backup ls ~/backups/00008120-0001 --glob '**/*.sqlite' --json",
  ]).action(async (path: string, place: string | undefined, options: LsOptions) => {
    if (place !== undefined && options.domain !== undefined) throw new UsageError('Give either a path or --domain');
    await using opened = await openBackup(path, options, context);
    const { backup } = opened;
    await writeRecords(
      entries(backup, parseBackupPath(place ?? '/'), { options, signal: context.signal }),
      {
        columns,
        json: ({ path, file }) => (file === undefined ? { path, kind: 'directory' } : { path, ...toFileRecord(file) }),
      },
      { output: context.output, asJson: options.json === true },
    );
  });
}

async function* entries(
  backup: Backup,
  place: BackupPath,
  { options, signal }: { options: LsOptions; signal: AbortSignal },
): AsyncGenerator<Listed, void, undefined> {
  const { glob, domain = place.domain } = options;
  const everything = options.recursive === true || glob !== undefined || options.domain !== undefined;
  if (domain === undefined && !everything) {
    for (const name of await backup.files.domains({ signal }))
      yield { path: `/${name}`, name: `/${name}`, file: undefined };
    return;
  }
  const query: FileQuery = { domain, pathPrefix: place.relativePath === '' ? undefined : place.relativePath, glob };
  let found = false;
  // Folders come before what is in them, but not always at once: `a`, `a-b`, `a/c`. A folder may also have no entry of its own.
  const folders = new Set<string>();
  for await (const file of backup.files.list(query, { signal })) {
    found = true;
    const [child, ...deeper] = everything ? [file.relativePath] : componentsBelow(file, place);
    if (child === undefined) {
      if (file.kind !== 'directory') yield whole(file);
    } else if (deeper.length === 0) {
      if (file.kind === 'directory') folders.add(child);
      yield everything ? whole(file) : { path: formatBackupPath(file), name: child, file };
    } else if (!folders.has(child)) {
      folders.add(child);
      const relativePath = join(place.relativePath, child);
      yield { path: formatBackupPath({ domain: file.domain, relativePath }), name: child, file: undefined };
    }
  }
  if (!found && glob === undefined) throw notFound(place, domain);
}

function whole(file: BackupFile): Listed {
  const path = formatBackupPath(file);
  return { path, name: path, file };
}

/** Components of the path of `file` below the folder `place`; none for the folder itself. */
function componentsBelow(file: BackupFile, place: BackupPath): string[] {
  const below = place.relativePath === '' ? file.relativePath : file.relativePath.slice(place.relativePath.length + 1);
  return below === '' ? [] : below.split('/');
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function notFound({ relativePath }: BackupPath, domain = ''): ManifestError {
  const path = formatBackupPath({ domain, relativePath });
  return new ManifestError('MANIFEST_FILE_NOT_FOUND', `The backup has no ${path}; list the folder above it`, {
    domain,
    relativePath,
  });
}

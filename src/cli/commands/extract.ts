import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type {
  Backup,
  ExtractIssue,
  ExtractLayout,
  ExtractOptions,
  ExtractReport,
  FileRef,
  SelectAndNameOptions,
} from '../../entry/index.js';
import { note, type CliContext } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { UsageError } from '../failures.js';
import { formatBackupPath, parseBackupPath } from '../input/backup-path.js';
import { openBackup } from '../open-backup.js';
import { withBackupOptions, type BackupOptions } from '../options.js';
import { formatBytes } from '../output/format.js';
import { toJsonLine } from '../output/json.js';
import { ProgressBar } from '../output/progress-bar.js';

/** Options of `extract`. */
interface ExtractCommandOptions extends BackupOptions {
  readonly out: string;
  readonly format?: 'folder' | 'tar' | 'zip' | undefined;
  readonly domain?: string | undefined;
  readonly app?: string | undefined;
  readonly glob?: string | undefined;
  readonly layout?: ExtractLayout | undefined;
  readonly onExisting?: ExtractOptions['onExisting'];
  readonly symlinks?: 'skip' | 'create' | undefined;
  readonly recover?: true | undefined;
}

/** Adds `extract`: files of a backup into a folder or an archive. */
export function addExtractCommand(program: Command, context: CliContext): void {
  const command = program
    .command('extract')
    .summary('write files to a folder, a tar or a zip')
    .description(
      'Writes the chosen files, all by default, with their names and times. Names that are not safe everywhere are escaped.',
    )
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in')
    .argument('[paths...]', 'files and folders, as /<Domain>/<relativePath>')
    .requiredOption('--out <target>', 'folder, or file of an archive; - writes an archive to the output')
    .addOption(
      new Option('--format <format>', 'what --out is; by default its ending tells').choices(['folder', 'tar', 'zip']),
    )
    .option('--domain <domain>', 'only files of this domain')
    .option('--app <bundleId>', 'only files of the containers of this app')
    .option('--glob <pattern>', 'only files that match: *, ?, [...], **, {a,b} over the path within the domain')
    .addOption(
      new Option('--layout <layout>', 'how the target is laid out (default: domain)').choices([
        'domain',
        'path',
        'relative',
        'flat',
      ]),
    )
    .addOption(
      new Option('--on-existing <what>', 'where the target has such a file (default: error)').choices([
        'error',
        'skip',
        'overwrite',
        'rename',
      ]),
    )
    .addOption(new Option('--symlinks <what>', 'what to do with symbolic links').choices(['skip', 'create']))
    .option('--recover', 'write what is left of damaged files');
  withBackupOptions(command, [
    'ios-backup extract ~/backups/00008120-0001 --out photos --domain CameraRollDomain',
    'ios-backup extract ~/backups/00008120-0001 /HomeDomain/Library/SMS --out sms.zip',
    'ios-backup extract ~/backups/00008120-0001 --out - --format tar | tar -t',
  ]).action(async (path: string, places: readonly string[], options: ExtractCommandOptions) => {
    const files = places.map(toFileRef);
    if (files.length > 0 && (options.domain ?? options.app ?? options.glob) !== undefined) {
      throw new UsageError('Give either paths, or --domain, --app and --glob');
    }
    const format = formatOf(options);
    const asJson = options.json === true;
    if (asJson && options.out === '-') throw new UsageError('--json and --out - both want the standard output');
    await using opened = await openBackup(path, options, context);
    const { backup } = opened;
    const bar = new ProgressBar(context.errors);
    const selection: SelectAndNameOptions = {
      ...(files.length > 0 ? { files } : { domain: options.domain, app: options.app, glob: options.glob }),
      layout: options.layout,
      symlinks: options.symlinks,
      recover: options.recover,
      signal: context.signal,
      totals: files.length > 0 ? undefined : context.errors.isTTY,
      onProgress: ({ bytes, totalBytes, path: label }) => bar.update({ bytes, totalBytes, label }),
      onIssue: (issue) => {
        if (issue.severity !== 'not-extracted' && options.verbose !== true) return;
        bar.clear();
        note(context, issueLine(issue));
      },
    };
    let report: ExtractReport;
    try {
      report = await extract(backup, selection, { format, options, context });
    } finally {
      bar.clear();
    }
    if (asJson) await context.output.write(`${toJsonLine(report)}\n`);
    note(context, summaryLine(report));
    if (report.counts['not-extracted'] > 0) context.exitCode = exitCodes.partial;
  });
}

async function extract(
  backup: Backup,
  selection: SelectAndNameOptions,
  to: { format: 'folder' | 'tar' | 'zip'; options: ExtractCommandOptions; context: CliContext },
): Promise<ExtractReport> {
  const { out, onExisting } = to.options;
  if (to.format === 'folder') return await backup.extract(resolve(out), { ...selection, onExisting });
  if (out !== '-') return await backup.extract({ to: resolve(out), format: to.format }, selection);
  const archive = backup.archive({ ...selection, format: to.format });
  for await (const chunk of archive) await to.context.output.write(chunk);
  return await archive.report;
}

function toFileRef(place: string): FileRef {
  const { domain, relativePath } = parseBackupPath(place);
  if (domain === undefined) throw new UsageError(`${place} names no file; leave it out to extract everything`);
  return { domain, relativePath };
}

function formatOf({ out, format, onExisting }: ExtractCommandOptions): 'folder' | 'tar' | 'zip' {
  const byName = /\.(tar|zip)$/i.exec(out)?.[1]?.toLowerCase() as 'tar' | 'zip' | undefined;
  const chosen = format ?? byName ?? 'folder';
  if (out === '-' && format !== 'tar' && format !== 'zip') throw new UsageError('--out - needs --format tar or zip');
  if (chosen !== 'folder' && onExisting !== undefined) throw new UsageError('--on-existing is for folders');
  return chosen;
}

function issueLine({ severity, reason, message, ...ref }: ExtractIssue): string {
  return `${severity} ${formatBackupPath(ref)} (${reason}): ${message}`;
}

function summaryLine({ files, bytes, counts }: ExtractReport): string {
  const parts = [`${files} files, ${formatBytes(bytes)}`];
  if (counts['not-extracted'] > 0) parts.push(`${counts['not-extracted']} not extracted`);
  if (counts.skipped > 0) parts.push(`${counts.skipped} skipped`);
  if (counts.renamed > 0) parts.push(`${counts.renamed} renamed`);
  if (counts.warning > 0) parts.push(`${counts.warning} with a warning`);
  return parts.join('; ');
}

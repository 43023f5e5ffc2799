import type { Command } from 'commander';
import { Backup, type BackupSummary } from '../../entry/index.js';
import type { CliContext } from '../context.js';
import { withCommonOptions, type CommonOptions } from '../options.js';
import { formatLocalTime } from '../output/format.js';
import { toJsonLine } from '../output/json.js';
import { plainCell, type CellValue } from '../output/table.js';
import { escapeText, padText } from '../output/text.js';

/** What is shown of a summary, with the names for people and for programs. */
const fields: readonly (readonly [title: string, key: keyof BackupSummary])[] = [
  ['Device', 'deviceName'],
  ['Model', 'productType'],
  ['iOS', 'productVersion'],
  ['Build', 'buildVersion'],
  ['UDID', 'udid'],
  ['Serial number', 'serialNumber'],
  ['Phone number', 'phoneNumber'],
  ['IMEI', 'imei'],
  ['ICCID', 'iccid'],
  ['Last backup', 'lastBackupDate'],
  ['Encrypted', 'isEncrypted'],
  ['Passcode was set', 'wasPasscodeSet'],
  ['Full backup', 'isFullBackup'],
  ['Finished', 'isFinished'],
  ['Manifest', 'manifestKind'],
];

/** Adds `info`: what a backup says of itself without a password. */
export function addInfoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('info')
    .summary('show what a backup is; needs no password')
    .description('Shows what the unencrypted property lists of a backup tell: device, iOS, date, encryption, apps.')
    .argument('<backup>', 'folder of the backup');
  withCommonOptions(command, ['ios-backup info ~/backups/00008120-0001', 'ios-backup info . --json']).action(
    async (path: string, { json }: CommonOptions) => {
      const summary = await Backup.inspect(path, { signal: context.signal });
      if (json === true) await context.output.write(`${toJsonLine(summary)}\n`);
      else if (context.output.isTerminal) await writeForPeople(summary, context);
      else await writeForPrograms(summary, context);
    },
  );
}

async function writeForPeople(summary: BackupSummary, { output }: CliContext): Promise<void> {
  const rows = fields.map(([title, key]) => [title, shown(summary[key] as CellValue)] as const);
  const { apps } = summary;
  rows.push(['Apps', apps.length === 0 ? 'none' : String(apps.length)]);
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  for (const [title, value] of rows) await output.write(`${output.bold(padText(title, width))}${value}\n`);
  for (const { bundleId, version } of apps) {
    await output.write(
      `${padText('', width)}${escapeText(version === undefined ? bundleId : `${bundleId} ${version}`)}\n`,
    );
  }
  for (const warning of summary.warnings) await output.write(`${padText('Warning', width)}${escapeText(warning)}\n`);
}

/** One line for each field, then one for each app and each warning: key, tabulator, value. */
async function writeForPrograms(summary: BackupSummary, { output }: CliContext): Promise<void> {
  for (const [, key] of fields) await output.write(`${key}\t${plainCell(summary[key] as CellValue)}\n`);
  for (const app of summary.apps) await output.write(`app\t${plainCell(app.bundleId)}\t${plainCell(app.version)}\n`);
  for (const warning of summary.warnings) await output.write(`warning\t${plainCell(warning)}\n`);
}

function shown(value: CellValue): string {
  if (value === undefined) return 'unknown';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value instanceof Date ? formatLocalTime(value) : escapeText(String(value));
}

import type { Command } from 'commander';
import { Backup, type BackupSummary } from '../../entry/index.js';
import type { CliContext } from '../context.js';
import { givenCredentials, openVersion } from '../open-backup.js';
import { withBackupOptions, type BackupOptions } from '../options.js';
import { fieldWidth, writeFields, type Field } from '../output/fields.js';
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
    .argument('<backup>', 'folder of the backup; with --at also the location that it lies in');
  withBackupOptions(command, [
    'ios-backup info ~/backups/00008120-0001',
    'ios-backup info ~/backups/00008120-0001 --at 2026-11-01 --json',
  ]).action(async (path: string, options: BackupOptions) => {
    const summary = await inspect(path, options, context);
    if (options.json === true) await context.output.write(`${toJsonLine(summary)}\n`);
    else if (context.output.isTerminal) await writeForPeople(summary, context);
    else await writeForPrograms(summary, context);
  });
}

async function inspect(path: string, options: BackupOptions, context: CliContext): Promise<BackupSummary> {
  const { signal } = context;
  if (options.at === undefined) return await Backup.inspect(path, { signal });
  // A password is of use only where the history is sealed with it.
  const credentials = await givenCredentials(options, context);
  await using version = await openVersion(path, options.at, { credentials, context });
  return await Backup.inspect(version.tree, { signal });
}

async function writeForPeople(summary: BackupSummary, { output }: CliContext): Promise<void> {
  const { apps } = summary;
  const rows = [...fieldsOf(summary), { title: 'Apps', key: 'apps', value: apps.length === 0 ? 'none' : apps.length }];
  await writeFields(rows, output);
  const width = fieldWidth(rows);
  for (const { bundleId, version } of apps) {
    await output.write(
      `${padText('', width)}${escapeText(version === undefined ? bundleId : `${bundleId} ${version}`)}\n`,
    );
  }
  for (const warning of summary.warnings) await output.write(`${padText('Warning', width)}${escapeText(warning)}\n`);
}

/** One line for each field, then one for each app and each warning: key, tabulator, value. */
async function writeForPrograms(summary: BackupSummary, { output }: CliContext): Promise<void> {
  await writeFields(fieldsOf(summary), output);
  for (const app of summary.apps) await output.write(`app\t${plainCell(app.bundleId)}\t${plainCell(app.version)}\n`);
  for (const warning of summary.warnings) await output.write(`warning\t${plainCell(warning)}\n`);
}

function fieldsOf(summary: BackupSummary): Field[] {
  return fields.map(([title, key]) => ({ title, key, value: summary[key] as CellValue }));
}

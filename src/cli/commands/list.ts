import type { Command } from 'commander';
import { listBackups, type ListedBackup } from '../../entry/index.js';
import { note, type CliContext } from '../context.js';
import { withCommonOptions, type CommonOptions } from '../options.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

const columns: readonly Column<ListedBackup>[] = [
  { title: 'Device', value: (backup) => backup.deviceName, flexible: true },
  { title: 'Model', value: (backup) => backup.productType },
  { title: 'iOS', value: (backup) => backup.productVersion },
  { title: 'Last backup', value: (backup) => backup.lastBackupDate },
  { title: 'Encrypted', value: (backup) => backup.isEncrypted, show: (backup) => (backup.isEncrypted ? 'yes' : 'no') },
  { title: 'UDID', value: (backup) => backup.udid, flexible: true },
  { title: 'Path', value: (backup) => backup.path, cut: 'start', flexible: true },
];

/** Adds `list`: which backups there are. */
export function addListCommand(program: Command, context: CliContext): void {
  const command = program
    .command('list')
    .summary('list the backups of this computer or of a folder')
    .description('Lists the backups in the default folders of Finder, iTunes and Apple Devices, or in a folder.')
    .argument('[root]', 'folder that holds backups, or is one');
  withCommonOptions(command, ['ios-backup list', 'ios-backup list /mnt/disk/backups --json']).action(
    async (root: string | undefined, { json }: CommonOptions) => {
      const backups = withNotes(listBackups(root, { signal: context.signal }), context);
      await writeRecords(backups, { columns }, { output: context.output, asJson: json === true });
    },
  );
}

/** Says of those that cannot be read why. */
async function* withNotes(
  backups: AsyncIterable<ListedBackup>,
  context: CliContext,
): AsyncGenerator<ListedBackup, void, undefined> {
  for await (const backup of backups) {
    if (backup.error !== undefined) note(context, `${backup.path}: ${backup.error.message}`);
    yield backup;
  }
}

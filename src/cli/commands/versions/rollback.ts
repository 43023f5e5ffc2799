import type { Command } from 'commander';
import { note, type CliContext } from '../../context.js';
import { confirm } from '../../input/confirm.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation } from '../../open-store.js';
import { withCredentialOptions, withStoreOptions, type StoreOptions } from '../../options.js';
import { deviceOf } from '../../output/version-columns.js';
import { StoreDisplay } from '../../store-display.js';
import { versionInWords, writeVersion } from './results.js';

/** Options of `versions rollback`. */
interface RollbackCommandOptions extends StoreOptions, CredentialOptions {
  readonly note?: string | undefined;
  readonly yes?: true | undefined;
}

/** Adds `versions rollback`: makes the newest backup what a version is. */
export function addVersionsRollbackCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('rollback')
    .summary('make the newest backup what a version is')
    .description(
      'Makes the folder of the newest backup what a version is, as a new version. What it was is kept as a version first, so that this can be taken back. The device may have to send everything with its next backup.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<version>', 'which version')
    .option('--note <text>', 'something about the new version, for later')
    .option('--yes', 'do not ask before it begins');
  withCredentialOptions(withStoreOptions(command, ['ios-backup versions rollback ~/backups 2026-11-01'])).action(
    async (path: string, text: string, options: RollbackCommandOptions) => {
      const credentials = await givenCredentials(options, context);
      await using location = await OpenLocation.open(
        path,
        { access: 'write', udid: options.udid, ...credentials },
        context,
      );
      const { device, version } = await location.find(text);
      await confirm(
        {
          yes: options.yes === true,
          question: `Make the newest backup of ${deviceOf(version)} (${version.udid}) what version ${versionInWords(version)} is?`,
          need: 'A rollback replaces the newest backup, which is kept as a version',
          refused: 'Nothing was changed',
        },
        context,
      );
      using display = new StoreDisplay(context);
      const { signal } = context;
      const made = await device.rollback(version.id, { note: options.note, onProgress: display.show, signal });
      display.clear();
      await writeVersion(made, 'Now the newest backup is', { options, context });
      if (options.json !== true) note(context, 'The next backup of the device may be a full one');
    },
  );
}

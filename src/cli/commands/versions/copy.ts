import type { Command } from 'commander';
import type { CopyReport } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { exitCodes } from '../../exit-codes.js';
import { shortId } from '../../input/version-name.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation } from '../../open-store.js';
import { withCredentialOptions, withStoreOptions, type StoreOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { StoreDisplay } from '../../store-display.js';

/** Options of `versions copy`. */
interface CopyCommandOptions extends StoreOptions, CredentialOptions {
  readonly version?: readonly string[] | undefined;
}

/** Adds `versions copy`: versions into another store. */
export function addVersionsCopyCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('copy')
    .summary('copy versions to a store on another disk')
    .description(
      'Copies versions into the store of another location, which is made where there is none: with their ids, times, pins and notes. Every content is compared with its hash on the way. What is there already is left out, so that the same command brings a copy up to date, or goes on where it was interrupted. From such a copy repair mends this store.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<target>', 'folder for the copy')
    .option('--version <version...>', 'only these versions');
  withCredentialOptions(withStoreOptions(command, ['ios-backup versions copy ~/backups /mnt/disk/iphone-copy'])).action(
    async (path: string, target: string, options: CopyCommandOptions) => {
      const { signal, output } = context;
      const credentials = await givenCredentials(options, context);
      const { udid, version: names } = options;
      await using location = await OpenLocation.open(path, { access: 'read', udid, ...credentials }, context);
      const chosen = names === undefined ? undefined : await location.findAll(names);
      await using copy = await OpenLocation.open(target, { access: 'write', create: true, ...credentials }, context);
      using display = new StoreDisplay(context);
      const report = await location.store.copyTo(copy.store, {
        udid: chosen?.device.udid ?? location.udid,
        versions: chosen?.versions.map(({ id }) => id),
        onProgress: display.show,
        signal,
      });
      display.clear();
      if (options.json === true) await output.write(`${toJsonLine(report)}\n`);
      else for (const id of report.copied) await output.write(`${id}\n`);
      for (const { id, error } of report.failed) note(context, `Not copied: ${shortId(id)}: ${error.message}`);
      note(context, summaryOf(report));
      if (report.failed.length > 0) context.exitCode = exitCodes.partial;
    },
  );
}

function summaryOf({ copied, present, failed, contents, bytes }: CopyReport): string {
  const parts = [
    `${copied.length} versions copied: ${contents} contents, ${formatBytes(bytes)}`,
    ...(present.length > 0 ? [`${present.length} were there already`] : []),
    ...(failed.length > 0 ? [`${failed.length} cannot be read whole`] : []),
  ];
  return parts.join('; ');
}

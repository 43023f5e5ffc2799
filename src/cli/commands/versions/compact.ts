import type { Command } from 'commander';
import type { CompactReport } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { exitCodes } from '../../exit-codes.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation } from '../../open-store.js';
import { parseCount, withCommonOptions, withCredentialOptions, type CommonOptions } from '../../options.js';
import { writeFields } from '../../output/fields.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { StoreDisplay } from '../../store-display.js';

/** Options of `versions compact`. */
interface CompactCommandOptions extends CommonOptions, CredentialOptions {
  readonly maxSeconds?: number | undefined;
}

/** Adds `versions compact`: makes history smaller. */
export function addVersionsCompactCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('compact')
    .summary('make history smaller')
    .description(
      'Keeps what newer versions have replaced as the difference to them, and small files compressed. Each is read back and compared before the whole one goes. ios-backup backup does this after each backup, for a minute; it may be stopped at any time. For encrypted backups it needs the password: without it what has changed stays whole. The differences are sealed with it.',
    )
    .argument('<location>', 'folder in which backups and their versions lie')
    .option('--max-seconds <number>', 'begin nothing more after so many seconds', parseCount('--max-seconds'));
  withCredentialOptions(
    withCommonOptions(command, [
      'ios-backup versions compact ~/backups',
      'ios-backup versions compact ~/backups --max-seconds 600 --password-file ~/.backup-password',
    ]),
  ).action(async (path: string, options: CompactCommandOptions) => {
    const { signal, output } = context;
    const credentials = await givenCredentials(options, context);
    await using location = await OpenLocation.open(path, { access: 'write', ...credentials }, context);
    using display = new StoreDisplay(context);
    const report = await location.store.compact({ maxSeconds: options.maxSeconds, onProgress: display.show, signal });
    display.clear();
    if (options.json === true) await output.write(`${toJsonLine(report)}\n`);
    else if (output.isTerminal) await output.write(`${compactedInWords(report)}\n`);
    else {
      const { deltas, packed, merged, keptWhole, savedBytes, complete } = report;
      const values = Object.entries({ deltas, packed, merged, keptWhole, savedBytes, complete });
      await writeFields(
        values.map(([key, value]) => ({ title: key, key, value })),
        output,
      );
    }
    for (const part of report.damaged) note(context, `Damaged, and left as it is: ${part}`);
    if (report.damaged.length > 0) context.exitCode = exitCodes.damaged;
  });
}

function compactedInWords({ deltas, packed, keptWhole, savedBytes, complete }: CompactReport): string {
  const saved = `${formatBytes(Math.max(0, savedBytes))} saved`;
  const rest = complete ? '' : '; it has not come to its end, and goes on there the next time';
  return `${saved}: ${deltas} files are differences now, ${packed} in packs, ${keptWhole} stay whole${rest}`;
}

import { Option, type Command } from 'commander';
import type { VerifyFinding, VerifyLevel, VerifySummary } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { exitCodes } from '../../exit-codes.js';
import { shortId } from '../../input/version-name.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation } from '../../open-store.js';
import { withCommonOptions, withCredentialOptions, type CommonOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';
import { StoreDisplay } from '../../store-display.js';

/** Options of `versions verify`. */
interface VerifyCommandOptions extends CommonOptions, CredentialOptions {
  readonly level: VerifyLevel;
}

const columns: readonly Column<VerifyFinding>[] = [
  { title: 'Severity', value: ({ severity }) => severity },
  { title: 'Problem', value: ({ problem }) => problem },
  {
    title: 'Versions',
    value: ({ versions }) => versions.map(({ id }) => id).join(','),
    show: ({ versions }) => versions.map(({ id }) => shortId(id)).join(', '),
    flexible: true,
  },
  { title: 'Part', value: ({ part }) => part, cut: 'start', flexible: true },
  { title: 'What', value: ({ message }) => message, flexible: true },
];

/** Adds `versions verify`: checks a store. */
export function addVersionsVerifyCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('verify')
    .summary('check that every version can be read')
    .description(
      'Checks the store and lists what is damaged, with the versions that it concerns. structure takes seconds and sees what is missing or cut off; sample also reads one part in thirty, another one each time; full reads everything. Ends with 13 where a version lacks something.',
    )
    .argument('<location>', 'folder in which backups and their versions lie')
    .addOption(
      new Option('--level <level>', 'how thorough it is').choices(['structure', 'sample', 'full']).default('structure'),
    );
  withCredentialOptions(
    withCommonOptions(command, [
      'ios-backup versions verify ~/backups',
      'ios-backup versions verify ~/backups --level full',
    ]),
  ).action(async (path: string, options: VerifyCommandOptions) => {
    const credentials = await givenCredentials(options, context);
    await using location = await OpenLocation.open(path, { access: 'read', ...credentials }, context);
    using display = new StoreDisplay(context);
    const { signal, output } = context;
    const run = location.store.verify({ level: options.level, onProgress: display.show, signal });
    const asJson = options.json === true;
    await writeRecords(shown(run, display), { columns }, { output, asJson });
    const summary = await run.summary;
    display.clear();
    if (asJson) await output.write(`${toJsonLine({ summary })}\n`);
    note(context, summaryOf(summary));
    if (summary.errors > 0) context.exitCode = exitCodes.damaged;
  });
}

async function* shown(
  findings: AsyncIterable<VerifyFinding>,
  display: StoreDisplay,
): AsyncGenerator<VerifyFinding, void, undefined> {
  for await (const finding of findings) {
    display.clear();
    yield finding;
  }
}

function summaryOf(summary: VerifySummary): string {
  const { errors, warnings, versions, damagedVersions, checkedContents, checkedBytes, sealedContents, slice } = summary;
  const read =
    checkedContents === 0
      ? 'contents were not read'
      : `${checkedContents} contents were read, ${formatBytes(checkedBytes)}${slice === undefined ? '' : ` (part ${slice.index + 1} of ${slice.of})`}`;
  const sealed = sealedContents === 0 ? '' : `; ${sealedContents} sealed ones need the password`;
  if (errors === 0 && warnings === 0) return `${versions} versions are whole as far as was looked; ${read}${sealed}`;
  const next = 'versions repair says what can be mended';
  return `${errors} errors, ${warnings} warnings; ${damagedVersions.length} of ${versions} versions lack something; ${read}${sealed}; ${next}`;
}

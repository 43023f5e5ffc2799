import type { Command } from 'commander';
import type { RepairReport, RepairSource } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { exitCodes } from '../../exit-codes.js';
import { shortId } from '../../input/version-name.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation } from '../../open-store.js';
import { withCommonOptions, withCredentialOptions, type CommonOptions } from '../../options.js';
import { toJsonLine } from '../../output/json.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';
import { StoreDisplay } from '../../store-display.js';

/** Options of `versions repair`. */
interface RepairCommandOptions extends CommonOptions, CredentialOptions {
  readonly from?: string | undefined;
  readonly giveUp?: true | undefined;
  readonly yes?: true | undefined;
}

/** A part that was damaged, and what becomes of it. */
interface Part {
  readonly outcome: 'mended' | 'lost';
  readonly part: string;
  readonly what: string;
  readonly versions: readonly string[];
}

const sources: Readonly<Record<RepairSource, string>> = {
  newest: 'from the newest backup',
  store: 'from elsewhere in the store',
  opened: 'from an opened version',
  replica: 'from the other store',
  computed: 'made anew',
  accepted: 'taken as it is',
};

const columns: readonly Column<Part>[] = [
  { title: 'Outcome', value: ({ outcome }) => outcome },
  { title: 'Part', value: ({ part }) => part, cut: 'start', flexible: true },
  { title: 'How', value: ({ what }) => what, flexible: true },
  {
    title: 'Versions',
    value: ({ versions }) => versions.join(','),
    show: ({ versions }) => versions.map(shortId).join(', '),
    flexible: true,
  },
];

/** Adds `versions repair`: mends a store. */
export function addVersionsRepairCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('repair')
    .summary('say what can be mended of a damaged store, and with --yes mend it')
    .description(
      'Looks for whole bytes of what is damaged: in the newest backup, elsewhere in the store, in opened versions, and in another store that has some of the same versions. Nothing changes without --yes. Bad bytes are set aside in quarantine/ and not removed. Ends with 13 where something is lost.',
    )
    .argument('<location>', 'folder in which backups and their versions lie')
    .option('--from <location>', 'another store that may have what is missing, such as a copy of this one')
    .option('--give-up', 'set versions aside that cannot be read at all, so that others can be purged again')
    .option('--yes', 'do it');
  withCredentialOptions(
    withCommonOptions(command, [
      'ios-backup versions repair ~/backups',
      'ios-backup versions repair ~/backups --from /mnt/copy --yes',
    ]),
  ).action(async (path: string, options: RepairCommandOptions) => {
    const credentials = await givenCredentials(options, context);
    const access = options.yes === true ? 'write' : 'read';
    await using location = await OpenLocation.open(path, { access, ...credentials }, context);
    await using other =
      options.from === undefined
        ? undefined
        : await OpenLocation.open(options.from, { access: 'read', ...credentials }, context);
    using display = new StoreDisplay(context);
    const { signal, output } = context;
    const report = await location.store.repair({
      dryRun: options.yes !== true,
      from: other?.store,
      giveUp: options.giveUp,
      onProgress: display.show,
      signal,
    });
    display.clear();
    if (options.json === true) await output.write(`${toJsonLine(report)}\n`);
    else await writeRecords(partsOf(report), { columns }, { output, asJson: false });
    note(context, summaryOf(report));
    if (report.lost.length > 0) context.exitCode = exitCodes.damaged;
  });
}

async function* partsOf({ mended, lost, dryRun }: RepairReport): AsyncGenerator<Part, void, undefined> {
  for (const { part, from, problem } of mended)
    yield {
      outcome: 'mended',
      part,
      what: `${problem}: ${dryRun ? 'can be mended' : 'mended'} ${sources[from]}`,
      versions: [],
    };
  for (const { part, message, versions } of lost)
    yield { outcome: 'lost', part, what: message, versions: versions.map(({ id }) => id) };
}

function summaryOf({ dryRun, mended, lost, quarantined }: RepairReport): string {
  if (mended.length === 0 && lost.length === 0) return 'Nothing needs to be mended';
  const parts = (count: number): string => (count === 1 ? '1 part' : `${count} parts`);
  const rest =
    lost.length === 0 ? '' : `; ${parts(lost.length)} cannot be mended: another store given with --from may have them`;
  if (dryRun) return `${parts(mended.length)} can be mended${rest}; nothing was changed, --yes does it`;
  const aside = quarantined.length === 0 ? '' : `; ${parts(quarantined.length)} set aside in quarantine/`;
  return `${parts(mended.length)} mended${rest}${aside}`;
}

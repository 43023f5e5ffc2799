import type { Command } from 'commander';
import type {
  DeviceVersions,
  DropReason,
  KeepReason,
  RetentionPlan,
  RetentionPolicy,
  VersionInfo,
} from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { shortId } from '../../input/version-name.js';
import { OpenLocation } from '../../open-store.js';
import { parseCount, withStoreOptions, type StoreOptions } from '../../options.js';
import { formatAge, formatBytes, formatLocalMinute } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { writeRecords } from '../../output/records.js';
import type { Column } from '../../output/table.js';
import { deviceOf } from '../../output/version-columns.js';

/** Options that make a policy. */
interface PolicyOptions {
  readonly keepLast?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  readonly keepWithin?: string | undefined;
  readonly maxSize?: number | undefined;
  readonly minFree?: number | undefined;
  readonly timeZone?: string | undefined;
}

/** Options of `versions prune`. */
interface PruneCommandOptions extends StoreOptions, PolicyOptions {
  readonly save?: true | undefined;
  readonly permanently?: true | undefined;
  readonly yes?: true | undefined;
}

/** What is to become of one version. */
interface Fate {
  readonly version: VersionInfo;
  readonly drop: boolean;
  readonly reasons: readonly (KeepReason | DropReason)[];
  readonly bytes: number | undefined;
}

const why: Readonly<Record<KeepReason | DropReason, string>> = {
  newest: 'the newest',
  'only-complete': 'the only complete one',
  last: 'among the last',
  hourly: 'of its hour',
  daily: 'of its day',
  weekly: 'of its week',
  monthly: 'of its month',
  yearly: 'of its year',
  within: 'young enough',
  pinned: 'pinned',
  open: 'somebody has it open',
  'last-of-keybag': 'the last before the encryption was set anew',
  'before-mass-delete': 'the last before much was deleted',
  'after-mass-delete': 'the first after much was deleted',
  'before-encryption-off': 'the last encrypted one',
  'after-encryption-off': 'the first that is not encrypted',
  'no-rule': 'no rule keeps it',
  incomplete: 'not a finished backup',
  'max-bytes': 'the store is larger than it may be',
  'min-free-bytes': 'too little space is free',
};

/** Adds `versions prune`: removes versions that no rule keeps. */
export function addVersionsPruneCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('prune')
    .summary('say which versions no rule keeps, and with --yes remove them')
    .description(
      'Says for each version whether it stays or goes, why, and how much that frees. Nothing changes without --yes, which puts what goes into the trash and removes for good what has been in it for 7 days. Never removed: the newest version, pinned and open ones, the last of each encryption, and both sides of a sudden loss.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .option('--keep-last <number>', 'keep the newest ones (default: 3)', parseCount('--keep-last'))
    .option(
      '--hourly <number>',
      'keep one of each of so many hours that have one (default: 24)',
      parseCount('--hourly'),
    )
    .option('--daily <number>', 'the same by days (default: 7)', parseCount('--daily'))
    .option('--weekly <number>', 'the same by weeks (default: 4)', parseCount('--weekly'))
    .option('--monthly <number>', 'the same by months (default: 12)', parseCount('--monthly'))
    .option('--yearly <number>', 'the same by years (default: 0)', parseCount('--yearly'))
    .option('--keep-within <time>', 'keep all that are younger: 30d, 8w, 6m, 2y, or ISO 8601 as P30D', parseAge)
    .option('--max-size <size>', 'remove the oldest until history takes no more: 500GB', parseSize('--max-size'))
    .option('--min-free <size>', 'remove the oldest until so much of the disk is free: 50GB', parseSize('--min-free'))
    .option('--time-zone <name>', 'whose days and weeks count (default: where the version was made)')
    .option('--save', 'keep these rules for later prunes')
    .option('--permanently', 'remove what goes at once, without days of grace')
    .option('--yes', 'do it');
  withStoreOptions(command, [
    'ios-backup versions prune ~/backups',
    'ios-backup versions prune ~/backups --daily 14 --monthly 24 --save',
    'ios-backup versions prune ~/backups --min-free 50GB --yes',
  ]).action(async (path: string, options: PruneCommandOptions) => {
    const { yes, permanently, udid } = options;
    const writes = yes === true || options.save === true;
    await using location = await OpenLocation.open(path, { access: writes ? 'write' : 'look', udid }, context);
    const { signal } = context;
    let freed = 0;
    let dropped = 0;
    const devices = await location.devices();
    for (const device of devices) {
      const policy = policyOf(options, await device.retention({ signal }));
      const { plan, versions } = await checked(options, async () => {
        if (options.save === true) await device.setRetention(policy);
        const listed = await location.list(device);
        const done = yes === true ? device.prune(policy, { permanently, signal }) : device.plan(policy, { signal });
        return { plan: await done, versions: listed };
      });
      freed += plan.freedBytes ?? 0;
      dropped += plan.drop.length;
      await writePlan(plan, { device, devices: devices.length, versions, policy, options, context });
    }
    if (yes === true) {
      const purged = await location.store.purge({ signal });
      if (options.json === true) await context.output.write(`${toJsonLine({ purged })}\n`);
      note(context, doneText(dropped, { permanently, freedBytes: purged.freedBytes }));
    } else note(context, planText(dropped, freed));
  });
}

function planText(dropped: number, freed: number): string {
  if (dropped === 0) return 'Every version stays';
  const what = dropped === 1 ? '1 version' : `${dropped} versions`;
  return `${what} would go, and ${formatBytes(freed)} become free; nothing was changed, --yes does it`;
}

function doneText(
  dropped: number,
  { permanently, freedBytes }: { permanently: true | undefined; freedBytes: number },
): string {
  const freed = `${formatBytes(freedBytes)} are free again`;
  if (dropped === 0) return `Every version stays; ${freed}`;
  const what = dropped === 1 ? '1 version' : `${dropped} versions`;
  if (permanently === true) return `Removed ${what}; ${freed}`;
  return `Put ${what} into the trash, for 7 days; ${freed} by what was in it for longer`;
}

/** The rules that were set before, with those of the options in their place. */
function policyOf(options: PruneCommandOptions, saved: RetentionPolicy): RetentionPolicy {
  const { keepLast, hourly, daily, weekly, monthly, yearly, keepWithin, maxSize, minFree, timeZone } = options;
  const given = {
    keepLast,
    hourly,
    daily,
    weekly,
    monthly,
    yearly,
    keepWithin,
    maxBytes: maxSize,
    minFreeBytes: minFree,
    timeZone,
  };
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...saved, ...Object.fromEntries(entries) };
}

/** A rule that is none is an error of the command line. */
async function checked<T>({ keepWithin, timeZone }: PolicyOptions, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof RangeError && (keepWithin ?? timeZone) !== undefined)
      throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

async function writePlan(
  plan: RetentionPlan,
  {
    device,
    devices,
    versions,
    policy,
    options,
    context,
  }: {
    device: DeviceVersions;
    devices: number;
    versions: readonly VersionInfo[];
    policy: RetentionPolicy;
    options: PruneCommandOptions;
    context: CliContext;
  },
): Promise<void> {
  const { output } = context;
  if (options.json === true) {
    const record = { udid: device.udid, applied: options.yes === true, policy, ...plan };
    await output.write(`${toJsonLine(record)}\n`);
  } else {
    await writeRecords(
      fates(plan, versions),
      { columns: columnsFor(output.isTerminal, devices) },
      { output, asJson: false },
    );
  }
  for (const { message } of plan.warnings) note(context, `ios-backup: ${message}`);
}

async function* fates(plan: RetentionPlan, versions: readonly VersionInfo[]): AsyncGenerator<Fate, void, undefined> {
  const kept = new Map(plan.keep.map(({ id, reasons }) => [id, reasons]));
  const dropped = new Map(plan.drop.map((drop) => [drop.id, drop]));
  for (const version of versions) {
    const drop = dropped.get(version.id);
    const reasons = drop === undefined ? (kept.get(version.id) ?? []) : [drop.reason];
    yield { version, drop: drop !== undefined, reasons, bytes: drop?.bytes };
  }
}

function columnsFor(isTerminal: boolean, devices: number): Column<Fate>[] {
  const columns: (Column<Fate> | false)[] = [
    {
      title: 'What',
      value: ({ drop }) => (drop ? 'drop' : 'keep'),
      show: ({ drop }) => (drop ? 'GOES' : 'stays'),
    },
    { title: 'Version', value: ({ version }) => version.id, show: ({ version }) => shortId(version.id) },
    (!isTerminal || devices > 1) && {
      title: 'Device',
      value: ({ version }) => version.udid,
      show: ({ version }) => deviceOf(version),
      flexible: true,
    },
    {
      title: 'Made',
      value: ({ version }) => version.created,
      show: ({ version }) => formatLocalMinute(version.created),
    },
    isTerminal && { title: 'Age', value: ({ version }) => formatAge(version.created) },
    {
      title: 'Frees',
      value: ({ bytes }) => bytes,
      show: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)),
      align: 'right',
    },
    {
      title: 'Why',
      value: ({ reasons }) => reasons.join(','),
      show: ({ reasons }) => reasons.map((reason) => why[reason]).join(', '),
      flexible: true,
    },
  ];
  return columns.filter((column) => column !== false);
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** A size such as `500GB`, in bytes. */
function parseSize(name: string): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)\s?([kmgtp]?)(i?)b?$/i.exec(text);
    const unit = (match?.[2] ?? '').toLowerCase();
    const factor = match?.[3] === '' ? (sizeUnits[unit] ?? 1) : 1024 ** ['', 'k', 'm', 'g', 't', 'p'].indexOf(unit);
    if (match === null) throw new UsageError(`${name} needs a size such as 500GB or 1.5TB`);
    return Math.round(Number(match[1]) * factor);
  };
}

/** A length of time such as `30d` as ISO 8601 has it. */
function parseAge(text: string): string {
  const match = /^(\d+)([dwmy])$/i.exec(text);
  return match === null ? text : `P${match[1]}${match[2]?.toUpperCase()}`;
}

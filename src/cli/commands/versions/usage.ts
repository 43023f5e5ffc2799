import type { Command } from 'commander';
import type { DeviceUsage, StoreUsage } from '../../../entry/snapshot.js';
import type { CliContext } from '../../context.js';
import { OpenLocation } from '../../open-store.js';
import { withCommonOptions, type CommonOptions } from '../../options.js';
import { writeFields, type Field } from '../../output/fields.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';

/** Adds `versions usage`: what a location takes of the disk. */
export function addVersionsUsageCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('usage')
    .summary('measure what backups and their history take of the disk')
    .description(
      'Measures the space of the newest backups and of history, as the disk counts it, and what the same versions would take as separate folders. --json has the space of each version.',
    )
    .argument('<location>', 'folder in which backups and their versions lie');
  withCommonOptions(command, ['ios-backup versions usage ~/backups']).action(
    async (path: string, options: CommonOptions) => {
      await using location = await OpenLocation.open(path, { access: 'look' }, context);
      const usage = await location.store.usage({ perVersion: true, signal: context.signal });
      if (options.json === true) await context.output.write(`${toJsonLine(usage)}\n`);
      else await writeFields([...fieldsOf(usage), ...usage.devices.map(deviceField)], context.output);
    },
  );
}

function fieldsOf(usage: StoreUsage): Field[] {
  const size = (title: string, key: string, bytes: number, more = ''): Field => ({
    title,
    key,
    value: bytes,
    show: `${formatBytes(bytes)}${more}`,
  });
  const { objects, packs, tables, records, trash, devices } = usage;
  const apparent = devices.reduce((sum, { apparentBytes }) => sum + apparentBytes, 0);
  const count = devices.reduce((sum, { versions }) => sum + versions.length, 0);
  const history = usage.storeBytes - usage.reservedBytes;
  return [
    size('All of it', 'totalBytes', usage.totalBytes),
    size('Newest backups', 'liveBytes', usage.liveBytes),
    {
      title: 'History',
      key: 'storeBytes',
      value: usage.storeBytes,
      show: `${formatBytes(history)} for ${count} versions, which would take ${formatBytes(apparent)} as folders`,
    },
    size('- whole files', 'objectBytes', objects.bytes, ` beside newest backups, in ${objects.count} files`),
    size(
      '- differences',
      'packBytes',
      packs.bytes,
      `, and small files, in ${packs.count} ${packs.count === 1 ? 'pack' : 'packs'}`,
    ),
    size('- records', 'recordBytes', tables.bytes + records.bytes),
    size('- in the trash', 'trashBytes', trash.bytes, ` of ${trash.count} versions`),
    size('- not needed', 'unneededBytes', usage.unneededBytes, ', removed by the next prune --yes'),
    size('Reserve', 'reservedBytes', usage.reservedBytes, ', given up on a full disk'),
  ];
}

function deviceField({ udid, liveBytes, ownBytes, apparentBytes, versions }: DeviceUsage): Field {
  return {
    title: udid,
    key: udid,
    value: ownBytes,
    show: `newest backup ${formatBytes(liveBytes)}, history ${formatBytes(ownBytes)} for ${versions.length} versions of ${formatBytes(apparentBytes)}`,
  };
}

import type { Command } from 'commander';
import type { VersionInfo } from '../../../entry/snapshot.js';
import type { CliContext } from '../../context.js';
import { OpenLocation } from '../../open-store.js';
import { withStoreOptions, type StoreOptions } from '../../options.js';
import { writeFields, type Field } from '../../output/fields.js';
import { formatAgo, formatBytes, formatLocalTime } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { changesOf, kindOf } from '../../output/version-columns.js';
import { ownSizes } from './list.js';

/** Adds `versions show`: all that is known of one version. */
export function addVersionsShowCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('show')
    .summary('show what a version is, and what it costs')
    .description('Shows all that is known of one version, and the space that only this version needs.')
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('[version]', 'which version', 'newest');
  withStoreOptions(command, [
    'ios-backup versions show ~/backups',
    'ios-backup versions show ~/backups 2026-11-01 --json',
  ]).action(async (path: string, text: string, options: StoreOptions) => {
    await using location = await OpenLocation.open(path, { access: 'look', udid: options.udid }, context);
    const { version } = await location.find(text, { deleted: true });
    const ownBytes = (await ownSizes(location.store, context.signal)).get(version.id);
    if (options.json === true) await context.output.write(`${toJsonLine({ ...version, ownBytes })}\n`);
    else await writeFields(fieldsOf(version, ownBytes), context.output);
  });
}

function fieldsOf(version: VersionInfo, ownBytes: number | undefined): Field[] {
  const { created, backup, bytes } = version;
  const own = ownBytes === undefined ? undefined : `${formatBytes(ownBytes)} of ${formatBytes(bytes)}`;
  const fields: (Field | false)[] = [
    { title: 'Version', key: 'id', value: version.id },
    {
      title: 'Made',
      key: 'created',
      value: created,
      show: `${formatLocalTime(created)} (${formatAgo(created)}), ${version.zone}`,
    },
    { title: 'Kind', key: 'kind', value: version.kind, show: kindOf(version) },
    { title: 'Device', key: 'deviceName', value: backup.deviceName },
    { title: 'UDID', key: 'udid', value: version.udid },
    { title: 'Model', key: 'productType', value: backup.productType },
    { title: 'iOS', key: 'productVersion', value: backup.productVersion },
    { title: 'Encrypted', key: 'encrypted', value: backup.encrypted },
    { title: 'Files', key: 'files', value: version.files },
    { title: 'Size', key: 'bytes', value: bytes, show: formatBytes(bytes) },
    { title: 'Own', key: 'ownBytes', value: ownBytes, show: own },
    { title: 'Changes', key: 'changes', value: changesOf(version), show: changesInWords(version) },
    { title: 'Before it', key: 'parent', value: version.parent, show: version.parent ?? 'nothing' },
    { title: 'Pinned', key: 'pinned', value: version.pinned },
    version.deleted && { title: 'In the trash', key: 'deleted', value: true },
    version.note !== undefined && { title: 'Note', key: 'note', value: version.note },
    { title: 'Hash', key: 'root', value: version.root },
  ];
  return fields.filter((field) => field !== false);
}

function changesInWords({ parent, added, changed, removed }: VersionInfo): string {
  if (parent === undefined) return 'it is the first one';
  return `${added} files added, ${changed} changed, ${removed} removed`;
}

import type { VersionInfo } from '../../entry/snapshot.js';
import { shortId } from '../input/version-name.js';
import { formatAge, formatBytes, formatLocalMinute } from './format.js';
import type { Column } from './table.js';

/** A version as lists show it. */
export interface ListedVersion extends VersionInfo {
  /** Space that only this version needs, in bytes; `undefined` where it was not measured. */
  readonly ownBytes?: number | undefined;
}

/** Kinds of versions as people see them. */
const kinds: Readonly<Record<VersionInfo['kind'], string>> = {
  run: 'backup',
  found: 'found',
  capture: 'capture',
  import: 'import',
  edit: 'edit',
  rollback: 'rollback',
};

/** The kind of a version for people. */
export function kindOf({ kind }: VersionInfo): string {
  return kinds[kind];
}

/** What has changed since the version before it: `+3 ~12 -1`. */
export function changesOf({ added, changed, removed }: VersionInfo): string {
  return [added > 0 && `+${added}`, changed > 0 && `~${changed}`, removed > 0 && `-${removed}`]
    .filter((part) => part !== false)
    .join(' ');
}

/** What is special about a version, in words. */
export function marksOf({ pinned, deleted, backup, note }: VersionInfo): string[] {
  return [
    ...(pinned ? ['pinned'] : []),
    ...(deleted ? ['in the trash'] : []),
    ...(backup.state !== undefined && backup.state !== 'finished' ? ['not finished'] : []),
    ...(note === undefined || note === '' ? [] : [note]),
  ];
}

/** Name and UDID of a device, or the UDID alone. */
export function deviceOf({ udid, backup }: VersionInfo): string {
  return backup.deviceName ?? udid;
}

/** Columns of a list of versions. In a pipe they are always the same; on a terminal only those that say something. */
export function versionColumns(show: { devices: boolean; sizes: boolean; asTable: boolean }): Column<ListedVersion>[] {
  const own: Column<ListedVersion> = {
    title: 'Own',
    value: ({ ownBytes }) => ownBytes,
    show: ({ ownBytes }) => (ownBytes === undefined ? '' : formatBytes(ownBytes)),
    align: 'right',
  };
  const device: Column<ListedVersion> = {
    title: 'Device',
    value: ({ udid }) => udid,
    show: deviceOf,
    flexible: true,
  };
  const columns: (Column<ListedVersion> | false)[] = [
    { title: 'Version', value: ({ id }) => id, show: ({ id }) => shortId(id) },
    (show.devices || !show.asTable) && device,
    { title: 'Made', value: ({ created }) => created, show: ({ created }) => formatLocalMinute(created) },
    show.asTable && { title: 'Age', value: ({ created }) => formatAge(created) },
    { title: 'Kind', value: ({ kind }) => kind, show: kindOf },
    !show.asTable && { title: 'Files', value: ({ files }) => files },
    { title: 'Size', value: ({ bytes }) => bytes, show: ({ bytes }) => formatBytes(bytes), align: 'right' },
    (show.sizes || !show.asTable) && own,
    show.asTable && { title: 'Changes', value: changesOf },
    !show.asTable && { title: 'Added', value: ({ added }) => added },
    !show.asTable && { title: 'Changed', value: ({ changed }) => changed },
    !show.asTable && { title: 'Removed', value: ({ removed }) => removed },
    !show.asTable && { title: 'Pinned', value: ({ pinned }) => (pinned ? 'pinned' : '') },
    !show.asTable && { title: 'Deleted', value: ({ deleted }) => (deleted ? 'deleted' : '') },
    {
      title: 'Note',
      value: ({ note }) => note,
      show: (version) => marksOf(version).join('; '),
      flexible: true,
    },
  ];
  return columns.filter((column) => column !== false);
}

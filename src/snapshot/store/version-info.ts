import type { VersionInfo } from '../types.js';
import type { DeviceSettings } from './device-settings.js';
import type { ListedRecord } from './records.js';

/** What users see of a record. */
export function versionInfo({ header, deleted }: ListedRecord, settings: DeviceSettings): VersionInfo {
  const { id, udid, kind, zone, root, files, bytes, added, changed, removed, backup } = header;
  return {
    id,
    udid,
    kind,
    created: new Date(header.created),
    zone,
    parent: header.parent ?? undefined,
    root,
    files,
    bytes,
    added,
    changed,
    removed,
    backup,
    pinned: settings.pins.has(id),
    note: settings.notes.get(id) ?? header.note,
    deleted,
  };
}

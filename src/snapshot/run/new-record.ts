import { countChanges, measureTable } from '../format/table-changes.js';
import { Table } from '../format/table.js';
import { newVersionId, timeOfVersionId } from '../format/version-id.js';
import type { VersionRecord } from '../format/record.js';
import type { Site } from '../store/site.js';
import type { ResolvedRecord } from '../store/records.js';
import type { BackupFacts, VersionKind } from '../types.js';

/** What a new version is to be. */
export interface NewVersion {
  readonly udid: string;
  readonly kind: VersionKind;
  readonly table: Table;
  readonly backup: BackupFacts;
  /** The version that it follows. */
  readonly parent: ResolvedRecord | undefined;
  readonly note?: string | undefined;
  /** When it was made; now by default. */
  readonly created?: Date | undefined;
}

/** Whether a version is what the newest backup has become, so that it comes after its parent whatever the clock says. */
function follows({ kind }: NewVersion): boolean {
  return kind !== 'import' && kind !== 'edit';
}

/** A time for the name of a version that follows another: names sort as versions have come, also where the clock was set back. */
function after(parent: ResolvedRecord | undefined, created: Date): Date {
  const last = parent === undefined ? undefined : timeOfVersionId(parent.header.id);
  return last === undefined || last < created ? created : new Date(last.getTime() + 1);
}

/** Prepares the record of a new version: its contents must be durable before it gets its name. */
export async function newRecord(site: Site, version: NewVersion): Promise<VersionRecord> {
  const { udid, kind, table, backup, parent, note, created = new Date() } = version;
  const facts = {
    id: newVersionId(follows(version) ? after(parent, created) : created),
    udid,
    kind,
    created: created.toISOString(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    parent: parent?.header.id ?? null,
    ...measureTable(table),
    ...countChanges(parent?.table ?? Table.empty, table),
    backup,
    ...(note !== undefined && { note }),
  };
  return await site.records.prepare(facts, table, parent?.header);
}

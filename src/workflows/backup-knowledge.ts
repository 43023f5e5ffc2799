import { createHash } from 'node:crypto';
import type { AbortOptions } from '../core/abort.js';
import type { BackupTree } from '../core/backup-tree.js';
import { hexEncode } from '../core/bytes.js';
import { limits } from '../core/limits.js';
import { readTreeFile } from '../core/memory-tree.js';
import { asBoolean, asData, asDate, asDict, asString } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';
import type { BackupFacts, BackupKnowledge } from '../snapshot/types.js';
import type { BackupSecret } from './unlock-backup.js';

/**
 * What a store of versions knows of iOS backups; `secrets` open those that are encrypted. What reads them is loaded where there
 * are some.
 *
 * @throws TypeError, RangeError for secrets that cannot be one
 */
export async function backupKnowledge(secrets: readonly BackupSecret[]): Promise<BackupKnowledge> {
  const knowledge = { describe: describeBackup, marks: ['Manifest.plist', 'Info.plist', 'Status.plist'], udidOf };
  if (secrets.length === 0) return knowledge;
  const { BackupUnlocker } = await import('./unlock-backup.js');
  const unlocker = new BackupUnlocker(secrets);
  return { ...knowledge, unlock: async (tree, options) => await unlocker.unlock(tree, options) };
}

/** What a backup says of itself. FORMAT facts: docs/format/folder.md, docs/format/device-link.md. */
async function describeBackup(tree: BackupTree, options: AbortOptions = {}): Promise<BackupFacts> {
  const [info, status, manifest] = [
    await readPlist(tree, 'Info.plist', options),
    await readPlist(tree, 'Status.plist', options),
    await readPlist(tree, 'Manifest.plist', options),
  ];
  const keybag = asData(manifest?.get('BackupKeyBag'));
  const facts: BackupFacts = {
    deviceName: asString(info?.get('Device Name')),
    productType: asString(info?.get('Product Type')),
    productVersion: asString(info?.get('Product Version')),
    buildVersion: asString(info?.get('Build Version')),
    serialNumber: asString(info?.get('Serial Number')),
    encrypted: manifest === undefined ? undefined : (asBoolean(manifest.get('IsEncrypted')) ?? false),
    full: asBoolean(status?.get('IsFullBackup')),
    state: asString(status?.get('SnapshotState')),
    backupDate: (asDate(status?.get('Date')) ?? asDate(info?.get('Last Backup Date')))?.toISOString(),
    keybag: keybag && hexEncode(createHash('sha256').update(keybag).digest()),
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as BackupFacts;
}

/** The UDID in Info.plist: FORMAT facts: docs/format/folder.md. */
async function udidOf(tree: BackupTree, options: AbortOptions = {}): Promise<string | undefined> {
  const info = await readPlist(tree, 'Info.plist', options);
  return asString(info?.get('Target Identifier')) ?? asString(info?.get('Unique Identifier'));
}

async function readPlist(tree: BackupTree, path: string, options: AbortOptions): Promise<PlistDict | undefined> {
  const bytes = await readTreeFile(tree, path, { ...options, limit: limits.plistBytes });
  if (bytes === undefined || bytes.length === 0) return undefined;
  // Many calls on a store read none.
  const { parsePlist } = await import('../plist/parse.js');
  try {
    return asDict(parsePlist(bytes));
  } catch {
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { equalBytes, plainView } from '../../../../core/bytes.js';
import { isBackupKitError } from '../../../../core/errors.js';
import type { Backup } from '../../../../manifest/backup.js';
import type { BackupFile } from '../../../../manifest/types.js';
import { asBoolean, asNumber, asString } from '../../../../plist/guards.js';
import type { PlistDict } from '../../../../plist/types.js';
import type { FileBody } from '../../file-system/content.js';
import type { FileNode } from '../../file-system/domain-file-system.js';
import { recordOf } from '../../file-system/record-of.js';
import { batches } from './batches.js';
import { backupFailure } from './failure.js';
import { lockdownText, manifestName, openStaged, payloadPath, readList } from './host-metadata.js';
import { RestorePolicy } from './restore-policy.js';
import { StagedTree } from './staged-tree.js';
import type { BackupTask, CommandResult } from './task.js';

/** Where the metadata is copied to when the host's backup is to be left alone. */
const copyFolder = 'Restore';

/**
 * Restores what the host sends. The file system stays as it was until everything is there.
 * FORMAT facts: docs/format/mobilebackup2.md, "A restore".
 */
export async function restore(task: BackupTask): Promise<CommandResult> {
  const { agent, request } = task;
  checkReadiness(task);
  const policy = new RestorePolicy(request.options, agent.fileSystem);
  const tree = new StagedTree();
  try {
    await task.reach('metadata');
    const manifest = await readMetadata(task, tree);
    if (asBoolean(request.options.get('RestoreDontCopyBackup')) !== true) await copyMetadata(task, manifest);
    await using backup = await openStaged(tree, { password: asString(request.options.get('Password')) });
    const entries = await fetchEntries(task, { tree, backup, policy });
    policy.apply(entries);
  } finally {
    await tree.close();
  }
  agent.restartPending = true;
  return { restarts: policy.restarts };
}

/** What keeps a device from restoring. */
function checkReadiness({ agent }: BackupTask): void {
  const { device } = agent;
  if (agent.restartPending) throw backupFailure('restartNeeded', 'Restore staging directory exists');
  if (device.values.get('com.apple.fmip', 'IsAssociated') === true)
    throw backupFailure('findMyIsOn', 'Find My must be turned off before the device can be restored');
  if (device.values.get('com.apple.purplebuddy', 'SetupDone') === false)
    throw backupFailure('notSetUp', 'The setup assistant is not finished');
  if (device.lockState !== 'unlocked') throw backupFailure('locked', 'Device locked');
}

/** Fetches and checks the metadata; gives Manifest.plist. */
async function readMetadata(task: BackupTask, tree: StagedTree): Promise<PlistDict> {
  await tree.fetch(task, ['Status.plist', 'Manifest.plist']);
  const status = await readList(tree, 'Status.plist');
  const state = asString(status.get('SnapshotState'));
  if (state !== 'finished') throw backupFailure('invalidBackup', `The backup is not finished: ${state ?? 'no state'}`);
  const manifest = await readList(tree, 'Manifest.plist');
  const version = lockdownText(manifest, 'ProductVersion');
  if (isNewer(version, task.agent.device.ios))
    throw backupFailure('olderDevice', `A backup of iOS ${version} cannot be restored to iOS ${task.agent.device.ios}`);
  const name = manifestName(version);
  const missing = await tree.fetch(task, [name]);
  if (missing.size > 0) throw backupFailure('invalidBackup', `${name} is missing`);
  await tree.fetch(task, ['Info.plist']);
  return manifest;
}

function isNewer(version: string | undefined, ios: string): boolean {
  const theirs = (version ?? '').split('.').map(Number);
  const ours = ios.split('.').map(Number);
  for (let at = 0; at < theirs.length; at++) {
    const difference = (theirs[at] ?? 0) - (ours[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Lets the host copy what a restore must not change. */
async function copyMetadata(task: BackupTask, manifest: PlistDict): Promise<void> {
  const { folder } = task;
  await task.makeDirectory(`${folder}/${copyFolder}`);
  for (const name of ['Manifest.plist', manifestName(lockdownText(manifest, 'ProductVersion'))]) {
    const [from, to] = [`${folder}/${name}`, `${folder}/${copyFolder}/${name}`];
    await task.demand({ type: 'DLMessageCopyItem', from, to, progress: task.link.progress }, 'copying metadata');
  }
  await task.remove([`${folder}/${copyFolder}`]);
}

interface Source {
  readonly tree: StagedTree;
  readonly backup: Backup;
  readonly policy: RestorePolicy;
}

/** Fetches everything that is restored, in batches. */
async function fetchEntries(task: BackupTask, source: Source): Promise<FileNode[]> {
  const { agent, link } = task;
  const files: BackupFile[] = [];
  const entries: FileNode[] = [];
  let total = 0;
  for await (const file of source.backup.files.list()) {
    source.policy.note(file);
    if (!source.policy.takes(file)) continue;
    if (file.kind !== 'file') entries.push({ record: recordOf(file), body: undefined });
    else files.push(file);
    total += file.size;
  }
  const room = asNumber(agent.device.values.get('com.apple.disk_usage', 'TotalDataAvailable')) ?? Infinity;
  if (total > room) throw backupFailure('noSpace', `The device has ${room} bytes free, ${total} are needed`);
  const isSharded = source.backup.summary.manifestKind === 'database';
  let done = 0;
  // A device asks also where there is nothing to ask for.
  if (files.length === 0) await link.download([], async () => undefined);
  for (const batch of batches(files, ({ size }) => size, agent.profile)) {
    await task.reach('download');
    link.progress = 5 + (90 * done) / Math.max(1, total);
    const paths = batch.map(({ fileId }) => payloadPath(fileId, isSharded));
    const missing = await source.tree.fetch(task, paths);
    for (const [path, text] of missing) throw backupFailure('invalidBackup', `${path} is missing: ${text}`);
    for (const [index, file] of batch.entries()) {
      const path = paths[index] ?? '';
      await checkDigest(source.tree, path, file);
      entries.push({ record: recordOf(file), body: await storeContent(task, file) });
      source.tree.drop(path);
      done += file.size;
      task.tally.downloadedFiles += 1;
    }
  }
  return entries;
}

/** The digest in the manifest is that of the content as it is stored. */
async function checkDigest(
  tree: StagedTree,
  path: string,
  { digest, domain, relativePath }: BackupFile,
): Promise<void> {
  const stored = tree.get(path);
  if (digest === undefined || stored === undefined) return;
  const hash = createHash('sha1');
  for await (const chunk of stored.stream()) hash.update(chunk);
  if (!equalBytes(plainView(hash.digest()), digest))
    throw backupFailure('invalidBackup', `The digest of ${domain}/${relativePath} does not match its content`);
}

async function storeContent(task: BackupTask, file: BackupFile): Promise<FileBody> {
  try {
    const content = await file.open();
    try {
      if (content.problems.length > 0)
        throw backupFailure(
          'invalidBackup',
          `${file.domain}/${file.relativePath} has not the size that the manifest states`,
        );
      return await task.agent.fileSystem.store.put(content.stream());
    } finally {
      await content.close();
    }
  } catch (error) {
    if (!isBackupKitError(error)) throw error;
    throw backupFailure('invalidBackup', error.message);
  }
}

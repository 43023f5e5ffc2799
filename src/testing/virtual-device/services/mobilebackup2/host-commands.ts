import { unsafePathReason } from '../../../../core/safe-path.js';
import type { Backup } from '../../../../manifest/backup.js';
import type { BackupFile } from '../../../../manifest/types.js';
import { asString } from '../../../../plist/guards.js';
import { parentFolders } from '../../../backup-builder/domains.js';
import { batches } from './batches.js';
import type { OutgoingFile } from './device-link.js';
import { backupFailure } from './failure.js';
import { lockdownText, manifestName, openStaged, payloadPath, readList } from './host-metadata.js';
import { StagedTree } from './staged-tree.js';
import type { BackupTask, CommandResult } from './task.js';

/** Folder of the host's backup into which it is unpacked. */
const unpackFolder = '_unback_';

/** Tells of the host's backup, as lines of text. */
export async function tellInfo(task: BackupTask): Promise<CommandResult> {
  return await withBackup(task, async (backup) => {
    const { summary } = backup;
    const lines: [name: string, value: string | undefined][] = [
      ['Device Name', summary.deviceName],
      ['Product Type', summary.productType],
      ['Product Version', summary.productVersion],
      ['Build Version', summary.buildVersion],
      ['Serial Number', summary.serialNumber],
      ['Unique Identifier', summary.udid],
      ['Last Backup Date', summary.lastBackupDate?.toISOString()],
      ['Is Encrypted', summary.isEncrypted ? 'Yes' : 'No'],
      ['Files', String(await backup.files.count({ kind: 'file' }))],
    ];
    const text = lines.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\n`);
    return { content: text.join('') };
  });
}

/** Lists the entries of the host's backup, as comma-separated values. */
export async function listFiles(task: BackupTask): Promise<CommandResult> {
  return await withBackup(task, async (backup) => {
    const rows = ['Domain,Path,LinkTarget,Mode,Inode,UserID,GroupID,LastModified,Size,ProtectionClass'];
    for await (const file of backup.files.list()) rows.push(row(file));
    return { content: `${rows.join('\n')}\n` };
  });
}

function row(file: BackupFile): string {
  const seconds = Math.floor((file.modified?.getTime() ?? 0) / 1000);
  const values = [
    file.domain,
    file.relativePath,
    file.linkTarget ?? '',
    file.mode.toString(8),
    file.inode,
    file.userId,
    file.groupId,
    seconds,
    file.size,
    file.protectionClass,
  ];
  return values.map((value) => quoted(String(value))).join(',');
}

const quoted = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Unpacks the host's backup on the host: every file under its domain and path. */
export async function unpackBackup(task: BackupTask): Promise<CommandResult> {
  return await withBackup(task, async (backup, tree) => {
    const files: BackupFile[] = [];
    for await (const file of backup.files.list()) if (file.kind !== 'symlink') files.push(file);
    await unpack(task, tree, { files, isSharded: backup.summary.manifestKind === 'database' });
    return {};
  });
}

/** Unpacks one file of the host's backup. */
export async function extractFile(task: BackupTask): Promise<CommandResult> {
  const { message } = task.request;
  const domain = asString(message.get('DomainName')) ?? '';
  const relativePath = asString(message.get('RelativePath')) ?? '';
  return await withBackup(task, async (backup, tree) => {
    const file = await backup.files.get({ domain, relativePath });
    if (file?.kind !== 'file')
      throw backupFailure('invalidArgument', `${domain}/${relativePath} is not a file of the backup`);
    await unpack(task, tree, { files: [file], isSharded: backup.summary.manifestKind === 'database' });
    return {};
  });
}

async function withBackup(
  task: BackupTask,
  use: (backup: Backup, tree: StagedTree) => Promise<CommandResult>,
): Promise<CommandResult> {
  const { options, message } = task.request;
  const tree = new StagedTree();
  try {
    await task.reach('metadata');
    await tree.fetch(task, ['Manifest.plist']);
    const manifest = await readList(tree, 'Manifest.plist');
    await tree.fetch(task, [manifestName(lockdownText(manifest, 'ProductVersion'))]);
    await tree.fetch(task, ['Info.plist']);
    const password = asString(options.get('Password')) ?? asString(message.get('Password'));
    await using backup = await openStaged(tree, { password });
    if (!task.agent.profile.hasHostCommands)
      throw backupFailure('invalidBackup', `${task.request.name} does not work with this version of iOS`);
    return await use(backup, tree);
  } finally {
    await tree.close();
  }
}

async function unpack(
  task: BackupTask,
  tree: StagedTree,
  { files, isSharded }: { files: readonly BackupFile[]; isSharded: boolean },
): Promise<void> {
  const root = `${task.folder}/${unpackFolder}`;
  const made = new Set<string>();
  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    made.add(path);
    await task.makeDirectory(path);
  };
  await makeFolder(root);
  for (const batch of batches(files, ({ size }) => size, task.agent.profile)) {
    const contents = batch.filter(({ kind }) => kind === 'file');
    const paths = contents.map(({ fileId }) => payloadPath(fileId, isSharded));
    await task.reach('download');
    const missing = await tree.fetch(task, paths);
    for (const [path, text] of missing) throw backupFailure('invalidBackup', `${path} is missing: ${text}`);
    for (const file of batch) {
      const target = `${root}/${file.domain}`;
      await makeFolder(target);
      for (const parent of parentFolders(file.relativePath)) if (parent !== '') await makeFolder(`${target}/${parent}`);
      if (file.kind === 'directory' && file.relativePath !== '') await makeFolder(`${target}/${file.relativePath}`);
    }
    await task.reach('upload');
    const outgoing = contents.map((file) => unpacked(root, file));
    await task.upload(
      outgoing,
      contents.reduce((sum, { size }) => sum + size, 0),
    );
    for (const path of paths) tree.drop(path);
  }
}

/** A file on its way back. @throws BackupFailure 205 where its path leads out of the folder. */
function unpacked(root: string, file: BackupFile): OutgoingFile {
  const path = `${file.domain}/${file.relativePath}`;
  if (unsafePathReason(path) !== undefined)
    throw backupFailure('invalidBackup', `${path} is not a path that can be unpacked`);
  return { devicePath: `/var/tmp/${file.fileId}`, hostPath: `${root}/${path}`, content: file.stream() };
}

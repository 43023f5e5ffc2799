import type { BackupTree } from '../../../core/backup-tree.js';
import { Backup } from '../../../manifest/backup.js';
import type { BackupFile } from '../../../manifest/types.js';
import type { AppSpec } from '../../backup-builder/backup-spec.js';
import { specFiles } from '../../backup-builder/spec-files.js';
import type { SeededRandom } from '../../backup-builder/seeded-random.js';
import type { FileSpec } from '../../backup-builder/types.js';
import { DomainFileSystem } from './domain-file-system.js';
import { recordOf } from './record-of.js';
import type { BackupContent, FileSystemContent } from './types.js';

/** What a file system is made for. */
export interface FileSystemOwner {
  readonly ios: string;
  /** Number of the owner, who writes the messages. */
  readonly phoneNumber: string;
  readonly random: SeededRandom;
  readonly now: () => Date;
}

/** A file system with its content, and the apps that the content names. */
export interface OpenedFileSystem {
  readonly fileSystem: DomainFileSystem;
  readonly apps: readonly AppSpec[];
}

/** Fills a file system. @throws as `Backup.open` for a backup that cannot be opened; RangeError for specs that contradict themselves. */
export async function openFileSystem(content: FileSystemContent, owner: FileSystemOwner): Promise<OpenedFileSystem> {
  const fileSystem = new DomainFileSystem(owner.random, owner.now);
  try {
    return { fileSystem, apps: await fill(fileSystem, content, owner) };
  } catch (error) {
    await fileSystem.close();
    throw error;
  }
}

async function fill(
  fileSystem: DomainFileSystem,
  content: FileSystemContent,
  owner: FileSystemOwner,
): Promise<readonly AppSpec[]> {
  if (typeof content === 'function') {
    await content(fileSystem);
    return [];
  }
  if ('backup' in content) return await fillFromBackup(fileSystem, content);
  if (isFiles(content)) {
    for await (const file of content) fileSystem.add(file);
    return [];
  }
  const { files, databases } = specFiles(content, owner);
  for await (const file of files) fileSystem.add(file);
  for (const database of databases) await fileSystem.addDatabase(database);
  return content.apps ?? [];
}

function isFiles(content: object): content is Iterable<FileSpec> | AsyncIterable<FileSpec> {
  return Symbol.iterator in content || Symbol.asyncIterator in content;
}

async function fillFromBackup(
  fileSystem: DomainFileSystem,
  { backup: source, password }: BackupContent,
): Promise<readonly AppSpec[]> {
  const backup = await openBackup(source, password);
  fileSystem.own(backup);
  for await (const file of backup.files.list()) {
    const body = file.kind === 'file' ? await backupBody(file) : undefined;
    fileSystem.put(recordOf(file), body);
  }
  return backup.summary.apps.map(({ bundleId, version }) => ({ bundleId, version }));
}

async function openBackup(source: string | BackupTree, password: string | undefined): Promise<Backup> {
  return await Backup.open(source, { password });
}

/** What a backup still has of a file; where its length is not the stated one, what is stored counts. */
async function backupBody(file: BackupFile): Promise<{ size: number; stream(): AsyncIterable<Uint8Array> }> {
  const content = await file.open({ recover: true });
  const { size } = content;
  await content.close();
  return { size, stream: () => file.stream({ length: size }, { recover: true }) };
}

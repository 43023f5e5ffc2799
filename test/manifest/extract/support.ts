import { lstat, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/core/byte-source.js';
import { sha1Hex } from '../../../src/manifest/extract/hash.js';
import type { FileSource } from '../../../src/manifest/extract/selection.js';
import type { BackupFile, FileProblem, FileQuery } from '../../../src/manifest/types.js';

/** An entry of {@link fakeFiles}. */
export interface FakeEntry {
  domain?: string;
  path: string;
  kind?: BackupFile['kind'];
  content?: string | Uint8Array;
  /** Size of the record where it differs from the content. */
  size?: number;
  mode?: number;
  modified?: Date | undefined;
  linkTarget?: string;
  fileId?: string;
  problems?: readonly FileProblem[];
  /** Thrown by every way to read the content. */
  error?: () => unknown;
  /** The content, where it is not in memory. */
  source?: () => ByteSource;
}

/** A file index in memory, with just enough of the filters. Entries are ordered as a manifest orders them. */
export function fakeFiles(entries: readonly FakeEntry[]): FileSource & { readonly opened: Set<string> } {
  const opened = new Set<string>();
  const files = entries.map((entry, index) => fakeFile(entry, { index, opened }));
  files.sort((a, b) => Buffer.compare(Buffer.from(orderOf(a)), Buffer.from(orderOf(b))));
  return {
    opened,
    async *list(query = {}, options) {
      options?.signal?.throwIfAborted();
      for (const file of files) if (matches(file, query)) yield file;
    },
    async get({ domain, relativePath }) {
      return files.find((file) => file.domain === domain && file.relativePath === relativePath);
    },
  };
}

const orderOf = (file: BackupFile): string => `${file.domain}\0${file.relativePath}`;

function matches(file: BackupFile, query: FileQuery): boolean {
  const { domain, domainPrefix, pathPrefix, kind } = query;
  if (domain !== undefined && ![domain].flat().includes(file.domain)) return false;
  if (domainPrefix !== undefined && !file.domain.startsWith(domainPrefix)) return false;
  if (pathPrefix !== undefined && !`${file.relativePath}/`.startsWith(`${pathPrefix}/`)) return false;
  return kind === undefined || file.kind === kind;
}

function fakeFile(entry: FakeEntry, at: { index: number; opened: Set<string> }): BackupFile {
  const { domain = 'HomeDomain', path, kind = 'file', content = '' } = entry;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const fileId = entry.fileId ?? sha1Hex(`${at.index}:${domain}-${path}`);
  const typeBits = { file: 0o100000, directory: 0o040000, symlink: 0o120000 }[kind];
  const begin = (): void => {
    at.opened.add(path);
    if (entry.error !== undefined) throw entry.error();
  };
  const open = (): ByteSource => entry.source?.() ?? memorySource(bytes);
  return {
    domain,
    relativePath: path,
    fileId,
    kind,
    size: kind === 'file' ? (entry.size ?? (entry.source === undefined ? bytes.length : open().size)) : 0,
    mode: typeBits | (entry.mode ?? (kind === 'directory' ? 0o755 : 0o644)),
    userId: 501,
    groupId: 501,
    inode: at.index,
    modified: 'modified' in entry ? entry.modified : new Date(1_500_000_000_000),
    statusChanged: undefined,
    created: undefined,
    protectionClass: 3,
    flags: 0,
    linkTarget: entry.linkTarget,
    digest: undefined,
    isEncrypted: false,
    extendedAttributes: new Map<string, Uint8Array>(),
    problems: entry.problems ?? [],
    async read(options) {
      options?.signal?.throwIfAborted();
      begin();
      const source = open();
      return await source.read(0, source.size);
    },
    async *stream(range, options) {
      begin();
      yield* open().stream(range, options);
    },
    async open(options) {
      options?.signal?.throwIfAborted();
      begin();
      return { ...open(), problems: [] };
    },
  };
}

/** A new folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'extract-test-')));
  onTestFinished(async () => {
    await rm(path, { recursive: true, force: true });
  });
  return path;
}

/** What lies below a folder, links not followed: content of files, `→ target` of links, `undefined` of folders. */
export async function contentsOf(root: string): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (entry.isFile()) found[name] = await readFile(path, 'utf8');
    else if (entry.isDirectory()) found[name] = undefined;
    else found[name] = `→ special`;
  }
  return found;
}

/** Files alone of {@link contentsOf}. */
export async function filesOf(root: string): Promise<Record<string, string>> {
  const all = Object.entries(await contentsOf(root));
  return Object.fromEntries(all.flatMap(([name, content]) => (content === undefined ? [] : [[name, content]])));
}

/** Modification time in seconds, and permission bits. */
export async function attributesOf(path: string): Promise<{ seconds: number; mode: number }> {
  const stat = await lstat(path);
  return { seconds: stat.mtimeMs / 1000, mode: stat.mode & 0o7777 };
}

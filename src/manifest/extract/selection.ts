import type { AbortOptions } from '../../core/abort.js';
import type { BackupFile, FileIndex, FileQuery, FileRef } from '../types.js';
import type { SelectAndNameOptions } from './types.js';

/** The part of a backup's file index that extraction needs. */
export type FileSource = Pick<FileIndex, 'list' | 'get'> & {
  /** The same as `list` in batches, where contents are read faster after it. */
  readonly listToRead?: (query: FileQuery, options: AbortOptions) => AsyncIterable<readonly BackupFile[]>;
};

/** An entry to extract, or a reference that the manifest does not have. */
export type SelectedEntry = { file: BackupFile; missing?: undefined } | { file?: undefined; missing: FileRef };

const queryKeys = ['domain', 'domainPrefix', 'pathPrefix', 'glob', 'kind', 'app'] as const;

/** The conditions among the options. */
export function queryOf(options: FileQuery): FileQuery {
  return Object.fromEntries(queryKeys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}

/** @throws TypeError where both `files` and conditions are given. */
export function checkSelection(options: SelectAndNameOptions): void {
  if (options.files === undefined) return;
  const condition = queryKeys.find((key) => options[key] !== undefined && key !== 'pathPrefix');
  if (condition !== undefined) throw new TypeError(`files and ${condition} cannot be given together`);
  if (options.totals === true) throw new TypeError('totals cannot be counted where files are given one by one');
}

/** The entries to extract, in the order of the manifest or of `files`, in batches that save a wait for each. */
export async function* selectEntries(
  source: FileSource,
  options: SelectAndNameOptions,
): AsyncGenerator<readonly SelectedEntry[], void, undefined> {
  const { signal, files } = options;
  if (files === undefined) {
    yield* listEntries(source, queryOf(options), { signal });
    return;
  }
  for await (const ref of files) {
    signal?.throwIfAborted();
    yield* selectOne(source, ref, { signal });
  }
}

async function* selectOne(
  source: FileSource,
  ref: FileRef | BackupFile,
  options: AbortOptions,
): AsyncGenerator<readonly SelectedEntry[], void, undefined> {
  if ('fileId' in ref) {
    yield [{ file: ref }];
    return;
  }
  const { domain, relativePath } = ref;
  const file = await source.get({ domain, relativePath }, options);
  if (file === undefined) yield [{ missing: { domain, relativePath } }];
  else if (file.kind !== 'directory') yield [{ file }];
  else {
    const pathPrefix = file.relativePath === '' ? undefined : file.relativePath;
    yield* listEntries(source, { domain: file.domain, pathPrefix }, options);
  }
}

async function* listEntries(
  source: FileSource,
  query: FileQuery,
  options: AbortOptions,
): AsyncGenerator<readonly SelectedEntry[], void, undefined> {
  if (source.listToRead === undefined) {
    for await (const file of source.list(query, options)) yield [{ file }];
    return;
  }
  for await (const batch of source.listToRead(query, options)) yield batch.map((file) => ({ file }));
}

/** Number and bytes of the files that the conditions select, from the manifest alone. */
export async function countTotals(
  source: FileSource,
  options: SelectAndNameOptions,
): Promise<{ files: number; bytes: number }> {
  const totals = { files: 0, bytes: 0 };
  if (options.kind !== undefined && options.kind !== 'file') return totals;
  const query: FileQuery = { ...queryOf(options), kind: 'file' };
  for await (const file of source.list(query, { signal: options.signal })) {
    totals.files += 1;
    totals.bytes += Math.max(0, file.size);
  }
  return totals;
}

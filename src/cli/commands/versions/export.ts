import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { IoError } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { OpenLocation, type FoundVersion } from '../../open-store.js';
import { withCredentialOptions, withStoreOptions, type StoreOptions } from '../../options.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { StoreDisplay } from '../../store-display.js';
import { versionInWords } from './results.js';

/** Options of `versions export`. */
interface ExportOptions extends StoreOptions, CredentialOptions {
  readonly to?: string | undefined;
  readonly tar?: string | undefined;
  readonly zip?: string | undefined;
}

/** Adds `versions export`: a version as a backup of its own. */
export function addVersionsExportCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('export')
    .summary('write a version as a backup of its own: a folder, a tar or a zip')
    .description(
      'Writes a version as a whole backup that shares nothing with the store, into <folder>/<UDID>, which must not be there yet. Any backup tool opens it, and restore takes it.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<version>', 'which version')
    .option('--to <folder>', 'write the folder <folder>/<UDID>')
    .option('--tar <file>', 'write a tar archive of that folder; - writes it to the output')
    .option('--zip <file>', 'write a zip archive of that folder; - writes it to the output');
  withCredentialOptions(
    withStoreOptions(command, [
      'ios-backup versions export ~/backups 2026-11-01 --to /mnt/disk/old',
      'ios-backup versions export ~/backups newest --tar - | ssh nas "cat > iphone.tar"',
    ]),
  ).action(async (path: string, text: string, options: ExportOptions) => {
    const { to, tar, zip } = options;
    if ([to, tar, zip].filter((place) => place !== undefined).length !== 1)
      throw new UsageError('Say where it goes with one of --to, --tar and --zip');
    if (options.json === true && (tar ?? zip) === '-')
      throw new UsageError('--json and - both want the standard output');
    const credentials = await givenCredentials(options, context);
    await using location = await OpenLocation.open(
      path,
      { access: 'read', udid: options.udid, ...credentials },
      context,
    );
    const found = await location.find(text);
    if (to !== undefined) return await exportFolder(found, to, { options, context });
    await exportArchive(
      found,
      { file: tar ?? zip ?? '', format: tar === undefined ? 'zip' : 'tar' },
      { options, context },
    );
  });
}

async function exportFolder(
  { device, version }: FoundVersion,
  to: string,
  { options, context }: { options: ExportOptions; context: CliContext },
): Promise<void> {
  const { signal, output } = context;
  const full = resolve(to);
  const path = basename(full) === device.udid ? full : join(full, device.udid);
  using display = new StoreDisplay(context);
  const written = await device.exportFolder(version.id, path, { onProgress: display.show, signal });
  display.clear();
  if (options.json === true) await output.write(`${toJsonLine({ version: version.id, path, ...written })}\n`);
  else await output.write(`${path}\n`);
  note(context, `Wrote ${versionInWords(version)}: ${version.files} files, ${formatBytes(version.bytes)}`);
}

async function exportArchive(
  { device, version }: FoundVersion,
  { file, format }: { file: string; format: 'tar' | 'zip' },
  { options, context }: { options: ExportOptions; context: CliContext },
): Promise<void> {
  const { signal, output } = context;
  using display = new StoreDisplay(context);
  const archive = device.exportArchive(version.id, { format, onProgress: display.show, signal });
  const done = `Wrote ${versionInWords(version)}: ${version.files} files, ${formatBytes(version.bytes)}`;
  if (file === '-') {
    for await (const chunk of archive) await output.write(chunk);
    display.clear();
    note(context, done);
    return;
  }
  const path = resolve(file);
  await writeNew(path, archive, signal);
  display.clear();
  if (options.json === true) await output.write(`${toJsonLine({ version: version.id, path, format })}\n`);
  else await output.write(`${path}\n`);
  note(context, done);
}

/** Writes a file that is not there yet; until it is whole it has another name. */
async function writeNew(path: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  if (existsSync(path)) throw new IoError('IO_EXISTS', `${path} is there already`, { path });
  const draft = `${path}.${process.pid}.partial`;
  try {
    await pipeline(bytes, createWriteStream(draft, { flags: 'wx' }), { signal });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

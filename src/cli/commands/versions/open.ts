import type { Command } from 'commander';
import { isBackupKitError } from '../../../entry/index.js';
import type { OpenedFolder } from '../../../entry/snapshot.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { OpenLocation, type FoundVersion } from '../../open-store.js';
import { withCredentialOptions, withStoreOptions, type StoreOptions } from '../../options.js';
import { givenCredentials, type CredentialOptions } from '../../open-backup.js';
import { formatBytes } from '../../output/format.js';
import { toJsonLine } from '../../output/json.js';
import { StoreDisplay } from '../../store-display.js';
import { untilStopped } from '../../until-stopped.js';
import { writeVersion } from './results.js';

/** Options of `versions open`. */
interface OpenOptions extends StoreOptions, CredentialOptions {
  readonly allowCopy?: true | undefined;
  readonly writable?: true | undefined;
  readonly save?: true | undefined;
}

/** Adds `versions open`: a version as a folder, for other tools. */
export function addVersionsOpenCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('open')
    .summary('open a version as a folder, for other tools')
    .description(
      'Makes a folder of a version, prints its path when it is ready, and removes it by Ctrl-C or SIGTERM. Its files are links or clones where the disk has them, so that it takes next to no space. Unless it is --writable nobody may change them: versions share them.',
    )
    .argument('<location>', 'folder in which backups and their versions lie, or that of one device')
    .argument('<version>', 'which version')
    .option('--allow-copy', 'copy the files where the disk can neither link nor clone them')
    .option('--writable', 'let other tools change the folder; the version stays what it is')
    .option('--save', 'with --writable: make a new version of what the folder is in the end');
  withCredentialOptions(
    withStoreOptions(command, [
      'ios-backup versions open ~/backups 2026-11-01',
      'ios-backup versions open ~/backups newest~2 --writable --save',
    ]),
  ).action(async (path: string, text: string, options: OpenOptions) => {
    if (options.save === true && options.writable !== true) throw new UsageError('--save needs --writable');
    const credentials = await givenCredentials(options, context);
    await using location = await OpenLocation.open(
      path,
      { access: 'write', udid: options.udid, ...credentials },
      context,
    );
    const found = await location.find(text);
    await using folder = await open(found, { options, context });
    await announce(folder, { ...found, options, context });
    await untilStopped(context.signal);
    if (options.save !== true) return;
    using display = new StoreDisplay(context);
    const version = await found.device.import(folder.path, {
      note: `changed copy of ${found.version.id}`,
      created: new Date(),
      onProgress: display.show,
    });
    display.clear();
    await writeVersion(version, 'Kept', { options, context });
  });
}

async function open(
  { device, version }: FoundVersion,
  { options, context }: { options: OpenOptions; context: CliContext },
): Promise<OpenedFolder> {
  using display = new StoreDisplay(context);
  try {
    return await device.openFolder(version.id, {
      allowCopy: options.allowCopy,
      writable: options.writable,
      onProgress: display.show,
      signal: context.signal,
    });
  } catch (error) {
    if (!isBackupKitError(error, 'SNAPSHOT_UNSUPPORTED') || options.allowCopy === true) throw error;
    throw new UsageError(
      `The disk can neither clone nor link files for that, so that the folder needs ${formatBytes(version.bytes)} of its own; give --allow-copy to make it`,
      { cause: error },
    );
  }
}

async function announce(
  { path, written }: OpenedFolder,
  { device: { udid }, version, options, context }: FoundVersion & { options: OpenOptions; context: CliContext },
): Promise<void> {
  const line = options.json === true ? toJsonLine({ path, udid, version: version.id, written }) : path;
  await context.output.write(`${line}\n`);
  if (context.output.isTerminal) note(context, 'It is removed when you press Ctrl-C');
}

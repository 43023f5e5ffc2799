import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import type { Command } from 'commander';
import type { AfcClient } from '../../../entry/device.js';
import { IoError, isBackupKitError } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { withAfc, withAfcOptions, type AfcOptions } from './connection.js';
import { counted } from './counted.js';

/** Options of `afc put`. */
interface PutOptions extends AfcOptions {
  readonly force?: true | undefined;
}

/** Adds `afc put`: a file of this computer onto a device. */
export function addAfcPutCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('put')
    .summary('put a file onto the device')
    .description('Puts a file onto the device, into a folder that is there.')
    .argument('<file>', 'file on this computer, or - for the input')
    .argument('<path>', 'file or folder on the device')
    .option('--force', 'replace a file that is there');
  withAfcOptions(command, ['ios-backup afc put list.txt /Documents --app com.example.notes']).action(
    async (file: string, path: string, options: PutOptions) => {
      if (options.json === true) throw new UsageError('afc put gives no records; leave out --json');
      const size = file === '-' ? undefined : (await stat(file)).size;
      await withAfc(options, context, async (afc) => {
        const to = await fileFor(afc, file, { path, options, signal: context.signal });
        const input = file === '-' ? context.input : createReadStream(file);
        const content = counted(input as AsyncIterable<Uint8Array>, { size, label: to, context });
        await afc.writeFile(to, content, { signal: context.signal });
        note(context, to);
      });
    },
  );
}

/** The file to write, where a folder may have been given. @throws IoError `IO_EXISTS` */
async function fileFor(
  afc: AfcClient,
  file: string,
  { path, options, signal }: { path: string; options: PutOptions; signal: AbortSignal },
): Promise<string> {
  const kind = await kindOf(afc, path, signal);
  if (kind === 'directory') {
    if (file === '-') throw new UsageError(`${path} is a folder; name the file that is to be written`);
    return await fileFor(afc, '-', { path: posix.join(path, basename(file)), options, signal });
  }
  if (kind !== undefined && options.force !== true)
    throw new IoError('IO_EXISTS', `The device has ${path} already; give another path, or --force`, { path });
  return path;
}

async function kindOf(afc: AfcClient, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await afc.stat(path, { signal })).kind;
  } catch (error) {
    if (isBackupKitError(error, 'IO_NOT_FOUND')) return undefined;
    throw error;
  }
}

import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { AfcClient } from '../../../entry/device.js';
import { IoError, ioError } from '../../../entry/index.js';
import { note, type CliContext } from '../../context.js';
import { UsageError } from '../../failures.js';
import { formatBytes } from '../../output/format.js';
import { withAfc, withAfcOptions, type AfcOptions } from './connection.js';
import { counted } from './counted.js';

/** Options of `afc get`. */
interface GetOptions extends AfcOptions {
  readonly force?: true | undefined;
}

/** Adds `afc get`: a file of a device into one of this computer. */
export function addAfcGetCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('get')
    .summary('fetch a file from the device')
    .description('Fetches a file from the device. It gets its name when it is whole.')
    .argument('<path>', 'file on the device')
    .argument('[target]', 'file or folder on this computer, or - for the output', '.')
    .option('--force', 'replace a file that is there');
  withAfcOptions(command, [
    'ios-backup afc get /DCIM/100APPLE/IMG_0001.HEIC',
    'ios-backup afc get --app com.example.notes /Documents/list.txt - | less',
  ]).action(async (path: string, target: string, options: GetOptions) => {
    if (options.json === true) throw new UsageError('afc get gives content and not records; leave out --json');
    await withAfc(options, context, async (afc) => {
      if (target !== '-') await fetchFile(afc, path, { to: await fileFor(target, path), options, context });
      else for await (const chunk of afc.read(path, {}, { signal: context.signal })) await context.output.write(chunk);
    });
  });
}

/** The file to write, where a folder may have been given. */
async function fileFor(target: string, path: string): Promise<string> {
  const stats = await stat(target).catch(() => undefined);
  if (stats?.isDirectory() !== true) return target;
  const name = posix.basename(path);
  if (name === '' || name === '..' || name === '.') throw new UsageError(`${path} names no file`);
  return join(target, name);
}

async function fetchFile(
  afc: AfcClient,
  path: string,
  { to, options, context }: { to: string; options: GetOptions; context: CliContext },
): Promise<void> {
  const { signal } = context;
  const { size } = await afc.stat(path, { signal });
  if (options.force !== true && (await stat(to).catch(() => undefined)) !== undefined)
    throw new IoError('IO_EXISTS', `${to} exists already; give another target, or --force`, { path: to });
  const unfinished = `${to}.part`;
  try {
    const content = counted(afc.read(path, {}, { signal }), { size, label: path, context });
    await pipeline(content, createWriteStream(unfinished, { flags: 'wx' }), { signal });
    await rename(unfinished, to);
  } catch (error) {
    const failure = ioError(error, to, 'writing');
    if (!(failure instanceof IoError && failure.errno === 'EEXIST')) await rm(unfinished, { force: true });
    throw failure;
  }
  note(context, `${to}: ${formatBytes(size)}`);
}

import type { Command } from 'commander';
import type { CliContext } from '../../context.js';
import { withAfc, withAfcOptions, type AfcOptions } from './connection.js';

/** Adds `afc mkdir`: a folder on a device. */
export function addAfcMkdirCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('mkdir')
    .summary('make a folder on the device')
    .description('Makes a folder on the device, and those above it.')
    .argument('<path>', 'folder on the device');
  withAfcOptions(command, ['ios-backup afc mkdir /Books/New']).action(async (path: string, options: AfcOptions) => {
    await withAfc(options, context, async (afc) => await afc.mkdir(path, { signal: context.signal }));
  });
}

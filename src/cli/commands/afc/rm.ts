import type { Command } from 'commander';
import type { CliContext } from '../../context.js';
import { withAfc, withAfcOptions, type AfcOptions } from './connection.js';

/** Options of `afc rm`. */
interface RmOptions extends AfcOptions {
  readonly recursive?: true | undefined;
}

/** Adds `afc rm`: removes from a device. */
export function addAfcRmCommand(parent: Command, context: CliContext): void {
  const command = parent
    .command('rm')
    .summary('remove a file or folder from the device')
    .description('Removes a file, a link or an empty folder from the device.')
    .argument('<path>', 'what to remove')
    .option('-r, --recursive', 'remove a folder with all that is in it');
  withAfcOptions(command, ['ios-backup afc rm /Books/old.epub']).action(async (path: string, options: RmOptions) => {
    const { recursive = false } = options;
    await withAfc(options, context, async (afc) => await afc.rm(path, { recursive, signal: context.signal }));
  });
}

import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { addAfcGetCommand } from './afc/get.js';
import { addAfcLsCommand } from './afc/ls.js';
import { addAfcMkdirCommand } from './afc/mkdir.js';
import { addAfcPutCommand } from './afc/put.js';
import { addAfcRmCommand } from './afc/rm.js';

/** Adds `afc`: files on a device. */
export function addAfcCommand(program: Command, context: CliContext): void {
  const parent = program
    .command('afc')
    .summary('list, fetch, put and remove files on a device')
    .description(
      'Works on the media folder of a device (photos, books, recordings), or with --app on the files of an app. A path begins with /, which is that folder.',
    );
  const addCommands = [addAfcLsCommand, addAfcGetCommand, addAfcPutCommand, addAfcMkdirCommand, addAfcRmCommand];
  for (const addCommand of addCommands) addCommand(parent, context);
}

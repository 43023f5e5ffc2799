import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAfcCommand } from './commands/afc.js';
import { addAppsCommand } from './commands/apps.js';
import { addBackupCommand } from './commands/backup.js';
import { addCatCommand } from './commands/cat.js';
import { addContactsCommand } from './commands/contacts.js';
import { addDeviceInfoCommand } from './commands/device-info.js';
import { addDevicesCommand } from './commands/devices.js';
import { addEncryptionCommand } from './commands/encryption.js';
import { addExtractCommand } from './commands/extract.js';
import { addInfoCommand } from './commands/info.js';
import { addListCommand } from './commands/list.js';
import { addLsCommand } from './commands/ls.js';
import { addMessagesCommand } from './commands/messages.js';
import { addPairCommand } from './commands/pair.js';
import { addRestoreCommand } from './commands/restore.js';
import { addUnpairCommand } from './commands/unpair.js';
import { addVersionsCommand } from './commands/versions.js';
import { addVirtualDeviceCommand } from './commands/virtual-device.js';
import { addWatchCommand } from './commands/watch.js';
import type { CliContext } from './context.js';
import { visibleText } from './output/text.js';

/** Every command, in the order of the help. */
const addCommands = [
  addListCommand,
  addInfoCommand,
  addLsCommand,
  addCatCommand,
  addExtractCommand,
  addMessagesCommand,
  addContactsCommand,
  addDevicesCommand,
  addWatchCommand,
  addPairCommand,
  addUnpairCommand,
  addDeviceInfoCommand,
  addBackupCommand,
  addRestoreCommand,
  addVersionsCommand,
  addEncryptionCommand,
  addAppsCommand,
  addAfcCommand,
  addVirtualDeviceCommand,
];

/** The command line. It throws where others would end the process. */
export function buildProgram(context: CliContext): Command {
  const program = new Command('ios-backup')
    .description(
      'Opens, browses and extracts backups of iPhones and iPads, makes and restores them, and keeps their versions.',
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.output.stream.write(text),
      writeErr: (text) => void context.errors.write(text),
      outputError: (text, write) => {
        const line = visibleText(text.replace(/^error: /, 'ios-backup: '))
          .trimEnd()
          .replaceAll('\n', ' ');
        write(`${line}; see ios-backup help\n`);
      },
      getOutHelpWidth: () => context.output.columns,
      getErrHelpWidth: () => (context.errors.columns > 0 ? context.errors.columns : 80),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nThe password of an encrypted backup is asked for on the terminal, or taken from IOS_BACKUP_PASSWORD,\n--password-file or --password-fd. `ios-backup help <command>` shows examples.',
    );
  for (const addCommand of addCommands) addCommand(program, context);
  return program;
}

/** The version in package.json, which lies above `dist` and above `src/cli`. */
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

import { Option, type Command } from 'commander';
import { UsageError } from './failures.js';
import type { DeviceOptions } from './device-connection.js';
import type { CredentialOptions } from './open-backup.js';

/** Options of every command. */
export interface CommonOptions {
  readonly json?: true | undefined;
  readonly verbose?: true | undefined;
}

/** Options of commands that open a backup. */
export interface BackupOptions extends CommonOptions, CredentialOptions {
  /** Name of a version. */
  readonly at?: string | undefined;
}

/** Options of commands that talk to a device. */
export interface DeviceCommandOptions extends CommonOptions, DeviceOptions {}

/** Options of commands that work on a version store. */
export interface StoreOptions extends CommonOptions {
  readonly udid?: string | undefined;
}

/** Adds the options of commands that work on a version store. */
export function withStoreOptions(command: Command, examples: readonly string[]): Command {
  return withCommonOptions(command, examples).option('--udid <udid>', 'the device, where several have versions');
}

/** Adds the options of every command, and an example to its help. */
export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  return command
    .option('--json', 'print JSON Lines: one record a line, in the shape that the library gives')
    .option('--verbose', 'print the causes of errors and every issue')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** Adds the options of commands that open a backup. */
export function withBackupOptions(command: Command, examples: readonly string[]): Command {
  return withCredentialOptions(withAtOption(withCommonOptions(command, examples)));
}

/** Adds the options that say where the backup password, or the key derived from it, is. */
export function withCredentialOptions(command: Command): Command {
  return withPasswordOptions(command).option(
    '--key-file <file>',
    'use the derived key in a file in place of the password',
  );
}

/** Adds the option that opens an older version of a backup. */
export function withAtOption(command: Command): Command {
  return command.option(
    '--at <version>',
    'an older version, where versions are kept: newest~1, a date such as 2026-11-01, or an id',
  );
}

/** Adds the options that say where the backup password is. */
export function withPasswordOptions(command: Command): Command {
  return command
    .option('--password-file <file>', 'read the password from the first line of a file')
    .option(
      '--password-fd <number>',
      'read the password from an open file descriptor',
      parseDescriptor('--password-fd'),
    )
    .addOption(new Option('--password [password]').preset('').hideHelp().argParser(refusePassword));
}

/** Adds the options of commands that talk to a device. */
export function withDeviceOptions(command: Command, examples: readonly string[]): Command {
  return withCommonOptions(command, examples)
    .option('--udid <udid>', 'the device, where several are attached')
    .option('--network', 'reach it by the network, also where it is on a cable');
}

/** The number of an open file. */
export function parseDescriptor(name: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number > 2 ** 31 - 1)
      throw new UsageError(`${name} needs the number of a file descriptor`);
    return number;
  };
}

function refusePassword(): never {
  throw new UsageError(
    'A password on the command line is seen by every user of the computer and kept in the history of the shell; set IOS_BACKUP_PASSWORD, give --password-file or --password-fd, or leave it out and type it when asked',
  );
}

/** The moment that an option names. */
export function parseDate(name: string): (text: string) => Date {
  return (text) => {
    const isDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text);
    const date = new Date(text);
    if (!isDate || Number.isNaN(date.getTime())) {
      throw new UsageError(`${name} needs a date such as 2024-05-06 or 2024-05-06T07:08:09Z`);
    }
    return date;
  };
}

/** The number of something, from 0. */
export function parseCount(name: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new UsageError(`${name} needs a whole number`);
    return number;
  };
}

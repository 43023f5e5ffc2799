import type { Command } from 'commander';
import { changeBackupPassword, type ChangeBackupPasswordOptions } from '../../entry/backup.js';
import { note, type CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { needNewPassword, needPassword, type PasswordSource } from '../input/ask-password.js';
import { passwordSource, type PasswordOptions } from '../open-backup.js';
import { parseDescriptor, withDeviceOptions, withPasswordOptions, type DeviceCommandOptions } from '../options.js';
import { TransferDisplay } from '../transfer-display.js';

/** Options of `encryption`. */
interface EncryptionOptions extends DeviceCommandOptions, PasswordOptions {
  readonly newPasswordFile?: string | undefined;
  readonly newPasswordFd?: number | undefined;
}

/** Asks for what a change needs. */
type Passwords = Pick<ChangeBackupPasswordOptions, 'from' | 'to'>;

/** Adds `encryption`: the backup password of a device. */
export function addEncryptionCommand(program: Command, context: CliContext): void {
  const parent = program
    .command('encryption')
    .summary('set, remove or change the backup password of a device')
    .description(
      'Sets, removes or changes the backup password, which the device keeps and with which it encrypts its backups on any computer. Nobody can tell it or reset it without erasing the settings of the device.',
    );
  const on = parent.command('on').summary('set a backup password').description('Sets a backup password.');
  withPasswordOptions(withDeviceOptions(on, ['ios-backup encryption on'])).action(
    async (options: EncryptionOptions) => {
      const to = async (): Promise<Passwords> => ({
        to: await needNewPassword('New backup password: ', passwordSource(options), context),
      });
      await change(to, { options, context, done: 'The device encrypts its backups from now on' });
    },
  );

  const off = parent.command('off').summary('remove the backup password').description('Removes the backup password.');
  withPasswordOptions(withDeviceOptions(off, ['ios-backup encryption off'])).action(
    async (options: EncryptionOptions) => {
      const from = async (): Promise<Passwords> => ({
        from: await needPassword('Backup password: ', passwordSource(options), context),
      });
      await change(from, { options, context, done: 'The device does not encrypt its backups any more' });
    },
  );

  const both = parent
    .command('change')
    .summary('change the backup password')
    .description('Changes the backup password. The new one is asked for, or taken from IOS_BACKUP_NEW_PASSWORD.')
    .option('--new-password-file <file>', 'read the new password from the first line of a file')
    .option(
      '--new-password-fd <number>',
      'read the new password from an open file descriptor',
      parseDescriptor('--new-password-fd'),
    );
  withPasswordOptions(withDeviceOptions(both, ['ios-backup encryption change'])).action(
    async (options: EncryptionOptions) => {
      const passwords = async (): Promise<Passwords> => ({
        from: await needPassword('Current backup password: ', passwordSource(options), context),
        to: await needNewPassword('New backup password: ', newPasswordSource(options), context),
      });
      await change(passwords, { options, context, done: 'The backup password was changed' });
    },
  );
}

async function change(
  passwords: () => Promise<Passwords>,
  { options, context, done }: { options: EncryptionOptions; context: CliContext; done: string },
): Promise<void> {
  await using device = await connectDevice(options, context);
  const given = await passwords();
  await using display = new TransferDisplay(context, options);
  await changeBackupPassword(device, { ...given, ...display.callbacks, signal: context.signal });
  display.clear();
  note(context, done);
}

function newPasswordSource({ newPasswordFile, newPasswordFd }: EncryptionOptions): PasswordSource {
  return { file: newPasswordFile, descriptor: newPasswordFd, variable: 'IOS_BACKUP_NEW_PASSWORD' };
}

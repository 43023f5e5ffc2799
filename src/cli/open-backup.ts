import { Backup, isBackupKitError } from '../entry/index.js';
import { note, type CliContext } from './context.js';
import { UsageError } from './failures.js';
import { canPrompt, promptPassword } from './input/prompt.js';
import { ProgressBar } from './output/progress-bar.js';
import { keyOf, passwordOf, readSecretDescriptor, readSecretFile } from './input/secret-file.js';

/** Where the password comes from, as the options say. */
export interface PasswordOptions {
  readonly passwordFile?: string | undefined;
  readonly passwordFd?: number | undefined;
  readonly keyFile?: string | undefined;
}

/** Wrong passwords that the prompt takes before it gives up. */
const attempts = 3;

/** What opens an encrypted backup. */
type Credentials = { readonly password: string } | { readonly key: Uint8Array };

/** Opens a backup with the password from the options or the environment; on a terminal it is asked for where it is needed. */
export async function openBackup(path: string, options: PasswordOptions, context: CliContext): Promise<Backup> {
  const { signal } = context;
  const given = await givenCredentials(options, context.env);
  if (given !== undefined) return await open(path, given, context);
  try {
    return await open(path, {}, context);
  } catch (error) {
    const terminal = { input: context.input, output: context.errors };
    if (!isBackupKitError(error, 'MANIFEST_PASSWORD_REQUIRED') || !canPrompt(terminal)) throw error;
    for (let attempt = 1; ; attempt += 1) {
      const password = await promptPassword('Password of the backup: ', terminal, signal);
      if (password === undefined || password === '') throw error;
      try {
        return await open(path, { password }, context);
      } catch (wrong) {
        if (!isBackupKitError(wrong, 'MANIFEST_PASSWORD_INCORRECT') || attempt >= attempts) throw wrong;
        note(context, 'That is not the password of this backup; try again');
      }
    }
  }
}

async function open(path: string, credentials: Partial<Credentials>, context: CliContext): Promise<Backup> {
  const line = new ProgressBar(context.errors);
  try {
    return await Backup.open(path, {
      ...credentials,
      signal: context.signal,
      onProgress: ({ phase }) => {
        if (phase === 'deriving-key') line.say('Deriving the key from the password …');
        else line.clear();
      },
    });
  } finally {
    line.clear();
  }
}

async function givenCredentials(options: PasswordOptions, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const { passwordFile, passwordFd, keyFile } = options;
  if ([passwordFile, passwordFd, keyFile].filter((option) => option !== undefined).length > 1) {
    throw new UsageError('Give only one of --password-file, --password-fd and --key-file');
  }
  if (keyFile !== undefined) return { key: keyOf(await readSecretFile(keyFile), keyFile) };
  if (passwordFile !== undefined) return { password: passwordOf(await readSecretFile(passwordFile), passwordFile) };
  if (passwordFd !== undefined) {
    const name = `File descriptor ${passwordFd}`;
    return { password: passwordOf(await readSecretDescriptor(passwordFd), name) };
  }
  const password = env['IOS_BACKUP_PASSWORD'];
  return password === undefined || password === '' ? undefined : { password };
}

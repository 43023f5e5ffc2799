import { Backup } from '../entry/index.js';
import type { CliContext } from './context.js';
import { UsageError } from './failures.js';
import { askWhereNeeded, givenPassword, type PasswordSource } from './input/ask-password.js';
import { ProgressBar } from './output/progress-bar.js';
import { keyOf, readSecretFile } from './input/secret-file.js';

/** Where the password comes from, as the options say. */
export interface PasswordOptions {
  readonly passwordFile?: string | undefined;
  readonly passwordFd?: number | undefined;
}

/** What opens a backup, as the options say. */
export interface CredentialOptions extends PasswordOptions {
  readonly keyFile?: string | undefined;
}

/** The variable with the backup password. */
export const passwordVariable = 'IOS_BACKUP_PASSWORD';

/** What opens an encrypted backup. */
type Credentials = { readonly password: string } | { readonly key: Uint8Array };

/** Opens a backup with the password from the options or the environment; on a terminal it is asked for where it is needed. */
export async function openBackup(path: string, options: CredentialOptions, context: CliContext): Promise<Backup> {
  const given = await givenCredentials(options, context);
  if (given !== undefined) return await open(path, given, context);
  return await askWhereNeeded(
    async (password) => await open(path, password === undefined ? {} : { password }, context),
    {
      question: 'Password of the backup: ',
      missing: 'MANIFEST_PASSWORD_REQUIRED',
      wrong: 'MANIFEST_PASSWORD_INCORRECT',
    },
    context,
  );
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

async function givenCredentials(options: CredentialOptions, context: CliContext): Promise<Credentials | undefined> {
  const { passwordFile, passwordFd, keyFile } = options;
  if ([passwordFile, passwordFd, keyFile].filter((option) => option !== undefined).length > 1) {
    throw new UsageError('Give only one of --password-file, --password-fd and --key-file');
  }
  if (keyFile !== undefined) return { key: keyOf(await readSecretFile(keyFile), keyFile) };
  const password = await givenPassword(passwordSource(options), context);
  return password === undefined ? undefined : { password };
}

/** Where the backup password may come from. */
export function passwordSource({ passwordFile, passwordFd }: PasswordOptions): PasswordSource {
  return { file: passwordFile, descriptor: passwordFd, variable: passwordVariable };
}

import { BackupSessionError, isBackupKitError, type ErrorCode } from '../../entry/index.js';
import { note, type CliContext } from '../context.js';
import { UsageError } from '../failures.js';
import { canPrompt, promptPassword } from './prompt.js';
import { passwordOf, readSecretDescriptor, readSecretFile } from './secret-file.js';

/** Passwords that the prompt takes before it gives up. */
const attempts = 3;

/** Where a password may come from beside the prompt, first to last. */
export interface PasswordSource {
  /** A file with the password in its first line. */
  readonly file: string | undefined;
  /** An open file descriptor. */
  readonly descriptor: number | undefined;
  /** Name of the environment variable. */
  readonly variable: string;
}

/** How an action says that it needs a password. */
export interface PasswordNeed {
  readonly question: string;
  readonly missing: ErrorCode | readonly ErrorCode[];
  readonly wrong: ErrorCode | readonly ErrorCode[];
}

/** The password from a file, a descriptor or the environment; `undefined` where none is given. */
export async function givenPassword(source: PasswordSource, { env }: CliContext): Promise<string | undefined> {
  const { file, descriptor, variable } = source;
  if (file !== undefined && descriptor !== undefined)
    throw new UsageError('Give a password either by a file or by a file descriptor');
  if (file !== undefined) return passwordOf(await readSecretFile(file), file);
  if (descriptor !== undefined)
    return passwordOf(await readSecretDescriptor(descriptor), `File descriptor ${descriptor}`);
  const password = env[variable];
  return password === '' ? undefined : password;
}

/** Does what may need a password without one; where it does, asks for it on the terminal, again where it is wrong. */
export async function askWhereNeeded<T>(
  action: (password: string | undefined) => Promise<T>,
  { question, missing, wrong }: PasswordNeed,
  context: CliContext,
): Promise<T> {
  try {
    return await action(undefined);
  } catch (error) {
    if (!isBackupKitError(error, ...[missing].flat()) || !canAsk(context)) throw error;
    for (let attempt = 1; ; attempt += 1) {
      const password = await ask(question, context);
      if (password === undefined) throw error;
      try {
        return await action(password);
      } catch (refused) {
        if (!isBackupKitError(refused, ...[wrong].flat()) || attempt >= attempts) throw refused;
        note(context, 'That is not the password of this backup; try again');
      }
    }
  }
}

/** A password that is needed in any case. @throws BackupSessionError `BACKUP_PASSWORD_REQUIRED` where none is given and nobody can be asked */
export async function needPassword(question: string, source: PasswordSource, context: CliContext): Promise<string> {
  const password =
    (await givenPassword(source, context)) ?? (canAsk(context) ? await ask(question, context) : undefined);
  if (password === undefined) throw missingPassword(source);
  return password;
}

/** A password that is to be set: typed twice, since nobody can read it. @throws as {@link needPassword} */
export async function needNewPassword(question: string, source: PasswordSource, context: CliContext): Promise<string> {
  const given = await givenPassword(source, context);
  if (given !== undefined) return given;
  if (!canAsk(context)) throw missingPassword(source);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const password = await ask(question, context);
    if (password === undefined) break;
    if ((await ask('Once more: ', context)) === password) return password;
    note(context, 'These are not the same; try again');
  }
  throw missingPassword(source);
}

function canAsk({ input, errors }: CliContext): boolean {
  return canPrompt({ input, output: errors });
}

async function ask(question: string, { input, errors, signal }: CliContext): Promise<string | undefined> {
  const password = await promptPassword(question, { input, output: errors }, signal);
  return password === '' ? undefined : password;
}

function missingPassword({ variable }: PasswordSource): BackupSessionError {
  return new BackupSessionError(
    'BACKUP_PASSWORD_REQUIRED',
    `A password is needed and none was given; set ${variable}, or give a file or descriptor with it`,
  );
}

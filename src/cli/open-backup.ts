import { Backup, type BackupTree } from '../entry/index.js';
import type { CliContext } from './context.js';
import { UsageError } from './failures.js';
import { askWhereNeeded, givenPassword, type PasswordSource } from './input/ask-password.js';
import { ProgressBar } from './output/progress-bar.js';
import { keyOf, readSecretFile } from './input/secret-file.js';
import { OpenLocation } from './open-store.js';

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
export type Credentials = { readonly password: string } | { readonly key: Uint8Array };

/** How a backup is opened, as the options say. */
export interface OpenBackupOptions extends CredentialOptions {
  /** Name of a version, in place of the newest backup. */
  readonly at?: string | undefined;
}

/** A backup, with the store behind it where it is a version. */
export interface OpenedBackup extends AsyncDisposable {
  readonly backup: Backup;
}

/** Opens a backup with the password from the options or the environment; on a terminal it is asked for where it is needed. */
export async function openBackup(path: string, options: OpenBackupOptions, context: CliContext): Promise<OpenedBackup> {
  const { at } = options;
  const given = await givenCredentials(options, context);
  if (given !== undefined) return await open(path, at, { credentials: given, context });
  return await askWhereNeeded(
    async (password) =>
      await open(path, at, { credentials: password === undefined ? undefined : { password }, context }),
    {
      question: 'Password of the backup: ',
      missing: ['MANIFEST_PASSWORD_REQUIRED', 'SNAPSHOT_SECRET_REQUIRED'],
      // Sealed history does not tell a wrong password from none.
      wrong: ['MANIFEST_PASSWORD_INCORRECT', 'SNAPSHOT_SECRET_REQUIRED'],
    },
    context,
  );
}

async function open(
  path: string,
  at: string | undefined,
  { credentials, context }: { credentials: Credentials | undefined; context: CliContext },
): Promise<OpenedBackup> {
  if (at === undefined) {
    const backup = await openTree(path, credentials, context);
    return { backup, [Symbol.asyncDispose]: async () => await backup.close() };
  }
  const version = await openVersion(path, at, { credentials, context });
  try {
    const backup = await openTree(version.tree, credentials, context);
    return {
      backup,
      async [Symbol.asyncDispose]() {
        await backup.close();
        await version[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await version[Symbol.asyncDispose]();
    throw error;
  }
}

/** A version as a backup tree, with the store behind it. */
export interface OpenedVersion extends AsyncDisposable {
  readonly tree: BackupTree;
}

/** Opens a version to read, out of the store and without a folder of its own. */
export async function openVersion(
  path: string,
  at: string,
  {
    udid,
    credentials,
    context,
  }: { udid?: string | undefined; credentials: Credentials | undefined; context: CliContext },
): Promise<OpenedVersion> {
  const location = await OpenLocation.open(path, { access: 'read', udid, ...credentials }, context);
  try {
    const { device, version } = await location.find(at, { deleted: true });
    const tree = await device.get(version.id, { signal: context.signal });
    // With the store everything in it is closed.
    return { tree, [Symbol.asyncDispose]: async () => await location.close() };
  } catch (error) {
    await location.close();
    throw error;
  }
}

async function openTree(
  source: string | BackupTree,
  credentials: Credentials | undefined,
  context: CliContext,
): Promise<Backup> {
  const line = new ProgressBar(context.errors);
  try {
    return await Backup.open(source, {
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

/** The password or key from the options or the environment; `undefined` where none is given. */
export async function givenCredentials(
  options: CredentialOptions,
  context: CliContext,
): Promise<Credentials | undefined> {
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

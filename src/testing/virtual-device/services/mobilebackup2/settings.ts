import { asBoolean, asString } from '../../../../plist/guards.js';
import { backupFailure } from './failure.js';
import type { BackupTask, CommandResult } from './task.js';

/** Sets, changes or removes the backup password, as the keys of the request say. */
export async function changePassword(task: BackupTask): Promise<CommandResult> {
  const { agent, request } = task;
  const former = asString(request.message.get('OldPassword'));
  const next = asString(request.message.get('NewPassword'));
  if (next === '') throw backupFailure('invalidArgument', 'The new password is empty');
  if (agent.profile.passcodeForPasswordChange) await agent.sheet.ask(task.signal);
  if (former !== agent.password) throw backupFailure('wrongPassword', 'Invalid password');
  if (next === undefined && isRequired(agent.device.values.get('com.apple.mobile.backup', 'RequiresEncryption')))
    throw backupFailure('invalidArgument', 'A profile requires that backups are encrypted');
  if (former !== undefined || next !== undefined) agent.setPassword(next);
  return {};
}

/** Policies are stated as a boolean or as a number. */
const isRequired = (value: unknown): boolean => value === true || value === 1;

/** Switches cloud backups. */
export async function enableCloudBackup({ agent, request }: BackupTask): Promise<CommandResult> {
  const isOn = asBoolean(request.options.get('CloudBackupState')) ?? asBoolean(request.message.get('CloudBackupState'));
  if (isOn === undefined) throw backupFailure('invalidArgument', 'CloudBackupState is missing');
  if (!agent.hasCloudAccount) throw backupFailure('failed', 'No account exists');
  agent.setCloudBackup(isOn);
  return {};
}

/** Erases the device: files, apps, password and trusted hosts. The link ends without a response. */
export async function eraseDevice({ agent }: BackupTask): Promise<CommandResult> {
  agent.fileSystem.clear();
  agent.device.apps.clear();
  agent.setPassword(undefined);
  agent.device.forgetHost();
  return { isSilent: true, restarts: true };
}

import { isBackupKitError } from '../../../../core/errors.js';
import { asDict } from '../../../../plist/guards.js';
import { normalizePlist } from '../../../../plist/plain-input.js';
import { PlistReal, type PlistValue } from '../../../../plist/types.js';
import { encodeResponse, parseRequest, type BackupResponse } from '../../../../backup/mobilebackup2.js';
import type { ServiceConnection } from '../../types.js';
import type { Agent } from './agent-types.js';
import { backUp } from './back-up.js';
import { DeviceLink } from './device-link.js';
import { BackupFailure, backupFailure } from './failure.js';
import { extractFile, listFiles, tellInfo, unpackBackup } from './host-commands.js';
import { restore } from './restore.js';
import { changePassword, enableCloudBackup, eraseDevice } from './settings.js';
import { BackupTask, type CommandResult } from './task.js';

/** Carries out a request. */
type Command = (task: BackupTask) => Promise<CommandResult>;

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['Backup', backUp],
  ['Restore', restore],
  ['Info', tellInfo],
  ['List', listFiles],
  ['Unback', unpackBackup],
  ['Extract', extractFile],
  ['ChangePassword', changePassword],
  ['EnableCloudBackup', enableCloudBackup],
  ['EraseDevice', eraseDevice],
]);

/** Serves one session of a host. FORMAT facts: docs/format/mobilebackup2.md. */
export async function serveBackups(agent: Agent, connection: ServiceConnection): Promise<void> {
  const { quirks } = agent.faults;
  const link = new DeviceLink(connection, {
    version: quirks.deviceLinkVersion ?? agent.profile.deviceLinkVersion,
    xml: quirks.xml ?? false,
    uploadElements: quirks.uploadElements,
  });
  if (!(await link.open())) return;
  for (;;) {
    const message = await link.receiveRequest();
    if (message === undefined) return;
    if (message.get('MessageName') === 'Hello') await answerHello(agent, link);
    else if (!(await serveRequest(agent, new BackupTask(agent, connection, link, parseRequest(message))))) return;
  }
}

async function answerHello({ faults: { quirks }, profile }: Agent, link: DeviceLink): Promise<void> {
  const message = new Map<string, PlistValue>([
    ['MessageName', 'Response'],
    ['ErrorCode', quirks.helloErrorCode ?? 0],
    ['ProtocolVersion', quirks.protocolVersion ?? new PlistReal(profile.protocolVersion)],
  ]);
  await link.send({ type: 'DLMessageProcessMessage', message });
}

/** Carries out one request; tells whether the session goes on. */
async function serveRequest(agent: Agent, task: BackupTask): Promise<boolean> {
  let restart: Promise<void> | undefined;
  let isOver = false;
  await agent.carryOut(task, async () => {
    try {
      const { result, response } = await answer(task);
      if (result.restarts === true) restart = agent.restartAfter(task.link.receiveRequest());
      return task.report(response);
    } catch (error) {
      if (!isBackupKitError(error, 'DEVICE_DISCONNECTED')) throw error;
      isOver = true;
      return task.report(undefined);
    }
  });
  await restart;
  return restart === undefined && !isOver;
}

/** What a request comes to, sent to the host. */
async function answer(task: BackupTask): Promise<{ result: CommandResult; response: BackupResponse | undefined }> {
  let result: CommandResult = {};
  let response: BackupResponse = { errorCode: 0 };
  try {
    await task.reach('start');
    const command = commands.get(task.request.name);
    if (command === undefined) throw backupFailure('invalidArgument', `${task.request.name} is not a known request`);
    result = await command(task);
    if (result.isSilent === true) return { result, response: undefined };
    response = { errorCode: 0, content: result.content };
    await task.reach('respond');
  } catch (error) {
    if (!(error instanceof BackupFailure)) throw error;
    result = {};
    response = { errorCode: error.code, errorDescription: error.message };
  }
  const message = normalizePlist(encodeResponse(response));
  await task.link.send({ type: 'DLMessageProcessMessage', message: asDict(message) ?? new Map() });
  return { result, response };
}

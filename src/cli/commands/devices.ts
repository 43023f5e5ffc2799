import type { Command } from 'commander';
import { Device, listDevices, type AttachedDevice, type DeviceInfo } from '../../entry/device.js';
import { isBackupKitError, type BackupKitError } from '../../entry/index.js';
import type { CliContext } from '../context.js';
import { deviceChoice } from '../device-connection.js';
import { withCommonOptions, type CommonOptions } from '../options.js';
import { writeRecords } from '../output/records.js';
import type { Column } from '../output/table.js';

/** A device, with what it says of itself where it trusts this computer. */
interface ListedDevice extends AttachedDevice {
  readonly info: DeviceInfo | undefined;
  /** Why it says nothing. */
  readonly error: BackupKitError | undefined;
}

const columns: readonly Column<ListedDevice>[] = [
  { title: 'UDID', value: (device) => device.udid },
  { title: 'Connection', value: (device) => device.connectionType },
  { title: 'State', value: stateOf },
  { title: 'Name', value: (device) => device.info?.name, flexible: true },
  { title: 'Model', value: (device) => device.info?.productType },
  { title: 'iOS', value: (device) => device.info?.productVersion },
];

function stateOf({ error }: ListedDevice): string {
  if (error === undefined) return 'paired';
  if (error.code === 'DEVICE_NOT_PAIRED') return 'not paired';
  return error.code === 'DEVICE_LOCKED' ? 'locked' : 'unreachable';
}

/** Adds `devices`: what is attached. */
export function addDevicesCommand(program: Command, context: CliContext): void {
  const command = program
    .command('devices')
    .summary('list the devices that are attached')
    .description('Lists the devices on cables and the network, and whether they trust this computer.');
  withCommonOptions(command, ['ios-backup devices', 'ios-backup devices --json | jq -r .udid']).action(
    async ({ json }: CommonOptions) => {
      await writeRecords(listed(context), { columns }, { output: context.output, asJson: json === true });
    },
  );
}

async function* listed(context: CliContext): AsyncGenerator<ListedDevice, void, undefined> {
  const devices = await listDevices(deviceChoice({}, context));
  // All are asked at once: one that does not answer takes its time.
  yield* await Promise.all(devices.map(async (device) => await look(device, context)));
}

async function look(attached: AttachedDevice, context: CliContext): Promise<ListedDevice> {
  const { udid, connectionType } = attached;
  try {
    await using device = await Device.connect(udid, { ...deviceChoice({}, context), connectionType });
    return { ...attached, info: device.info, error: undefined };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isBackupKitError(error)) throw error;
    return { ...attached, info: undefined, error };
  }
}

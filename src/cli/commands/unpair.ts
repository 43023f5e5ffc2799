import type { Command } from 'commander';
import { unpairDevice } from '../../entry/device.js';
import { note, type CliContext } from '../context.js';
import { deviceChoice } from '../device-connection.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../options.js';

/** Adds `unpair`: ends the trust between a device and this computer. */
export function addUnpairCommand(program: Command, context: CliContext): void {
  const command = program
    .command('unpair')
    .summary('let a device and this computer forget each other')
    .description('Ends the trust between a device and this computer, on both sides.');
  withDeviceOptions(command, ['ios-backup unpair']).action(async (options: DeviceCommandOptions) => {
    await unpairDevice(options.udid, deviceChoice(options, context));
    note(context, 'The device does not trust this computer any more');
  });
}

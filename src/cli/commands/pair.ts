import type { Command } from 'commander';
import { Device, type PairingEvent } from '../../entry/device.js';
import { note, type CliContext } from '../context.js';
import { deviceChoice } from '../device-connection.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../options.js';
import { EventLines } from '../output/event-lines.js';
import { plainCell } from '../output/table.js';

/** What the owner has to do. */
const requests: Partial<Record<PairingEvent['type'], string>> = {
  'waiting-for-unlock': 'Unlock the device, and then tap Trust on it …',
  'waiting-for-trust': 'Tap Trust on the device, and enter its passcode there …',
};

/** Adds `pair`: lets a device trust this computer. */
export function addPairCommand(program: Command, context: CliContext): void {
  const command = program
    .command('pair')
    .summary('let a device trust this computer')
    .description(
      'Pairs with a device and waits until its owner has tapped Trust. Nothing happens where it trusts this computer already.',
    );
  withDeviceOptions(command, ['ios-backup pair', 'ios-backup pair --udid 00008120-000000000000001E']).action(
    async (options: DeviceCommandOptions) => {
      const events = new EventLines(context.output, options.json === true);
      await using device = await Device.connect(options.udid, {
        ...deviceChoice(options, context),
        pair: true,
        onProgress: (event) => {
          events.add(event);
          const request = requests[event.type];
          if (request !== undefined) note(context, request);
        },
      });
      const { udid, info } = device;
      events.add({ type: 'result', udid, info });
      await events.end();
      if (options.json === true) return;
      const { isTerminal } = context.output;
      const text = isTerminal ? `${info.name ?? 'The device'} (${udid}) trusts this computer` : udid;
      await context.output.write(`${plainCell(text)}\n`);
    },
  );
}

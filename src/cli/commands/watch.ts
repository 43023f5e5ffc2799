import type { Command } from 'commander';
import { watchDevices, type AttachedDevice, type DeviceEvent } from '../../entry/device.js';
import type { CliContext } from '../context.js';
import { deviceChoice } from '../device-connection.js';
import { withCommonOptions, type CommonOptions } from '../options.js';
import { toJsonLine } from '../output/json.js';
import { plainRow, type Column } from '../output/table.js';

/** A change, with the device that it is about where that is known. */
interface Change {
  readonly type: DeviceEvent['type'];
  readonly deviceId: number;
  readonly device: AttachedDevice | undefined;
}

// Each line is written when it happens, so that there is no table to align.
const columns: readonly Column<Change>[] = [
  { title: 'Event', value: ({ type }) => type },
  { title: 'UDID', value: ({ device }) => device?.udid },
  { title: 'Connection', value: ({ device }) => device?.connectionType },
  { title: 'Device id', value: ({ deviceId }) => deviceId },
];

/** Adds `watch`: devices that come and go. */
export function addWatchCommand(program: Command, context: CliContext): void {
  const command = program
    .command('watch')
    .summary('tell when devices come and go')
    .description('Prints what is attached, and then a line whenever a device comes, goes or is paired, until Ctrl-C.');
  withCommonOptions(command, [
    'ios-backup watch',
    'ios-backup watch --json | jq --unbuffered -r \'select(.type == "attached") | .device.udid\'',
  ]).action(async ({ json }: CommonOptions) => {
    const attached = new Map<number, AttachedDevice>();
    for await (const event of watchDevices(deviceChoice({}, context))) {
      if (event.type === 'attached') attached.set(event.device.deviceId, event.device);
      const deviceId = event.type === 'attached' ? event.device.deviceId : event.deviceId;
      const change = { type: event.type, deviceId, device: attached.get(deviceId) };
      if (event.type === 'detached') attached.delete(deviceId);
      await context.output.write(json === true ? `${toJsonLine(change)}\n` : plainRow(columns, change));
    }
  });
}

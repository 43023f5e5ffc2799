import type { Command } from 'commander';
import { willEncrypt } from '../../entry/backup.js';
import type { BatteryInfo, Device, DeviceInfo, DiskUsage } from '../../entry/device.js';
import type { CliContext } from '../context.js';
import { connectDevice } from '../device-connection.js';
import { withDeviceOptions, type DeviceCommandOptions } from '../options.js';
import { writeFields, type Field } from '../output/fields.js';
import { formatBytes } from '../output/format.js';
import { toJsonLine } from '../output/json.js';

/** What is shown of a device. */
interface DeviceReport {
  readonly info: DeviceInfo;
  readonly connectionType: Device['connectionType'];
  readonly battery: BatteryInfo;
  readonly disk: DiskUsage;
  readonly encryptsBackups: boolean;
}

/** Adds `device-info`: what a device says of itself. */
export function addDeviceInfoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('device-info')
    .summary('show what a device says of itself')
    .description(
      'Shows the name, model, iOS, numbers, battery and storage of a device, and whether it encrypts backups.',
    );
  withDeviceOptions(command, ['ios-backup device-info', 'ios-backup device-info --json | jq .battery']).action(
    async (options: DeviceCommandOptions) => {
      await using device = await connectDevice(options, context);
      const report = await ask(device, context.signal);
      if (options.json === true) await context.output.write(`${toJsonLine(report)}\n`);
      else await writeFields(fieldsOf(report), context.output);
    },
  );
}

async function ask(device: Device, signal: AbortSignal): Promise<DeviceReport> {
  return {
    info: device.info,
    connectionType: device.connectionType,
    battery: await device.battery({ signal }),
    disk: await device.diskUsage({ signal }),
    encryptsBackups: await willEncrypt(device, { signal }),
  };
}

function fieldsOf({ info, connectionType, battery, disk, encryptsBackups }: DeviceReport): Field[] {
  return [
    { title: 'Device', key: 'name', value: info.name },
    { title: 'Model', key: 'productType', value: info.productType },
    { title: 'iOS', key: 'productVersion', value: info.productVersion },
    { title: 'Build', key: 'buildVersion', value: info.buildVersion },
    { title: 'UDID', key: 'udid', value: info.udid },
    { title: 'Connection', key: 'connectionType', value: connectionType },
    { title: 'Serial number', key: 'serialNumber', value: info.serialNumber },
    { title: 'Phone number', key: 'phoneNumber', value: info.phoneNumber },
    { title: 'IMEI', key: 'imei', value: info.imei },
    { title: 'ICCID', key: 'iccid', value: info.iccid },
    { title: 'Wi-Fi address', key: 'wifiAddress', value: info.wifiAddress },
    { title: 'Time zone', key: 'timeZone', value: info.timeZone },
    { title: 'Activation', key: 'activationState', value: info.activationState },
    { title: 'Locked', key: 'isPasswordProtected', value: info.isPasswordProtected },
    { title: 'Battery', key: 'batteryPercent', value: battery.percent, show: percent(battery) },
    { title: 'Storage', key: 'totalBytes', value: disk.totalBytes, show: bytes(disk.totalBytes) },
    { title: 'Free', key: 'dataAvailableBytes', value: disk.dataAvailableBytes, show: bytes(disk.dataAvailableBytes) },
    { title: 'Encrypts backups', key: 'encryptsBackups', value: encryptsBackups },
  ];
}

function percent({ percent: value, isCharging }: BatteryInfo): string | undefined {
  if (value === undefined) return undefined;
  return isCharging === true ? `${value} %, charging` : `${value} %`;
}

function bytes(value: number | undefined): string | undefined {
  return value === undefined ? undefined : formatBytes(value);
}

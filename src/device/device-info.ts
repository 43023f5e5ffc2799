import { asBoolean, asInteger, asNumber, asString } from '../plist/guards.js';
import type { PlistDict } from '../plist/types.js';

/* FORMAT facts: docs/format/lockdown.md, "Domains and keys". */

/** What a device says of itself. What it does not tell, or does not have, is `undefined`. */
export interface DeviceInfo {
  /** UDID: 40 lower-case hex digits, or 8 and 16 upper-case hex digits with a dash. */
  readonly udid: string;
  /** Name that its owner has given it. */
  readonly name: string | undefined;
  /** E.g. `iPhone`, `iPad`, `iPod`. */
  readonly deviceClass: string | undefined;
  /** Model, e.g. `iPhone14,5`. */
  readonly productType: string | undefined;
  /** Version of iOS, e.g. `17.4.1`. */
  readonly productVersion: string | undefined;
  /** Build of iOS, e.g. `21E236`. */
  readonly buildVersion: string | undefined;
  /** Board, e.g. `D17AP`. */
  readonly hardwareModel: string | undefined;
  /** Serial number as Settings shows it. */
  readonly serialNumber: string | undefined;
  /** Number of its chip (ECID), 64 bits. */
  readonly chipId: bigint | undefined;
  /** IMEI of the first line; only devices with cellular have one. */
  readonly imei: string | undefined;
  /** IMEI of the second line. */
  readonly imei2: string | undefined;
  /** MEID, the number for CDMA networks; only devices that can use them have one. */
  readonly meid: string | undefined;
  /** Number of its SIM card. */
  readonly iccid: string | undefined;
  /** As the SIM card has it. */
  readonly phoneNumber: string | undefined;
  /** Lower-case hexadecimal with colons. */
  readonly wifiAddress: string | undefined;
  /** E.g. `Europe/Berlin`. */
  readonly timeZone: string | undefined;
  /** E.g. `Activated`. */
  readonly activationState: string | undefined;
  /** Whether a passcode locks it at this moment. */
  readonly isPasswordProtected: boolean | undefined;
}

/** Out of the domain without a name. */
export function readDeviceInfo(values: PlistDict, udid: string): DeviceInfo {
  const text = (key: string): string | undefined => asString(values.get(key));
  const chipId = asInteger(values.get('UniqueChipID'));
  return {
    udid,
    name: text('DeviceName'),
    deviceClass: text('DeviceClass'),
    productType: text('ProductType'),
    productVersion: text('ProductVersion'),
    buildVersion: text('BuildVersion'),
    hardwareModel: text('HardwareModel'),
    serialNumber: text('SerialNumber'),
    chipId: chipId === undefined ? undefined : BigInt.asUintN(64, BigInt(chipId)),
    imei: text('InternationalMobileEquipmentIdentity'),
    imei2: text('InternationalMobileEquipmentIdentity2'),
    meid: text('MobileEquipmentIdentifier'),
    iccid: text('IntegratedCircuitCardIdentity'),
    phoneNumber: text('PhoneNumber'),
    wifiAddress: text('WiFiAddress'),
    timeZone: text('TimeZone'),
    activationState: text('ActivationState'),
    isPasswordProtected: asBoolean(values.get('PasswordProtected')),
  };
}

/** State of the battery. */
export interface BatteryInfo {
  /** Charge in percent, 0 to 100. */
  readonly percent: number | undefined;
  /** Whether it is being charged at this moment. */
  readonly isCharging: boolean | undefined;
  /** Whether the device takes it for full. */
  readonly isFullyCharged: boolean | undefined;
  /** Whether a charger or a computer is connected. */
  readonly isExternalPowerConnected: boolean | undefined;
}

/** Domain of {@link BatteryInfo}. */
export const batteryDomain = 'com.apple.mobile.battery';

/** Out of its domain. */
export function readBatteryInfo(values: PlistDict): BatteryInfo {
  return {
    percent: asNumber(values.get('BatteryCurrentCapacity')),
    isCharging: asBoolean(values.get('BatteryIsCharging')),
    isFullyCharged: asBoolean(values.get('FullyCharged')),
    isExternalPowerConnected: asBoolean(values.get('ExternalConnected')),
  };
}

/** Storage of a device. All sizes are in bytes. */
export interface DiskUsage {
  /** The whole disk. */
  readonly totalBytes: number | undefined;
  /** The part of the system. */
  readonly systemBytes: number | undefined;
  /** The part of the owner's data, free space included. */
  readonly dataBytes: number | undefined;
  /** Free space in that part. */
  readonly dataAvailableBytes: number | undefined;
  /** What of the free space is kept in reserve. */
  readonly dataReservedBytes: number | undefined;
  /** What the device counts as photos (`PhotoUsage`). */
  readonly photoBytes: number | undefined;
  /** What the device counts as taken with its camera (`CameraUsage`). */
  readonly cameraBytes: number | undefined;
  /** What apps and their data take (`MobileApplicationUsage`). */
  readonly appBytes: number | undefined;
}

/** Domain of {@link DiskUsage}. */
export const diskUsageDomain = 'com.apple.disk_usage';

/** Out of its domain. */
export function readDiskUsage(values: PlistDict): DiskUsage {
  const bytes = (key: string): number | undefined => asNumber(values.get(key));
  return {
    totalBytes: bytes('TotalDiskCapacity'),
    systemBytes: bytes('TotalSystemCapacity'),
    dataBytes: bytes('TotalDataCapacity'),
    dataAvailableBytes: bytes('TotalDataAvailable'),
    dataReservedBytes: bytes('AmountDataReserved'),
    photoBytes: bytes('PhotoUsage'),
    cameraBytes: bytes('CameraUsage'),
    appBytes: bytes('MobileApplicationUsage'),
  };
}

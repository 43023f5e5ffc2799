import type { PlistInput } from '../../../plist/types.js';
import { PlistReal } from '../../../plist/types.js';
import type { Device } from '../../backup-builder/device.js';
import type { SeededRandom } from '../../backup-builder/seeded-random.js';

type Values = Record<string, PlistInput>;

/** Board names of the models that stand for an iOS version. */
const boards: Readonly<Record<string, string>> = {
  'iPhone3,1': 'N90AP',
  'iPhone4,1': 'N94AP',
  'iPhone5,1': 'N41AP',
  'iPhone6,1': 'N51AP',
  'iPhone7,2': 'N61AP',
  'iPhone8,1': 'N71AP',
  'iPhone9,1': 'D10AP',
  'iPhone10,1': 'D20AP',
  'iPhone11,8': 'N841AP',
  'iPhone12,1': 'N104AP',
  'iPhone13,2': 'D53gAP',
  'iPhone14,5': 'D17AP',
  'iPhone15,2': 'D73AP',
  'iPhone15,4': 'D37AP',
  'iPhone17,3': 'D47AP',
  'iPhone18,3': 'V57AP',
};

const gigabyte = 1_000_000_000;

/** What lockdownd of such a device says, by domain and key. FORMAT facts: docs/format/lockdown.md. */
export function usualValues(device: Device, random: SeededRandom): Record<string, Values> {
  return {
    '': identity(device, random),
    'com.apple.mobile.backup': { WillEncrypt: false, RequiresEncryption: 0, Version: '2.0', CloudBackupEnabled: false },
    'com.apple.iTunes': { DBVersion: '5' },
    'com.apple.mobile.iTunes': {
      MinITunesVersion: '12.12',
      FairPlayDeviceType: 173,
      KeyTypeSupportVersion: 492,
      SupportsAntiPhishing: true,
    },
    'com.apple.disk_usage': {
      TotalDiskCapacity: 128 * gigabyte,
      TotalSystemCapacity: 12 * gigabyte,
      TotalSystemAvailable: 0,
      TotalDataCapacity: 116 * gigabyte,
      TotalDataAvailable: 70 * gigabyte,
      AmountDataReserved: 200_000_000,
      AmountDataAvailable: 69_800_000_000,
      PhotoUsage: 4 * gigabyte,
      CameraUsage: 3 * gigabyte,
      MobileApplicationUsage: 20 * gigabyte,
    },
    'com.apple.disk_usage.factory': { TotalDiskCapacity: 128 * gigabyte, TotalSystemCapacity: 12 * gigabyte },
    'com.apple.mobile.battery': {
      BatteryCurrentCapacity: 87,
      BatteryIsCharging: true,
      ExternalChargeCapable: true,
      ExternalConnected: true,
      FullyCharged: false,
      HasBattery: true,
    },
    'com.apple.mobile.wireless_lockdown': {
      EnableWifiConnections: false,
      EnableWifiDebugging: false,
      SupportsWifi: true,
      SupportsWifiSyncing: true,
    },
    'com.apple.fmip': { IsAssociated: false },
    'com.apple.international': {
      Language: 'en',
      Locale: 'en_US',
      Keyboard: 'en_US',
      SupportedLanguages: ['en', 'de', 'fr', 'ja'],
    },
    'com.apple.purplebuddy': { SetupState: 'SetupUsingAssistant', SetupDone: true, SetupFinishedAllSteps: true },
    'com.apple.PurpleBuddy': { SetupState: 'SetupUsingAssistant', SetupDone: true, SetupFinishedAllSteps: true },
    'com.apple.mobile.chaperone': { DeviceIsChaperoned: false },
    'com.apple.mobile.restriction': { ProhibitAppInstall: false, ProhibitAppRemove: false },
    'com.apple.mobile.user_preferences': { DiagnosticsAllowed: false },
    'com.apple.security.mac.amfi': { DeveloperModeStatus: false },
  };
}

function identity(device: Device, random: SeededRandom): Values {
  const [chip, serial] = device.udid.includes('-') ? device.udid.split('-') : [];
  const wifi = macAddress(random);
  return {
    ActivationState: 'Activated',
    ActivationStateAcknowledged: true,
    BasebandStatus: 'BBInfoAvailable',
    BluetoothAddress: macAddress(random),
    BuildVersion: device.buildVersion,
    CPUArchitecture: chip === undefined ? 'arm64' : 'arm64e',
    ChipID: chip === undefined ? 0x8000 : Number.parseInt(chip, 16),
    DeviceClass: /^[A-Za-z]+/.exec(device.productType)?.[0] ?? 'iPhone',
    DeviceColor: '1',
    DeviceName: device.name,
    EthernetAddress: macAddress(random),
    HardwareModel: boards[device.productType] ?? 'D00AP',
    HostAttached: true,
    IntegratedCircuitCardIdentity: device.iccid,
    InternationalMobileEquipmentIdentity: device.imei,
    ...(device.imei2 !== undefined && { InternationalMobileEquipmentIdentity2: device.imei2 }),
    MobileEquipmentIdentifier: device.meid,
    ModelNumber: `M${random.hex(4).toUpperCase()}`,
    PhoneNumber: device.phoneNumber,
    ProductName: 'iPhone OS',
    ProductType: device.productType,
    ProductVersion: device.productVersion,
    ProductionSOC: true,
    ProtocolVersion: '2',
    RegionInfo: 'LL/A',
    SIMStatus: 'kCTSIMSupportSIMStatusReady',
    SerialNumber: device.serialNumber,
    TelephonyCapability: true,
    TimeZone: 'Europe/Berlin',
    TimeZoneOffsetFromUTC: new PlistReal(3600),
    TrustedHostAttached: true,
    UniqueChipID: serial === undefined ? Number.parseInt(random.hex(12), 16) : BigInt(`0x${serial}`) & (2n ** 63n - 1n),
    UniqueDeviceID: device.udid,
    Uses24HourClock: true,
    WiFiAddress: wifi,
    iTunesHasConnected: true,
  };
}

/** A locally administered address, which no maker gives out. */
function macAddress(random: SeededRandom): string {
  return ['02', ...Array.from({ length: 5 }, () => random.hex(2))].join(':');
}

import type { IosProfile } from './profiles.js';
import type { SeededRandom } from './seeded-random.js';
import type { DeviceSpec } from './backup-spec.js';

/** A device with all its numbers. */
export interface Device {
  readonly udid: string;
  readonly name: string;
  readonly productType: string;
  readonly productName: string;
  readonly productVersion: string;
  readonly buildVersion: string;
  readonly serialNumber: string;
  readonly phoneNumber: string;
  readonly imei: string;
  readonly imei2: string | undefined;
  readonly meid: string;
  readonly iccid: string;
}

/** The check digit that makes a number pass the Luhn formula, as IMEIs and ICCIDs do. */
function luhnDigit(digits: string): string {
  let sum = 0;
  for (const [index, digit] of digits.split('').toReversed().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return String((10 - (sum % 10)) % 10);
}

/** An IMEI of the range of test devices (reporting body 00). */
function testImei(random: SeededRandom): string {
  const digits = `001010${random.digits(8)}`;
  return digits + luhnDigit(digits);
}

/** The device that `spec` describes; what it leaves out is invented, phone numbers from the range reserved for fiction. */
export function resolveDevice(spec: DeviceSpec, ios: string, profile: IosProfile, random: SeededRandom): Device {
  const { udidPrefix } = profile;
  const iccid = `8901260${random.digits(11)}`;
  const invented = {
    udid: udidPrefix === undefined ? random.hex(40) : `${udidPrefix}-${random.hex(16).toUpperCase()}`,
    serialNumber: `F${random.hex(9).toUpperCase()}`,
    phoneNumber: `+1 (202) 555-01${random.digits(2)}`,
    imei: testImei(random),
    imei2: testImei(random),
    meid: random.digits(14),
    iccid: iccid + luhnDigit(iccid),
  };
  return {
    udid: spec.udid ?? invented.udid,
    name: spec.name ?? `Sample ${profile.productName}`,
    productType: spec.productType ?? profile.productType,
    productName: spec.productName ?? profile.productName,
    productVersion: spec.productVersion ?? ios,
    buildVersion: spec.buildVersion ?? profile.buildVersion,
    serialNumber: spec.serialNumber ?? invented.serialNumber,
    phoneNumber: spec.phoneNumber ?? invented.phoneNumber,
    imei: spec.imei ?? invented.imei,
    // Devices with two SIMs came with iOS 12, as did the UDIDs with a prefix.
    imei2: spec.imei2 ?? (udidPrefix === undefined ? undefined : invented.imei2),
    meid: spec.meid ?? invented.meid,
    iccid: spec.iccid ?? invented.iccid,
  };
}

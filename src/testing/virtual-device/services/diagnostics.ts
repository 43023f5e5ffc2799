import { asArray, asBoolean, asDict, asString } from '../../../plist/guards.js';
import type { PlistDict, PlistInput } from '../../../plist/types.js';
import type { VirtualDevice, VirtualService } from '../types.js';

/** What a request is answered with, and what the device does once the answer is out. */
interface Outcome {
  readonly reply: PlistInput;
  readonly after?: () => Promise<void>;
  readonly isLast?: boolean;
}

/** FORMAT facts: docs/format/lockdown.md, "diagnostics_relay". */
export const diagnostics: VirtualService = {
  whileLocked: true,
  handler: async (connection, { device, afterwards }) => {
    for (;;) {
      const message = await connection.receive();
      if (message === undefined) return;
      const request = asDict(message) ?? new Map();
      const { reply, after, isLast } = answer(device, request);
      await connection.send(reply);
      if (after !== undefined) {
        // The host may want to say goodbye first.
        if (asBoolean(request.get('WaitForDisconnect')) === true) await connection.receive().catch(() => undefined);
        afterwards(after);
        return;
      }
      if (isLast === true) return;
    }
  },
};

function answer(device: VirtualDevice, request: PlistDict): Outcome {
  switch (asString(request.get('Request'))) {
    case 'MobileGestalt':
      return { reply: success({ MobileGestalt: gestalt(device, request) }) };
    case 'IORegistry':
      return { reply: success({ IORegistry: ioRegistry(device) }) };
    case 'All':
    case 'GasGauge':
      return { reply: success({ GasGauge: gasGauge(device) }) };
    case 'WiFi':
      return { reply: success({ WiFi: { Active: true, Status: 'Success' } }) };
    case 'NAND':
      return { reply: success({ NAND: { Status: 'Success' } }) };
    case 'Sleep':
      return { reply: { Status: 'Success' } };
    case 'Restart':
      return { reply: { Status: 'Success' }, after: async () => await device.restart() };
    case 'Shutdown':
      return { reply: { Status: 'Success' }, after: async () => await device.detach() };
    case 'Goodbye':
      return { reply: { Status: 'Success' }, isLast: true };
    default:
      return { reply: { Status: 'UnknownRequest' } };
  }
}

function success(diagnostics: PlistInput): PlistInput {
  return { Status: 'Success', Diagnostics: diagnostics };
}

function gestalt(device: VirtualDevice, request: PlistDict): PlistInput {
  const answers = new Map<string, PlistInput>([['Status', 'Success']]);
  for (const element of asArray(request.get('MobileGestaltKeys')) ?? []) {
    const key = asString(element);
    if (key === undefined) continue;
    const value = key === 'PasswordConfigured' ? device.hasPasscode : device.values.get('', key);
    if (value !== undefined) answers.set(key, value);
  }
  return answers;
}

function gasGauge(device: VirtualDevice): PlistInput {
  const charge = device.values.get('com.apple.mobile.battery', 'BatteryCurrentCapacity') ?? 0;
  return { CycleCount: 120, DesignCapacity: 3349, FullChargeCapacity: 3200, StateOfCharge: charge, Status: 'Success' };
}

function ioRegistry(device: VirtualDevice): PlistInput {
  return {
    IORegistryEntryID: 0x1_0000_0100,
    IORegistryEntryName: 'Root',
    IOPlatformSerialNumber: device.values.get('', 'SerialNumber') ?? '',
    model: device.values.get('', 'ProductType') ?? '',
  };
}

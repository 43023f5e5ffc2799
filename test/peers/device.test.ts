import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Device, pairDevice, unpairDevice, usbmuxTransport, validatePair } from '../../src/entry/device.js';
import { createVirtualDevice } from '../../src/entry/testing.js';
import { describeWithPeers } from '../support/peers.js';

const run = promisify(execFile);

/** What a tool prints, with the virtual usbmuxd in place of the system's. */
async function tool(address: string, name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(name, args, { env: { ...process.env, USBMUXD_SOCKET_ADDRESS: address } });
  return stdout;
}

describeWithPeers('Pair records', ['idevicepair', 'ideviceinfo', 'idevicename'], () => {
  test('that we make are used by libimobiledevice', async () => {
    await using phone = await createVirtualDevice();
    await pairDevice(undefined, { transport: usbmuxTransport(phone) });
    expect(await tool(phone.address, 'idevicepair', 'validate')).toContain('SUCCESS');
    expect(await tool(phone.address, 'ideviceinfo', '-k', 'SerialNumber')).toContain(
      phone.values.get('', 'SerialNumber'),
    );
    expect(await tool(phone.address, 'idevicepair', 'unpair')).toContain('SUCCESS');
    expect(await validatePair(undefined, { transport: usbmuxTransport(phone) })).toBe(false);
  });

  test('that libimobiledevice makes are used by us, with their SHA-1 certificates', async () => {
    await using phone = await createVirtualDevice();
    const transport = usbmuxTransport(phone);
    expect(await tool(phone.address, 'idevicepair', 'pair')).toContain('SUCCESS');
    await using device = await Device.connect(undefined, { transport });
    await device.setValue('DeviceName', 'Named by us');
    expect(await tool(phone.address, 'idevicename')).toContain('Named by us');
    await using afc = await device.openAfc();
    expect(await afc.readdir('/')).toEqual([]);
    await unpairDevice(undefined, { transport });
    expect(phone.trustedHosts).toEqual([]);
    expect(phone.mux.pairRecords.size).toBe(0);
  });
});

import { describe, expect, test } from 'vitest';
import { createVirtualDevice, type VirtualDevice } from '../../../src/entry/testing.js';
import { AfcClient } from './afc-client.js';
import { deviceIds, Host, lockdown } from './host.js';

const lockdownName = 'com.apple.mobile.lockdown';

async function withHost(run: (device: VirtualDevice, host: Host) => Promise<void>): Promise<void> {
  await using device = await createVirtualDevice({ media: { f: 'x'.repeat(10_000) } });
  await run(device, await Host.paired(device));
}

describe('The fault script', () => {
  test('refuses services by name, so many times', async () => {
    await withHost(async (device, host) => {
      device.faults.refuseService('com.apple.afc', 'PasswordProtected', { times: 1 });
      expect(await host.start('com.apple.afc')).toMatchObject({ Error: 'PasswordProtected' });
      expect(await host.start('com.apple.afc')).toHaveProperty('Port');
      device.faults.refuseService('com.apple.afc', 'ServiceProhibited');
      for (let i = 0; i < 3; i += 1)
        expect(await host.start('com.apple.afc')).toMatchObject({ Error: 'ServiceProhibited' });
    });
  });

  test.each([1, 2, 3, 4])(
    'pulls the cable after message %d of lockdownd, received and sent ones counted',
    async (n) => {
      await withHost(async (device) => {
        const connection = await lockdown(device.address);
        device.faults.pullCableAfter({ service: lockdownName, messages: n });
        let replies = 0;
        try {
          for (;;) {
            await connection.request({ Request: 'QueryType' });
            replies += 1;
          }
        } catch {
          // The cable is out.
        }
        expect(replies).toBe(Math.floor(n / 2));
        expect(device.attached).toBe(false);
        expect(await deviceIds(device.address)).toEqual([]);
        await device.attach();
        expect(await deviceIds(device.address)).toEqual([2]);
        const again = await lockdown(device.address);
        expect(await again.request({ Request: 'QueryType' })).toHaveProperty('Type');
        again.close();
      });
    },
  );

  test('pulls the cable within one service and not in others', async () => {
    await withHost(async (device, host) => {
      device.faults.pullCableAfter({ service: 'com.apple.afc', messages: 3 });
      const afc = new AfcClient(await host.service('com.apple.afc'));
      expect(await afc.names('/')).toContain('f');
      await expect(afc.names('/')).rejects.toBeInstanceOf(Error);
      expect(device.attached).toBe(false);
    });
  });

  test.each([1, 100, 1000])('pulls the cable after byte %d', async (bytes) => {
    await withHost(async (device) => {
      device.faults.pullCableAfter({ bytes });
      const connection = await lockdown(device.address);
      let received = 0;
      const read = (async () => {
        for (
          let part = await connection.channel.readSome(1000);
          part !== undefined;
          part = await connection.channel.readSome(1000)
        )
          received += part.length;
      })();
      const request = Buffer.from('<plist><dict><key>Request</key><string>QueryType</string></dict></plist>');
      await connection.channel.write(Buffer.concat([Buffer.of(0, 0, 0, request.length), request]));
      if (bytes < 1000) {
        await read;
        expect(received).toBe(Math.max(0, bytes - request.length - 4));
        expect(device.attached).toBe(false);
      } else {
        await expect.poll(() => received).toBeGreaterThan(100);
        expect(device.attached).toBe(true);
        connection.close();
        await read;
      }
    });
  });

  test('pulls the cable within TLS too', async () => {
    await withHost(async (device, host) => {
      device.faults.pullCableAfter({ service: 'com.apple.afc', bytes: 8000 });
      const afc = new AfcClient(await host.service('com.apple.afc'));
      const handle = await afc.ask(0x0d, 1, 'f');
      await expect(afc.ask(0x0f, handle, 10_000)).rejects.toBeInstanceOf(Error);
      expect(device.attached).toBe(false);
    });
  });

  test('falls silent until it resumes', async () => {
    await withHost(async (device) => {
      const connection = await lockdown(device.address);
      device.faults.goSilent({ service: lockdownName, afterMessages: 2 });
      expect(await connection.request({ Request: 'QueryType' })).toHaveProperty('Type');
      let isAnswered = false;
      const reply = connection.request({ Request: 'QueryType' }).then((value) => {
        isAnswered = true;
        return value;
      });
      // Others are still heard.
      await deviceIds(device.address);
      expect(isAnswered).toBe(false);
      device.faults.resume();
      expect(await reply).toHaveProperty('Type');
      connection.close();
    });
  });

  test('silence does not hold up who closes the device', async () => {
    const device = await createVirtualDevice();
    device.faults.goSilent();
    const connection = await lockdown(device.address);
    const reply = connection.receive();
    await connection.send({ Request: 'QueryType' });
    await device.close();
    await expect(reply).resolves.toBeUndefined();
  });

  test.each(['oversized', 'garbage', 'truncated', 'empty'] as const)('damages one reply: %s', async (damage) => {
    await withHost(async (device) => {
      const connection = await lockdown(device.address);
      device.faults.damageReply({ service: lockdownName, damage, message: 2 });
      expect(await connection.request({ Request: 'QueryType' })).toHaveProperty('Type');
      const code = { oversized: 'PROTOCOL_LIMIT_EXCEEDED', truncated: 'DEVICE_DISCONNECTED' } as const;
      await expect(connection.request({ Request: 'QueryType' })).rejects.toMatchObject({
        code: damage in code ? code[damage as keyof typeof code] : 'PROTOCOL_MALFORMED',
      });
      connection.close();
    });
  });

  test('damages a reply into given bytes, and ends with clear()', async () => {
    await withHost(async (device) => {
      const connection = await lockdown(device.address);
      device.faults.damageReply({ damage: Buffer.from('0000000141', 'hex') });
      await connection.send({ Request: 'QueryType' });
      expect(await connection.channel.readExactly(5)).toEqual(Uint8Array.of(0, 0, 0, 1, 0x41));
      device.faults.goSilent();
      device.faults.pullCableAfter({ messages: 1 });
      device.faults.delayReplies({ ms: 60_000 });
      device.faults.clear();
      expect(await connection.request({ Request: 'QueryType' })).toHaveProperty('Type');
      connection.close();
    });
  });

  test('delays replies and throttles bytes', async () => {
    await withHost(async (device) => {
      device.faults.delayReplies({ service: lockdownName, ms: 30 });
      device.faults.throttle({ service: lockdownName, bytesPerSecond: 20_000 });
      const connection = await lockdown(device.address);
      const start = performance.now();
      const { Value } = await connection.request({ Request: 'GetValue' });
      expect(Value).toHaveProperty('DeviceName');
      expect(performance.now() - start).toBeGreaterThan(100);
      connection.close();
    });
  });

  test('refuses counts that make no sense', async () => {
    await withHost(async ({ faults }) => {
      expect(() => faults.pullCableAfter({ messages: 0 })).toThrow(RangeError);
      expect(() => faults.pullCableAfter({ bytes: 1.5 })).toThrow(RangeError);
      expect(() => faults.pullCableAfter({})).toThrow(TypeError);
      expect(() => faults.throttle({ bytesPerSecond: -1 })).toThrow(RangeError);
      await Promise.resolve();
    });
  });
});

import { expect, test } from 'vitest';
import { createVirtualDevice } from '../../../src/entry/testing.js';
import { deviceIds, knock } from './host.js';

test('ten thousand connections, one after the other, leave nothing behind in a virtual device', async () => {
  await using device = await createVirtualDevice();
  await knock(device.address, 1000);
  const before = process.memoryUsage().rss;
  await knock(device.address, 10_000);
  const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  await expect.poll(open).toBeLessThanOrEqual(1);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  expect(await deviceIds(device.address)).toEqual([1]);
});

// What every task of ours begins with: the store of the location, opened with the password where the backup has one.
import { SnapshotStore } from '../../../dist/snapshot.js';

const [location, udid, ...rest] = process.argv.slice(2);
const password = process.env.BENCH_PASSWORD;

/** Further arguments. */
export const args = rest;
export const store = await SnapshotStore.open(location, {
  create: true,
  ...(password !== undefined && { password }),
});
export const device = store.device(udid);

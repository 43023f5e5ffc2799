// Makes a version of the live backup as it is.
import { device, store } from './store.mjs';

await device.capture();
await store.close();

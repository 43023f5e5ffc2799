// Prints the identities of all versions, newest first.
import { device, store } from './store.mjs';

const versions = await device.list();
await store.close();
console.log(JSON.stringify(versions.map(({ id }) => id)));

// Deletes versions for good and gives their space back.
import { args, device, store } from './store.mjs';

await device.delete(args, { permanently: true });
await store.purge();
await store.close();

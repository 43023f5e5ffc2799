// What the store does in the background: differences and packs, to the end.
import { store } from './store.mjs';

await store.compact();
await store.close();

import { SnapshotStore } from '../../src/workflows/snapshot-store.js';
import { allVersions, bytesOf } from './crash-support.js';
import { udid } from './support.js';

/* A whole life with as many open files as `ulimit -n` allows. */
const [location = ''] = process.argv.slice(2);
await using store = await SnapshotStore.open(location, { create: true });
for (let round = 0; round < 4; round += 1) {
  await using sink = await store.begin(udid);
  const writes = Array.from({ length: 100 }, async (_, file) => {
    if (round === 0 || file % 4 === round) await sink.write(`${udid}/f/${file}`, bytesOf(`${round} of ${file}`));
  });
  await Promise.all(writes);
  await sink.commit();
}
const [newest, , , oldest] = await store.device(udid).list();
await store.device(udid).rollback(oldest?.id ?? '');
{
  await using edit = await store.device(udid).edit(newest?.id ?? '', { allowCopy: true });
  await edit.write(`${udid}/f/1`, bytesOf('edited'));
  await edit.commit();
}
process.stdout.write(`${(await allVersions(store)).size} versions\n`);

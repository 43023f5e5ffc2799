import { utf8Encode } from '../../src/core/bytes.js';
import { SnapshotStore } from '../../src/workflows/snapshot-store.js';

/* A program that makes one version after another until it is killed. Tells when it begins and when it has committed. */
const [location = '', udid = '', isolation = ''] = process.argv.slice(2);
const store = await SnapshotStore.open(location, {
  create: true,
  ...(isolation !== '' && { isolation: isolation as 'link' | 'move' | 'copy' }),
});

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield utf8Encode(text);
}

for (let round = (await store.device(udid).list()).length; ; round += 1) {
  process.stdout.write(`begin ${round}\n`);
  const sink = await store.begin(udid);
  for (let file = 0; file < 40; file += 1) {
    // A part changes with each round, a part comes and goes.
    const at = `${udid}/${file % 5}/${file}`;
    if (file % 3 === round % 3) await sink.write(at, once(`${round} of ${file} ${'x'.repeat(file * 40)}`));
    else if (file % 7 === round % 7) await sink.remove(at);
  }
  await sink.write(`${udid}/round`, once(String(round)));
  await sink.commit();
  await sink.close();
  process.stdout.write(`done ${round}\n`);
}

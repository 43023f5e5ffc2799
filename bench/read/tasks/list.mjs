// Ours: opens the encrypted manifest and lists every row with its size.
import { Backup } from '../../../dist/index.js';
import { report, timed } from './measure.mjs';

const [path] = process.argv.slice(2);
const [milliseconds, result] = await timed(async () => {
  const backup = await Backup.open(path, { key: Buffer.from(process.env.BENCH_KEY, 'hex') });
  let rows = 0;
  let bytes = 0;
  for await (const file of backup.files.list()) {
    rows += 1;
    bytes += file.size;
  }
  await backup.close();
  return { rows, bytes };
});
report(milliseconds, result);

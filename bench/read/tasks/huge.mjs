// A manifest of 1.2 GB: opened, single files found, everything listed.
import { Backup } from '../../../dist/index.js';
import { report, timed } from './measure.mjs';

const [path, domain, ...paths] = process.argv.slice(2);
const [opening, backup] = await timed(() => Backup.open(path, { key: Buffer.from(process.env.BENCH_KEY, 'hex') }));
const [finding, found] = await timed(async () => {
  let n = 0;
  for (const relativePath of paths) if ((await backup.files.get({ domain, relativePath })) !== undefined) n += 1;
  return n;
});
const [listing, rows] = await timed(async () => {
  let n = 0;
  for await (const file of backup.files.list()) if (file.size >= 0) n += 1;
  return n;
});
await backup.close();
report(opening + finding + listing, { opening, finding, listing, found, rows });

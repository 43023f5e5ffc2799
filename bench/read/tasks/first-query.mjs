// From a derived key to the answer of the first query, in a fresh process with the library loaded.
import { Backup } from '../../../dist/index.js';
import { report, timed } from './measure.mjs';

const [path, domain, relativePath] = process.argv.slice(2);
const [milliseconds, found] = await timed(async () => {
  const backup = await Backup.open(path, { key: Buffer.from(process.env.BENCH_KEY, 'hex') });
  const file = await backup.files.get({ domain, relativePath });
  await backup.close();
  return file !== undefined;
});
report(milliseconds, { found });

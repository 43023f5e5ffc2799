// Ours: extracts everything of a backup that is open.
import { Backup } from '../../../dist/index.js';
import { report, timed } from './measure.mjs';

const [path, target] = process.argv.slice(2);
const backup = await Backup.open(path, { key: Buffer.from(process.env.BENCH_KEY, 'hex') });
const [milliseconds, result] = await timed(() => backup.extract(target));
await backup.close();
report(milliseconds, { files: result.files, bytes: result.bytes });

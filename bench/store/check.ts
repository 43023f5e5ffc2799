// tsx bench/store/check.ts FOLDER: opens a generated backup with the package and compares every file with what the phone knows.
import { createHash } from 'node:crypto';
import { Backup } from '../../src/entry/index.js';
import { Device, password } from './device.js';

async function sha256(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Usage: check.ts FOLDER');
const device = await Device.load(folder);
const backup = await Backup.open(device.backup, { password });
const unseen = new Set<string>();
for await (const file of backup.files.list())
  if (file.kind === 'file') unseen.add(`${file.domain}-${file.relativePath}`);
const listed = unseen.size;
let bytes = 0;
for (const { domain, relativePath, content } of device.expected()) {
  const name = `${domain}-${relativePath}`;
  const file = await backup.files.get({ domain, relativePath });
  if (file === undefined || !unseen.delete(name)) throw new Error(`${name} is not listed`);
  if ((await sha256(file.stream())) !== (await sha256(content()))) throw new Error(`${name} has other content`);
  bytes += file.size;
}
if (unseen.size > 0) throw new Error(`${[...unseen].join(', ')} should not be there`);
await backup.close();
console.log(`${listed} files, ${bytes} bytes, as the phone knows them after day ${device.day}`);

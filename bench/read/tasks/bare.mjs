// The physical limit beside ours: bare Node reads, decrypts and writes the same bytes to the same names, knowing all keys and
// names beforehand. `sync` is one plain loop, `async` keeps eight files in flight; the faster of the two is the limit.
import { createDecipheriv } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { report, timed } from './measure.mjs';

const [list, backup, target, mode] = process.argv.slice(2);
const files = readFileSync(list, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
for (const { key } of files) if (key.length !== 64) throw new Error('Bad key');
const iv = Buffer.alloc(16);
const decrypt = (bytes, key) => {
  const decipher = createDecipheriv('aes-256-cbc', Buffer.from(key, 'hex'), iv);
  const head = decipher.update(bytes);
  const tail = decipher.final();
  return tail.length === 0 ? head : Buffer.concat([head, tail]);
};
let bytes = 0;

const [milliseconds] = await timed(async () => {
  const made = new Set();
  const prepare = (path) => {
    const folder = dirname(path);
    if (made.has(folder)) return;
    mkdirSync(folder, { recursive: true });
    made.add(folder);
  };
  if (mode === 'sync') {
    for (const { blob, key, name } of files) {
      const out = join(target, name);
      prepare(out);
      const plain = decrypt(readFileSync(join(backup, blob)), key);
      writeFileSync(out, plain);
      bytes += plain.length;
    }
    return;
  }
  let next = 0;
  const worker = async () => {
    while (next < files.length) {
      const { blob, key, name } = files[next++];
      const out = join(target, name);
      prepare(out);
      const plain = decrypt(await readFile(join(backup, blob)), key);
      await writeFile(out, plain);
      bytes += plain.length;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
});
report(milliseconds, { files: files.length, bytes });

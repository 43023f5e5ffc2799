// SHA-256 over names, times and contents of all files below a folder. As a program: digest.mjs FOLDER prints it.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const buffer = Buffer.alloc(1024 * 1024);

function contentOf(path) {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  for (let read; (read = readSync(file, buffer)) > 0;) hash.update(buffer.subarray(0, read));
  closeSync(file);
  return hash.digest('hex');
}

export function digestOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const path of files) {
    const name = relative(folder, path).replaceAll(sep, '/');
    hash.update(`${name} ${Math.round(statSync(path).mtimeMs)} ${contentOf(path)}\n`);
  }
  return hash.digest('hex');
}

if (process.argv[1] === import.meta.filename) console.log(digestOf(process.argv[2]));

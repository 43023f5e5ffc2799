// npm run bench:read [-- --quick] [-- --dir FOLDER]: reading, as ratios against bare Node and python3 in the same run.
import { execFileSync } from 'node:child_process';
import { cpus, tmpdir } from 'node:os';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decryptManifest, domain, generate, withManifest, type BenchBackup } from './generate.js';
import { manifestRows } from './manifest-rows.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    runs: { type: 'string', default: '3' },
  },
});
const scale = values.quick ? 0.1 : 1;
const runs = Number(values.runs);
const tasks = join(import.meta.dirname, 'tasks');

interface Measurement {
  milliseconds: number;
  /** Of all threads, while the time was taken: says more than the time where other work keeps the machine busy. */
  cpuMilliseconds: number;
  peakMiB: number;
  [name: string]: number | boolean;
}

function task(name: string, args: string[], key?: string): Measurement {
  const program = name.endsWith('.py') ? 'python3' : process.execPath;
  const output = execFileSync(program, [join(tasks, name), ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...(key !== undefined && { BENCH_KEY: key }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output) as Measurement;
}

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const time = (all: Measurement[]): number => median(all.map((one) => one.milliseconds));
const cpu = (all: Measurement[]): number => median(all.map((one) => one.cpuMilliseconds));
const memory = (all: Measurement[]): number => Math.max(...all.map((one) => one.peakMiB));
const timeAndCpu = (all: Measurement[]): string => `${time(all).toFixed(0)} ms, CPU ${cpu(all).toFixed(0)} ms`;

const rows: string[][] = [];
function result(what: string, measured: string, target: string, met: boolean): void {
  rows.push([what, measured, target, met ? 'met' : 'MISSED']);
  console.log(`${what}: ${measured} (target ${target}) ${met ? '' : 'MISSED'}`);
}

/** Every file's blob, key and name, which bare Node may know beforehand. */
async function writeList(backup: BenchBackup, list: string): Promise<void> {
  const lines: string[] = [];
  for await (const row of manifestRows(backup)) lines.push(JSON.stringify(row));
  await writeFile(list, `${lines.join('\n')}\n`);
}

async function extraction(work: string, backup: BenchBackup, what: string, target: number): Promise<void> {
  const list = join(work, 'list.jsonl');
  await writeList(backup, list);
  const ours: Measurement[] = [];
  const bare = { sync: [] as Measurement[], async: [] as Measurement[] };
  // Every run has a folder of its own, and nothing is removed in between: removing many files slows down those that are
  // made next.
  const outputs = await mkdtemp(join(work, 'out-'));
  const turns = ['sync', 'async', 'ours'] as const;
  for (let run = 0; run < runs; run += 1) {
    // Another one begins each time: the system still writes out what the ones before have left in its cache.
    for (let turn = 0; turn < turns.length; turn += 1) {
      const who = turns[(run + turn) % turns.length] ?? 'ours';
      const target = join(outputs, `${who}-${run}`);
      if (who === 'ours') ours.push(task('extract.mjs', [backup.path, target], backup.key));
      else bare[who].push(task('bare.mjs', [list, backup.path, target, who]));
    }
  }
  await rm(outputs, { recursive: true, force: true });
  const faster = time(bare.sync) <= time(bare.async) ? bare.sync : bare.async;
  const ratio = time(ours) / time(faster);
  const written = new Set([...ours, ...bare.sync].map((one) => one['bytes']));
  if (written.size !== 1) throw new Error(`Different numbers of bytes were written: ${[...written].join(', ')}`);
  result(
    `Extracting ${what}`,
    `${ratio.toFixed(2)}x (${timeAndCpu(ours)}; bare Node ${timeAndCpu(faster)}), peak ${memory(ours).toFixed(0)} MiB`,
    `<= ${target}x`,
    ratio <= target,
  );
}

const work = await mkdtemp(join(values.dir, 'ios-backup-kit-bench-'));
try {
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, median of ${runs} alternating runs`,
  );
  const big = await generate(join(work, 'big'), 2000 * scale, 256 * 1024);
  await extraction(work, big, `${2000 * scale} files, ${500 * scale} MiB`, 1.25);
  await rm(big.path, { recursive: true });

  const small = await generate(join(work, 'small'), 100_000 * scale, 1500);
  await extraction(work, small, `${100_000 * scale} small files`, 1.6);

  const plain = join(work, 'plain.db');
  await decryptManifest(small, plain);
  const ours: Measurement[] = [];
  const python: Measurement[] = [];
  const first: Measurement[] = [];
  for (let run = 0; run < runs; run += 1) {
    python.push(task('list.py', [plain]));
    ours.push(task('list.mjs', [small.path], small.key));
    first.push(task('first-query.mjs', [small.path, domain, 'Documents/set00/00001/IMG_0000123.dat'], small.key));
  }
  if (ours[0]?.['rows'] !== python[0]?.['rows'] || ours[0]?.['bytes'] !== python[0]?.['bytes'])
    throw new Error('The lists differ');
  const faster = time(python) / time(ours);
  result(
    `Listing ${ours[0]?.['rows']} rows of an encrypted manifest, against python3 on the plain one`,
    `${faster.toFixed(1)}x faster (${timeAndCpu(ours)}; python3 ${timeAndCpu(python)}), peak ${memory(ours).toFixed(0)} MiB`,
    '>= 5x',
    faster >= 5,
  );
  if (first.some((one) => one['found'] !== true)) throw new Error('The first query found nothing');
  result('Opening with a key and answering the first query', timeAndCpu(first), '<= 100 ms', time(first) <= 100);

  execFileSync('python3', [join(import.meta.dirname, 'enlarge.py'), plain, values.quick ? '2' : '9'], {
    stdio: 'inherit',
  });
  const { size } = await stat(plain);
  const huge = await withManifest(small, plain, join(work, 'huge'));
  await rm(plain);
  const paths = ['set00/00000/IMG_0000000', 'set01/00050/IMG_0005000', 'set01/00099/IMG_0009999'].map(
    (name) => `Documents/${name}.dat`,
  );
  const measured = task('huge.mjs', [huge.path, domain, ...paths], huge.key);
  if (measured['found'] !== paths.length) throw new Error('Single files were not found');
  result(
    `Encrypted Manifest.db of ${(size / 1e9).toFixed(2)} GB, ${measured['rows']} rows: open, find ${paths.length} files, list all`,
    `peak ${measured.peakMiB.toFixed(0)} MiB; open ${Number(measured['opening']).toFixed(0)} ms, find ${Number(measured['finding']).toFixed(0)} ms, list ${Number(measured['listing']).toFixed(0)} ms`,
    '<= 150 MiB',
    measured.peakMiB <= 150,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}

const table = [['What', 'Measured', 'Target', ''], ['---', '---', '---', '---'], ...rows];
console.log(`\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
process.exitCode = rows.some((row) => row[3] !== 'met') ? 1 : 0;

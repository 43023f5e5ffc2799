// npm run bench:transfer [-- --quick] [--dir FOLDER] [--runs N]: backups of one virtual device by this package and by
// idevicebackup2, in alternating runs, each with the same measurement of time, CPU and memory.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { contentsOf } from './verify.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    scale: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    runs: { type: 'string', default: '3' },
  },
});
const scale = Number(values.scale ?? (values.quick ? 0.05 : 1));
const runs = Number(values.runs);
const tasks = join(import.meta.dirname, 'tasks');

interface Measurement {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  /** CPU time of the virtual device meanwhile. */
  readonly deviceMilliseconds: number;
  readonly peakMiB: number;
  readonly status: number;
  readonly output: string;
}

interface Device {
  readonly address: string;
  readonly udid: string;
  /** CPU time that its process has taken so far, in milliseconds. */
  cpuMilliseconds(): Promise<number>;
  close(): Promise<void>;
}

/** A virtual device in a process of its own, paired. */
async function startDevice(files: number, bytes: number): Promise<Device> {
  const script = join(import.meta.dirname, 'device.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, String(files), String(bytes)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (child.stdout === null) throw new Error('The device has no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const device = JSON.parse(line) as { address: string; udid: string };
  execFileSync('idevicepair', ['pair'], { env: environment(device.address) });
  return {
    ...device,
    async cpuMilliseconds() {
      child.send('cpu');
      const [milliseconds] = (await once(child, 'message')) as [number];
      return milliseconds;
    },
    async close() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const environment = (address: string): NodeJS.ProcessEnv => ({ ...process.env, USBMUXD_SOCKET_ADDRESS: address });

async function measure(device: Device, command: string, args: readonly string[]): Promise<Measurement> {
  // What the run before has left to write would be at the expense of this one.
  execFileSync('sync');
  const before = await device.cpuMilliseconds();
  const output = execFileSync('python3', [join(tasks, 'measure.py'), command, ...args], {
    encoding: 'utf8',
    env: environment(device.address),
  });
  const measured = JSON.parse(output) as Omit<Measurement, 'deviceMilliseconds'>;
  if (measured.status !== 0) throw new Error(`${command} failed: ${measured.output}`);
  return { ...measured, deviceMilliseconds: (await device.cpuMilliseconds()) - before };
}

const backUp = join(tasks, 'back-up.mjs');
const programs = {
  idevicebackup2: (device: Device, folder: string) => measure(device, 'idevicebackup2', ['backup', folder]),
  ours: (device: Device, folder: string) => measure(device, process.execPath, [backUp, device.udid, folder, 'durable']),
  'ours, not durable': (device: Device, folder: string) =>
    measure(device, process.execPath, [backUp, device.udid, folder, 'fast']),
};
type Program = keyof typeof programs;
const names = Object.keys(programs) as Program[];

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const rows: string[][] = [];

/** Reports our time as a ratio of idevicebackup2's, which never waits for the disk: `durable` does more, and is judged too. */
function report(what: string, measured: Readonly<Record<Program, Measurement[]>>): void {
  const wall = (program: Program): number => median(measured[program].map((one) => one.milliseconds));
  const cpu = (program: Program): string => {
    const own = median(measured[program].map((one) => one.cpuMilliseconds));
    return `${own.toFixed(0)} + ${median(measured[program].map((one) => one.deviceMilliseconds)).toFixed(0)} ms`;
  };
  const theirs = 'idevicebackup2';
  for (const program of ['ours', 'ours, not durable'] as const) {
    const ratio = wall(program) / wall(theirs);
    const peak = Math.max(...measured[program].map((one) => one.peakMiB));
    rows.push([
      `${what}, ${program}`,
      `${ratio.toFixed(2)}x (${wall(program).toFixed(0)} ms; ${theirs} ${wall(theirs).toFixed(0)} ms)`,
      `${cpu(program)}; ${theirs} ${cpu(theirs)}`,
      `${peak.toFixed(0)} MiB`,
      '<= 1.0x, <= 143 MiB (150 MB)',
      ratio <= 1 && peak * 2 ** 20 <= 150e6 ? 'met' : 'MISSED',
    ]);
    console.log(rows.at(-1)?.join(' | '));
  }
}

/** The programs, each time in another order, so that none is always the one that comes after the same other one. */
const inTurn = (run: number): Program[] => [...names.slice(run % names.length), ...names.slice(0, run % names.length)];

async function transfer(work: string, what: string, files: number, bytes: number): Promise<void> {
  const device = await startDevice(files, bytes);
  const full: Record<Program, Measurement[]> = { idevicebackup2: [], ours: [], 'ours, not durable': [] };
  const unchanged: Record<Program, Measurement[]> = { idevicebackup2: [], ours: [], 'ours, not durable': [] };
  const found = new Set<string>();
  try {
    for (let run = 0; run < runs; run += 1) {
      for (const name of inTurn(run)) {
        // Nothing is removed before the end: ext4 passes over numbers of files that were removed in the last minutes,
        // which makes every new file slower.
        const folder = join(work, `${files}-${name}-${run}`);
        await mkdir(folder);
        full[name].push(await programs[name](device, folder));
        unchanged[name].push(await programs[name](device, folder));
        const { digest, ...contents } = await contentsOf(join(folder, device.udid), { withDigest: run === 0 });
        if (contents.payloads !== files || contents.bytes !== files * bytes)
          throw new Error(`${name} has made a backup of ${contents.payloads} files, ${contents.bytes} bytes`);
        if (digest !== undefined) found.add(digest);
      }
    }
  } finally {
    await device.close();
  }
  if (found.size !== 1) throw new Error('The backups are not the same');
  report(what, full);
  report(`${what}, again with nothing changed`, unchanged);
}

const work = await mkdtemp(join(values.dir, 'ios-backup-kit-transfer-'));
try {
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, median of ${runs} alternating runs`,
  );
  const [large, small] = [5000 * scale, 50_000 * scale];
  await transfer(
    work,
    `${large} files, ${((2 * 1024 * scale) / 1024).toFixed(1)} GiB`,
    large,
    Math.floor(2 ** 31 / 5000),
  );
  await transfer(work, `${small} small files`, small, 1500);
} finally {
  await rm(work, { recursive: true, force: true });
}
const head = ['What', 'Wall', 'CPU of the program + of the device', 'Peak', 'Target', ''];
const table = [head, head.map(() => '---'), ...rows];
console.log(`\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
process.exitCode = rows.some((row) => row.at(-1) !== 'met') ? 1 : 0;

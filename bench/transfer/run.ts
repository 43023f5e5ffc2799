// tsx bench/transfer/run.ts [--quick] [--dir FOLDER] [--runs N]: backups of one virtual device by this package and by
// idevicebackup2, in alternating runs, each with the same measurement of time, CPU and memory.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    runs: { type: 'string', default: '3' },
  },
});
const scale = values.quick ? 0.05 : 1;
const runs = Number(values.runs);
const tasks = join(import.meta.dirname, 'tasks');

interface Measurement {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  readonly peakMiB: number;
  readonly status: number;
  readonly output: string;
}

interface Device {
  readonly address: string;
  readonly udid: string;
  close(): Promise<void>;
}

/** A virtual device in a process of its own, paired. */
async function startDevice(files: number, bytes: number): Promise<Device> {
  const script = join(import.meta.dirname, 'device.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, String(files), String(bytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const device = JSON.parse(line) as { address: string; udid: string };
  execFileSync('idevicepair', ['pair'], { env: environment(device.address) });
  return {
    ...device,
    async close() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const environment = (address: string): NodeJS.ProcessEnv => ({ ...process.env, USBMUXD_SOCKET_ADDRESS: address });

function measure(device: Device, command: string, args: readonly string[]): Measurement {
  const output = execFileSync('python3', [join(tasks, 'measure.py'), command, ...args], {
    encoding: 'utf8',
    env: environment(device.address),
  });
  const measured = JSON.parse(output) as Measurement;
  if (measured.status !== 0) throw new Error(`${command} failed: ${measured.output}`);
  return measured;
}

const programs = {
  idevicebackup2: (device: Device, folder: string) => measure(device, 'idevicebackup2', ['backup', folder]),
  ours: (device: Device, folder: string) =>
    measure(device, process.execPath, [join(tasks, 'back-up.mjs'), device.udid, folder, 'fast']),
  'ours, durable': (device: Device, folder: string) =>
    measure(device, process.execPath, [join(tasks, 'back-up.mjs'), device.udid, folder, 'durable']),
};
type Program = keyof typeof programs;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const rows: string[][] = [];

/** Reports our time as a ratio of idevicebackup2's. Only the run without `durable` promises what idevicebackup2 does. */
function report(what: string, measured: Readonly<Record<Program, Measurement[]>>): void {
  const wall = (program: Program): number => median(measured[program].map((one) => one.milliseconds));
  for (const program of ['ours', 'ours, durable'] as const) {
    const ratio = wall(program) / wall('idevicebackup2');
    const peak = Math.max(...measured[program].map((one) => one.peakMiB));
    const cpu = (of: Program): string => `${median(measured[of].map((one) => one.cpuMilliseconds)).toFixed(0)} ms`;
    const isJudged = program === 'ours';
    const met = (!isJudged || ratio <= 1) && peak <= 150;
    rows.push([
      `${what}, ${program}`,
      `${ratio.toFixed(2)}x (${wall(program).toFixed(0)} ms; idevicebackup2 ${wall('idevicebackup2').toFixed(0)} ms)`,
      `${cpu(program)}; ${cpu('idevicebackup2')}`,
      `${peak.toFixed(0)} MiB`,
      isJudged ? '<= 1.0x, <= 150 MiB' : '<= 150 MiB',
      met ? 'met' : 'MISSED',
    ]);
    console.log(rows.at(-1)?.join(' | '));
  }
}

async function transfer(work: string, what: string, files: number, bytes: number): Promise<void> {
  const device = await startDevice(files, bytes);
  const names = Object.keys(programs) as Program[];
  const full: Record<Program, Measurement[]> = { idevicebackup2: [], ours: [], 'ours, durable': [] };
  const unchanged: Record<Program, Measurement[]> = { idevicebackup2: [], ours: [], 'ours, durable': [] };
  try {
    for (let run = 0; run < runs; run += 1) {
      for (const name of names) {
        const folder = join(work, name);
        await mkdir(folder);
        full[name].push(programs[name](device, folder));
        unchanged[name].push(programs[name](device, folder));
        await rm(folder, { recursive: true });
      }
    }
  } finally {
    await device.close();
  }
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
const table = [['What', 'Wall', 'CPU', 'Peak', 'Target', ''], ['---', '---', '---', '---', '---', '---'], ...rows];
console.log(`\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
process.exitCode = rows.some((row) => row.at(-1) !== 'met') ? 1 : 0;

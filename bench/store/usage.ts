import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one step has cost. */
export interface Usage {
  readonly seconds: number;
  /** User and system, of all threads and children: says more than the time where other work keeps the machine busy. */
  readonly cpu: number;
  readonly peakMiB: number;
}

/** How a command is run. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const maxBuffer = 1024 * 1024 * 1024;

/** Runs a command to its end; gives what it has printed. */
export function run(command: readonly string[], { cwd, env }: Surroundings): string {
  const [program = '', ...args] = command;
  return execFileSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Waits until nothing is left to be written, so that no step pays for the one before. */
export function settle(): void {
  execFileSync('sync');
}

/** Runs commands one after another, each in a fresh process, and gives the sum of what they cost. */
export function measure(commands: readonly (readonly string[])[], surroundings: Surroundings): Usage {
  settle();
  const result = join(tmpdir(), `ios-backup-kit-bench-${process.pid}.json`);
  const usages = commands.map((command) => {
    run(['python3', join(import.meta.dirname, 'measured.py'), result, ...command], surroundings);
    return JSON.parse(readFileSync(result, 'utf8')) as Usage;
  });
  rmSync(result);
  return {
    seconds: usages.reduce((sum, one) => sum + one.seconds, 0),
    cpu: usages.reduce((sum, one) => sum + one.cpu, 0),
    peakMiB: Math.max(...usages.map((one) => one.peakMiB)),
  };
}

/** Bytes that folders take on the disk together; a file with several names counts once. */
export function diskUsage(...folders: string[]): number {
  const lines = execFileSync('du', ['-sk', ...folders], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.reduce((sum, line) => sum + Number(line.split('\t')[0]) * 1024, 0);
}

/** The middle one; `NaN` of none. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Medians of times, and the highest peak. */
export function typical(all: readonly Usage[]): Usage {
  return {
    seconds: median(all.map((one) => one.seconds)),
    cpu: median(all.map((one) => one.cpu)),
    peakMiB: Math.max(...all.map((one) => one.peakMiB)),
  };
}

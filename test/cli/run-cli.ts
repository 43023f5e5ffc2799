import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { run, type CliProcess } from '../../src/cli/run.js';
import { keptStream } from './streams.js';

/** What came of a run. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly bytes: Uint8Array;
  readonly stderr: string;
}

/** Runs the command line in this process, its output in a pipe or on a terminal of some width. */
export async function runCli(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; columns?: number } = {},
): Promise<CliResult> {
  const terminal = options.columns === undefined ? undefined : { columns: options.columns };
  const [stdout, stderr] = [keptStream(terminal), keptStream()];
  const cliProcess: CliProcess = Object.assign(new EventEmitter(), {
    argv: ['node', 'ios-backup', ...args],
    env: options.env ?? {},
    stdin: new PassThrough() as unknown as NodeJS.Process['stdin'],
    stdout: stdout.stream as NodeJS.Process['stdout'],
    stderr: stderr.stream as NodeJS.Process['stderr'],
    exit: (): never => {
      throw new Error('exit() was called');
    },
  }) as unknown as CliProcess;
  const exitCode = await run(cliProcess);
  return { exitCode, stdout: stdout.text(), bytes: stdout.bytes(), stderr: stderr.text() };
}

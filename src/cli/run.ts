import { CommanderError } from 'commander';
import type { CliContext } from './context.js';
import { exitCodes, type ExitCode } from './exit-codes.js';
import { causeLines, exitCodeOf, failureLine, InterruptedError } from './failures.js';
import { Output } from './output/output.js';
import { buildProgram } from './program.js';

/** The signals that end a command, and the exit code of each. */
const endings = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

/** What is needed of `process`. */
export type CliProcess = Pick<NodeJS.Process, 'argv' | 'env' | 'stdin' | 'stdout' | 'stderr' | 'exit' | 'on' | 'off'>;

/** Runs the command line of a process and gives its exit code. */
export async function run(process: CliProcess): Promise<ExitCode> {
  const controller = new AbortController();
  const handlers = Object.entries(endings).map(([name, exitCode]) => {
    const handler = (): void => {
      // The second time nobody wants to wait for an orderly end.
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new InterruptedError(exitCode));
    };
    process.on(name, handler);
    return { name, handler };
  });
  // Where nobody reads the errors either there is nobody to tell.
  process.stderr.on('error', () => undefined);
  const context: CliContext = {
    output: new Output(process.stdout, process.env, (reason) => controller.abort(reason)),
    input: process.stdin,
    errors: process.stderr,
    env: process.env,
    signal: controller.signal,
    exitCode: exitCodes.ok,
  };
  try {
    await buildProgram(context).parseAsync(process.argv);
    await context.output.flush();
    return context.exitCode;
  } catch (error) {
    // What an aborted call rejects with is the reason, but not everything that fails then is such a call.
    const failure: unknown = controller.signal.aborted ? controller.signal.reason : error;
    return await report(failure, context, process.argv.includes('--verbose'));
  } finally {
    for (const { name, handler } of handlers) process.off(name, handler);
  }
}

async function report(error: unknown, context: CliContext, verbose: boolean): Promise<ExitCode> {
  const exitCode = exitCodeOf(error);
  // The parser has told its own errors, and help is none.
  if (exitCode !== exitCodes.ok && !(error instanceof CommanderError)) {
    const lines = [failureLine(error), ...(verbose ? causeLines(error) : [])];
    await new Promise<void>((resolve) => context.errors.write(`${lines.join('\n')}\n`, () => resolve()));
  }
  return exitCode;
}

#!/usr/bin/env node
import process from 'node:process';
import { exitCodes, type ExitCode } from './exit-codes.js';
import { run } from './run.js';

/** The signal behind an exit code. */
const signals: Partial<Record<ExitCode, NodeJS.Signals>> = {
  [exitCodes.interrupted]: 'SIGINT',
  [exitCodes.terminated]: 'SIGTERM',
};

void run(process).then((exitCode) => {
  process.exitCode = exitCode;
  const signal = signals[exitCode];
  // What was asked to end by a signal ends by it, as shells expect; at once, for an exit would wait for a key derivation
  // that goes on in another thread. Windows has no such signals.
  if (signal !== undefined && process.platform !== 'win32') process.kill(process.pid, signal);
  else if (signal !== undefined) process.exit();
});

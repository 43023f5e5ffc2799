#!/usr/bin/env node
import process from 'node:process';
import { exitCodes } from './exit-codes.js';
import { run } from './run.js';

void run(process).then((exitCode) => {
  process.exitCode = exitCode;
  // A key derivation that nobody waits for any more would go on for seconds. Otherwise what was written must get out first.
  if (exitCode === exitCodes.interrupted || exitCode === exitCodes.terminated) process.exit();
});

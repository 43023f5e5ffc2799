#!/usr/bin/env node
import process from 'node:process';
import { run } from './run.js';

// Not `process.exit()`: what was written must get out first.
void run(process).then((exitCode) => {
  process.exitCode = exitCode;
});

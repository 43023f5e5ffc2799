// npm run check: everything but the tests, two at a time, and to an end at the first failure. Those that need the build come after
// it; what takes long begins early. Each is an npm script of its own: npm run check:lint. Types are checked there, with the lint
// rules that need them.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build-state.mjs';

const steps = [
  { name: 'build' },
  { name: 'check:lint' },
  { name: 'check:docs', after: 'build' },
  { name: 'check:format' },
  { name: 'check:api-docs' },
  { name: 'check:package', after: 'build' },
  { name: 'check:dead' },
  { name: 'check:layers' },
  { name: 'check:errors' },
];
const lanes = 2;

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const environment = {
  ...process.env,
  // Memory for less time in garbage collectors, of Node.js and of what is written in Go: each step is short.
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=32`,
  GOGC: process.env.GOGC ?? '400',
};

const start = performance.now();
const waiting = [...steps];
const done = new Set();
const running = new Map();
let failed = false;

function take() {
  const index = waiting.findIndex(({ after }) => after === undefined || done.has(after));
  return index === -1 ? undefined : waiting.splice(index, 1)[0];
}

/** Runs a step, and says how it went. */
function run({ name }) {
  const from = performance.now();
  // Without npm, whose start takes as long as a short step; that of the check has put the commands on the path. A process group
  // of its own, so that what the step starts ends with it.
  const child = spawn(scripts[name], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: true,
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  running.set(name, child);
  child.on('close', (status) => {
    running.delete(name);
    if (failed) return;
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    if (status !== 0) {
      failed = true;
      console.error(`${output}\n${name} failed after ${seconds} s`);
      for (const { pid } of running.values()) stop(pid);
      process.exitCode = 1;
      return;
    }
    console.log(`${name}: ${seconds} s`);
    done.add(name);
    next();
  });
}

function stop(pid) {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid);
  } catch {
    // It has ended meanwhile.
  }
}

function next() {
  while (running.size < lanes) {
    const step = take();
    if (step === undefined) break;
    run(step);
  }
  if (running.size === 0)
    console.log(`All ${done.size} passed in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

process.on('SIGINT', () => {
  for (const { pid } of running.values()) stop(pid);
  process.exit(130);
});
next();

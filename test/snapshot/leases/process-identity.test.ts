import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { uptime } from 'node:os';
import { expect, test } from 'vitest';
import { systemProcesses } from '../../../src/snapshot/leases/process-identity.js';

const { self, isGone } = systemProcesses();

test('this process and others that run are not gone', async () => {
  expect(isGone(self)).toBe(false);
  expect(isGone({ ...self, pid: process.ppid, started: undefined })).toBe(false);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const other = { ...self, pid: child.pid ?? 0, started: undefined };
  expect(isGone(other)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isGone(other)).toBe(true);
});

test.runIf(process.platform === 'linux')('a number that another process has by now is gone', () => {
  expect(self.started).toMatch(/^\d+$/);
  expect(isGone({ ...self, started: String(Number(self.started) - 1) })).toBe(true);
});

test.runIf(process.platform === 'linux')('all processes of an earlier run of the system are gone', () => {
  expect(self.boot).toMatch(/^[0-9a-f-]{36}$/);
  expect(isGone({ ...self, boot: 'another' })).toBe(true);
});

test('where the system does not name its runs, time since its start that goes back tells', () => {
  // As where neither says which run it is: only the uptime is left, and a pid that may be used again.
  expect(isGone({ ...self, boot: undefined, uptime: uptime() + 1e6 })).toBe(self.boot === undefined);
});

test('of other computers, and of containers with process numbers of their own, nothing is said', () => {
  const dead = { ...self, pid: 0x7fff_fffe };
  expect(isGone(dead)).toBe(true);
  expect(isGone({ ...dead, machine: 'another' })).toBe(false);
  expect(isGone({ ...dead, machine: 'another', boot: 'another' })).toBe(false);
  expect(isGone({ ...dead, space: 'pid:[1]' })).toBe(false);
});

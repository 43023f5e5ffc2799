import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterAll, afterEach, expect } from 'vitest';
import { bundled } from '../../support/program.js';
import { removeFolders } from './support.js';

const program = bundled(join(import.meta.dirname, 'hold-lease.process.ts'));

/** A program that holds leases. @see hold-lease.process.ts */
class Holder {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(folder: string, { beatMs = 10_000, staleMs = 90_000 } = {}) {
    const args = [program(), folder, String(beatMs), String(staleMs)];
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    running.add(this);
  }

  async answer(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }

  async ask(command: string): Promise<string> {
    this.process.stdin.write(`${command}\n`);
    return await this.answer();
  }

  async kill(): Promise<void> {
    running.delete(this);
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exit;
  }
}

const running = new Set<Holder>();
afterEach(async () => {
  for (const holder of running) await holder.kill();
});
afterAll(removeFolders);

/** Starts programs that hold leases; they end with the test. */
export async function holders(
  count: number,
  folder: string,
  timings?: { beatMs: number; staleMs: number },
): Promise<Holder[]> {
  const made = Array.from({ length: count }, () => new Holder(folder, timings));
  for (const holder of made) expect(await holder.answer()).toBe('ready');
  return made;
}

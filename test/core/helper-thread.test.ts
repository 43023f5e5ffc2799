import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HelperThread } from '../../src/core/helper-thread.js';
import { temporaryFolder } from '../backup/support.js';

/** Doubles numbers, tells what it was given for `data`, dies at `die`, and never answers to `wait`. */
const script = `
  import { parentPort, workerData } from 'node:worker_threads';
  parentPort.postMessage('ready');
  parentPort.on('message', (message) => {
    if (message === 'die') throw new Error('as told');
    if (message === 'wait') return;
    parentPort.postMessage(message === 'data' ? workerData : message * 2);
  });
`;

let url: URL;
let thread: HelperThread<unknown, unknown>;

beforeEach(async () => {
  const path = join(await temporaryFolder(), 'script.mjs');
  writeFileSync(path, script);
  url = pathToFileURL(path);
});

afterEach(async () => {
  await thread.close();
});

describe('HelperThread', () => {
  it('answers in order', async () => {
    thread = new HelperThread(url, { data: 'given' });
    expect(thread.isOver).toBe(false);
    expect(await Promise.all([thread.ask(1), thread.ask('data'), thread.ask(3)])).toEqual([2, 'given', 6]);
    expect(await thread.ask(4)).toBe(8);
  });

  it('answers nothing where it dies, and afterwards', async () => {
    thread = new HelperThread(url);
    expect(await thread.ask(1)).toBe(2);
    expect(await Promise.all([thread.ask('die'), thread.ask(3)])).toEqual([undefined, undefined]);
    expect(thread.isOver).toBe(true);
    expect(await thread.ask(4)).toBeUndefined();
  });

  it('answers nothing where there is no script', async () => {
    thread = new HelperThread(new URL('none.mjs', url));
    expect(await thread.ask(1)).toBeUndefined();
    expect(thread.isOver).toBe(true);
  });

  it('lets go of those who wait when it is ended', async () => {
    thread = new HelperThread(url);
    const waiting = thread.ask('wait');
    await thread.close();
    expect(await waiting).toBeUndefined();
    await thread.close();
  });

  it('keeps a process alive while somebody waits for an answer or for its end, and no longer', async () => {
    const program = join(await temporaryFolder(), 'program.mts');
    const source = pathToFileURL(join(import.meta.dirname, '../../src/core/helper-thread.ts')).href;
    writeFileSync(
      program,
      `import { HelperThread } from ${JSON.stringify(source)};
       const script = new URL(${JSON.stringify(url.href)});
       const idle = new HelperThread(script);
       const thread = new HelperThread(script);
       console.log(await thread.ask(1));
       // Its answer comes while it is being ended.
       void thread.ask(2);
       await thread.close();
       console.log('ended');`,
    );
    const tsx = pathToFileURL(join(import.meta.dirname, '../../node_modules/tsx/dist/esm/index.mjs')).href;
    const { status, stdout } = spawnSync(process.execPath, ['--import', tsx, program], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2\nended\n' });
  });
});

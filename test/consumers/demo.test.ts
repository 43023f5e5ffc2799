import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** What a command of the demo has printed. */
function outputOf(demo: string, command: string): string[] {
  const start = demo.indexOf(`$ ios-backup ${command}`);
  if (start === -1) throw new Error(`The demo does not run: ${command}`);
  const [, ...lines] = demo.slice(start).split('\n');
  return lines.slice(0, lines.indexOf(''));
}

test('npm run demo keeps what its first lines promise', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/demo.ts'], { cwd: root });
  const backups = stdout.match(/\t(?:full|incremental)\t.+\/backups\/.+/g) ?? [];
  expect(backups).toHaveLength(5);
  // Five days with their real cost, newest first.
  const versions = outputOf(stdout, 'versions list backups --sizes').map((line) => line.split('\t'));
  expect(versions).toHaveLength(5);
  const days = versions.map((row) => row[2]?.slice(0, 10));
  expect(new Set(days).size).toBe(5);
  for (const row of versions) expect(Number(row[6])).toBeLessThan(Number(row[5]) / 4);
  // A message that only an older version has.
  expect(outputOf(stdout, "messages backups --at newest | grep 'garden gate'")).toEqual(['(nothing)']);
  expect(outputOf(stdout, "messages backups --at newest~3 | grep 'garden gate'")).toEqual([
    expect.stringMatching(/\tThe code of the garden gate is 4711$/),
  ]);
  expect(outputOf(stdout, 'contacts').length).toBeGreaterThan(3);
  expect(stdout).toContain('photos:\n');
  expect(outputOf(stdout, 'restore backups --at newest~3 --yes')).toEqual([expect.stringMatching(/\t0$/)]);
});

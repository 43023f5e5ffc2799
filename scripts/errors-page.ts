// Writes docs/errors.md from the table of codes; with --check it only compares, and asks for a test that names each code.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes, type ErrorCodeInfo } from '../src/core/error-codes.js';

const page = 'docs/errors.md';

function render(): string {
  const lines = [
    '# Errors',
    '',
    'Generated from `src/core/error-codes.ts` by `npm run errors-page`.',
    '',
    'Every error that this package throws by itself is a `BackupKitError` with one of these codes. Codes are stable within a',
    'major version, messages are not. Match on `error.code` or with `isBackupKitError(error, ...codes)` rather than with',
    '`instanceof`, which fails when two copies of the package are installed. Wrong arguments throw `TypeError` or `RangeError`,',
    "and a cancelled call rejects with its signal's own reason. **Transient** means that the same call may succeed later.",
    '',
  ];
  const byClass = new Map<string, [string, ErrorCodeInfo][]>();
  for (const [code, info] of Object.entries<ErrorCodeInfo>(errorCodes)) {
    byClass.set(info.errorClass, [...(byClass.get(info.errorClass) ?? []), [code, info]]);
  }
  for (const [errorClass, entries] of byClass) {
    lines.push(`## ${errorClass}`, '');
    for (const [code, info] of entries) {
      lines.push(
        `### ${code}`,
        '',
        `${info.meaning}${info.transient === true ? ' **Transient.**' : ''}`,
        '',
        `_What to do:_ ${info.remedy}`,
        '',
      );
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function testSources(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

if (process.argv.includes('--check')) {
  const problems: string[] = [];
  if (readFileSync(page, 'utf8') !== render()) problems.push(`${page} is out of date: run npm run errors-page`);
  const tests = testSources('test');
  for (const code of Object.keys(errorCodes)) {
    if (!tests.includes(`'${code}'`)) problems.push(`No test names ${code}`);
  }
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} else {
  writeFileSync(page, render());
}

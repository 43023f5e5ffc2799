import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputPaths } from '../../../src/manifest/extract/output-paths.js';
import { escapeName, foldName, unescapeName } from '../../../src/manifest/extract/safe-name.js';

const nasty = fc.constantFrom(
  // prettier-ignore
  '',
  '.',
  '..',
  '...',
  'CON',
  'con',
  'nul.txt',
  'COM¹',
  'a.',
  'a ',
  'a',
  'A',
  'é',
  'e\u0301',
  'x\0',
  '\\',
  'C:',
  // prettier-ignore
  '%41',
  '%_',
  '%',
  'K',
  '\u212a',
  'a (2)',
  'A (2)',
  'PROGRA~1',
  '\ud800',
  '..\\..',
  'ß',
  'SS',
  'a\u200d',
  'é'.repeat(200),
  `${'a'.repeat(300)}.jpg`,
  `${'A'.repeat(300)}.jpg`,
);
const component = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 6 }));
const path = fc.oneof(
  fc.array(component, { maxLength: 6 }).map((parts) => parts.join('/')),
  fc.array(component, { minLength: 20, maxLength: 60 }).map((parts) => parts.join('/')),
);
const entries = fc.array(fc.record({ domain: component, relativePath: path }), { maxLength: 40 });

function place(list: readonly { domain: string; relativePath: string }[], maxPathBytes: number): string[] {
  const paths = new OutputPaths({ rules: 'portable', fold: true, maxPathBytes });
  return list.map(({ domain, relativePath }, index) => {
    const components = [domain, ...relativePath.split('/')];
    let folder = paths.root;
    for (const name of components.slice(0, -1)) folder = paths.folder(folder, name);
    return paths.file(folder, components.at(-1) ?? '', { id: String(index) }).path;
  });
}

const foldPath = (text: string): string => text.split('/').map(foldName).join('/');

describe('output paths', () => {
  it('stay inside the target, are safe on Windows and POSIX, and differ where case and form do not count', () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(600, 4000), (list, maxPathBytes) => {
        const outputs = place(list, maxPathBytes);
        for (const output of outputs) {
          expect(posix.normalize(`/target/${output}`)).toBe(`/target/${output}`);
          expect(win32.resolve('C:\\target', output).startsWith('C:\\target\\')).toBe(true);
          expect(Buffer.byteLength(output)).toBeLessThanOrEqual(maxPathBytes);
          for (const name of output.split('/')) {
            // oxlint-disable-next-line no-control-regex -- what must not be there
            expect(name).not.toMatch(/[\u0000-\u001f\u007f-\u009f"*:<>?\\|]|[ .]$|^(con|nul|com¹)(\.|$)/i);
            expect(Buffer.from(name).toString()).toBe(name);
            expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
            expect(Buffer.byteLength(name)).toBeGreaterThan(0);
          }
        }
        expect(new Set(outputs.map(foldPath)).size).toBe(outputs.length);
      }),
      { numRuns: 300 },
    );
  });

  it('never use the path of a file for a folder', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const outputs = place(list, 4000);
        const files = new Set(outputs.map(foldPath));
        for (const output of files) {
          for (let slash = output.indexOf('/'); slash !== -1; slash = output.indexOf('/', slash + 1))
            expect(files.has(output.slice(0, slash))).toBe(false);
        }
      }),
    );
  });

  it('depend on the entries and their order alone', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(place(list, 4000)).toEqual(place(list, 4000));
      }),
    );
  });

  it('come from names that can be had back', () => {
    fc.assert(
      fc.property(component, fc.constantFrom('portable' as const, 'posix' as const), (text, rules) => {
        expect(unescapeName(escapeName(text, rules))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('do not slow down where thousands of names clash', () => {
    const variants = Array.from({ length: 4096 }, (_, bits) =>
      Array.from('abcdefghijkl', (letter, at) => ((bits >> at) & 1 ? letter.toUpperCase() : letter)).join(''),
    );
    const outputs = place(
      variants.map((name) => ({ domain: 'D', relativePath: `${name}/x` })),
      4000,
    );
    expect(new Set(outputs.map(foldPath)).size).toBe(4096);
  }, 5000);
});

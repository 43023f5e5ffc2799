// The pages of the documentation, and the programs in them.
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder of the checkout. */
export const root = resolve(import.meta.dirname, '../..');

/** A page: its path from the root, and its text. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A program of the documentation: a fence of a page, or a numbered example. */
export interface Program {
  /** Its page; the file itself where it is an example. */
  readonly page: string;
  /** Its file, from the root. */
  readonly file: string;
  /** What is to be written to the file; `undefined` where it is there. */
  readonly text: string | undefined;
  /** Whether it is executed too. */
  readonly isRun: boolean;
}

/** Where the programs of pages are written and all are compiled to, from the root. */
export const workFolder = join('.tmp', 'docs');

/** Every page that users read. */
export function pages(): Page[] {
  const paths = [
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The ```ts fences of a page. */
export const fences = ({ path, text }: Page): Program[] =>
  [...text.matchAll(/^```ts( run)?\n([\s\S]*?)^```$/gm)].map((match, index) => ({
    page: path,
    file: join(workFolder, `${path.replaceAll(/[/\\.]/g, '-')}-${index}.ts`),
    // A file without imports would be a script, in which `await` is not allowed.
    text: `export {};\n${match[2] ?? ''}`,
    isRun: match[1] !== undefined,
  }));

/** The numbered examples. */
export const examples = (): Program[] =>
  readdirSync(join(root, 'examples'))
    .filter((name) => /^\d.*\.ts$/.test(name))
    .map((name) => join('examples', name))
    .map((file) => ({ page: file, file, text: undefined, isRun: true }));

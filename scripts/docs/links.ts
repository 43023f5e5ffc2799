// Whether every relative link of a page leads somewhere.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root, type Page } from './pages.js';

const withoutFences = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '');

const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const anchors = (text: string): Set<string> =>
  new Set([...withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => slug(match[1] ?? '')));

/** What is wrong with the links of a page. */
export function brokenLinks({ path: page, text }: Page): string[] {
  const problems: string[] = [];
  for (const match of withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = match[1] ?? '';
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
    if (!existsSync(file)) problems.push(`${page}: ${target} does not exist`);
    else if (anchor !== undefined && file.endsWith('.md') && !anchors(readFileSync(file, 'utf8')).has(anchor)) {
      problems.push(`${page}: ${target} has no such heading`);
    }
  }
  return problems;
}

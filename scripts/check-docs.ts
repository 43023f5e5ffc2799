// Keeps the documentation true: every relative link leads somewhere, every ```ts fence of README.md and docs/ type-checks against the
// built package, and every fence marked ```ts run and every numbered example is executed in a folder with a built backup.
import { brokenLinks } from './docs/links.js';
import { examples, fences, pages } from './docs/pages.js';
import { compile, execute } from './docs/programs.js';

const all = pages();
const programs = [...examples(), ...all.flatMap(fences)];

const problems = all.flatMap(brokenLinks);
problems.push(...compile(programs));
if (problems.length === 0) problems.push(...execute(programs));

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else {
  const run = programs.filter(({ isRun }) => isRun).length;
  console.log(`${all.length} pages, ${programs.length} programs type-checked, ${run} of them run`);
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const path = fileURLToPath(new URL('../../../shared/fixtures', import.meta.url));

/** Folder of the inputs that are kept beside the project, not in it; `undefined` where they are absent. */
export const sharedFixtures: string | undefined = existsSync(path) ? path : undefined;

/** `describe` over the shared fixtures. Without them the tests are reported as skipped, with the reason in the title. */
export function describeWithFixtures(title: string, tests: (fixtures: string) => void): void {
  const note = sharedFixtures === undefined ? ` [shared fixtures absent: ${path}]` : '';
  describe.skipIf(note !== '')(`${title}${note}`, () => {
    tests(path);
  });
}

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const common = {
  expect: { requireAssertions: true },
  // Long, as it is there for what hangs: a busy machine takes many times what a quiet one does.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  setupFiles: ['test/support/compare-bytes.ts'],
};

const slow = '**/*.slow.test.ts';

/** Tests that put other modules in place of some, which must then be loaded for them alone. */
const isolated = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => join('test', name).replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && /\bvi\.(?:do)?[mM]ock\(/.test(readFileSync(path, 'utf8')));

/** The longest files first, also where no run before has told which these are: they would be what all others wait for. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      /[\\/]test[\\/](?:peers|consumers)[\\/]/.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    ...common,
    sequence: { sequencer: LongestFirst },
    // One more than there are processors, where by default it is one less: many tests wait for other programs.
    maxWorkers: availableParallelism() + 1,
    // CI adds up the results of several runs from these files.
    reporters: process.env['IOS_BACKUP_KIT_RESULTS'] === undefined ? ['default'] : ['default', 'json'],
    ...(process.env['IOS_BACKUP_KIT_RESULTS'] !== undefined && {
      outputFile: { json: process.env['IOS_BACKUP_KIT_RESULTS'] },
    }),
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/consumers/**', slow, ...isolated],
          setupFiles: [...common.setupFiles, 'test/support/temporary-folders.ts'],
          // Starting a process and loading the package for each file takes as long as the tests do.
          isolate: false,
        },
      },
      { test: { ...common, name: 'unit-isolated', include: isolated, exclude: [slow] } },
      {
        test: {
          ...common,
          name: 'consumers',
          include: ['test/consumers/**/*.test.ts'],
          setupFiles: [...common.setupFiles, 'test/support/temporary-folders.ts'],
          testTimeout: 240_000,
        },
      },
      { test: { ...common, name: 'slow', include: [`test/${slow}`], testTimeout: 1_800_000 } },
    ],
  },
});

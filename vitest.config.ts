import { defineConfig } from 'vitest/config';

const common = { expect: { requireAssertions: true }, testTimeout: 30_000 };

export default defineConfig({
  test: {
    ...common,
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
          exclude: ['test/consumers/**', '**/*.slow.test.ts'],
        },
      },
      { test: { ...common, name: 'consumers', include: ['test/consumers/**/*.test.ts'], testTimeout: 240_000 } },
      { test: { ...common, name: 'slow', include: ['test/**/*.slow.test.ts'], testTimeout: 1_800_000 } },
    ],
  },
});

import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/entry/index.ts',
    backup: 'src/entry/backup.ts',
    datasets: 'src/entry/datasets.ts',
    device: 'src/entry/device.ts',
    testing: 'src/entry/testing.ts',
    cli: 'src/cli/main.ts',
  },
  format: ['esm'],
  target: 'node20.19',
  platform: 'node',
  splitting: true,
  clean: true,
  sourcemap: true,
  dts: {
    // Nobody imports the command.
    entry: {
      index: 'src/entry/index.ts',
      backup: 'src/entry/backup.ts',
      datasets: 'src/entry/datasets.ts',
      device: 'src/entry/device.ts',
      testing: 'src/entry/testing.ts',
    },
    // tsup's declaration step sets `baseUrl`, which TypeScript 6 deprecates.
    compilerOptions: { ignoreDeprecations: '6.0', paths: {} },
  },
});

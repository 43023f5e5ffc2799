import { defineConfig } from 'tsup';

const library = {
  index: 'src/entry/index.ts',
  datasets: 'src/entry/datasets.ts',
  testing: 'src/entry/testing.ts',
};

export default defineConfig({
  entry: { ...library, cli: 'src/cli/main.ts' },
  format: ['esm'],
  target: 'node20.19',
  platform: 'node',
  splitting: true,
  clean: true,
  sourcemap: true,
  // tsup's declaration step sets `baseUrl`, which TypeScript 6 deprecates.
  dts: { entry: library, compilerOptions: { ignoreDeprecations: '6.0', paths: {} } },
});

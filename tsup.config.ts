import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/entry/index.ts',
    datasets: 'src/entry/datasets.ts',
    testing: 'src/entry/testing.ts',
  },
  format: ['esm'],
  target: 'node20.19',
  platform: 'node',
  splitting: true,
  clean: true,
  sourcemap: true,
  // tsup's declaration step sets `baseUrl`, which TypeScript 6 deprecates.
  dts: { compilerOptions: { ignoreDeprecations: '6.0', paths: {} } },
});

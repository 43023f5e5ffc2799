import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/entry/index.ts',
    backup: 'src/entry/backup.ts',
    datasets: 'src/entry/datasets.ts',
    device: 'src/entry/device.ts',
    snapshot: 'src/entry/snapshot.ts',
    testing: 'src/entry/testing.ts',
    cli: 'src/cli/main.ts',
    // Not for import: started beside the chunks that have extraction and the store, wherever splitting puts those.
    'extract-worker': 'src/manifest/extract/extract-worker.ts',
    'store-worker': 'src/snapshot/thread/store-worker.ts',
  },
  format: ['esm'],
  target: 'node20.19',
  platform: 'node',
  splitting: true,
  clean: true,
  sourcemap: true,
  dts: {
    // What `tsc -p tsconfig.build.json` has written: to bundle declarations takes a second, to make them here half a minute. None for
    // the command, which nobody imports.
    entry: Object.fromEntries(
      ['index', 'backup', 'datasets', 'device', 'snapshot', 'testing'].map((name) => [
        name,
        `.tmp/declarations/entry/${name}.d.ts`,
      ]),
    ),
    // tsup's declaration step sets `baseUrl`, which TypeScript 6 deprecates.
    compilerOptions: { ignoreDeprecations: '6.0', paths: {} },
  },
});

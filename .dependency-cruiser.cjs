// The layer table of docs/design/architecture.md. A layer imports only what its row allows.
const layers = {
  core: [],
  plist: ['core'],
  crypto: ['core'],
  sqlite: ['core'],
  archive: ['core'],
  manifest: ['core', 'plist', 'crypto', 'sqlite', 'archive'],
  folder: ['core'],
  device: ['core', 'plist'],
  backup: ['core', 'plist', 'folder', 'device'],
  snapshot: ['core', 'folder', 'archive'],
  workflows: ['core', 'plist', 'crypto', 'sqlite', 'folder', 'manifest', 'device', 'backup', 'snapshot', 'datasets'],
};
const own = (name) => `^src/${name}/`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no order in which to understand it.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Dead file.',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/entry/', '\\.d\\.ts$'] },
      to: {},
    },
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `layer-${layer}`,
      comment: `${layer} may import ${allowed.length === 0 ? 'Node built-ins only' : allowed.join(', ')}.`,
      severity: 'error',
      from: { path: own(layer) },
      to: { path: '^src/', pathNot: [layer, ...allowed].map(own) },
    })),
    {
      name: 'core-has-no-dependencies',
      comment: 'The ground floor stands on Node built-ins alone.',
      severity: 'error',
      from: { path: own('core') },
      to: { path: 'node_modules' },
    },
    {
      name: 'layer-datasets',
      comment: 'A dataset sees a backup through types only, and shares code through datasets/shared.',
      severity: 'error',
      from: { path: own('datasets') },
      to: { path: '^src/', pathNot: ['^src/(core|plist|datasets|manifest|sqlite)/'] },
    },
    {
      name: 'datasets-take-types-of-manifest-and-sqlite',
      comment:
        'So that datasets work on anything that is a BackupReader, and load nothing of Node. Salvage is written over a SqliteDatabase of any kind, in SQL alone.',
      severity: 'error',
      from: { path: own('datasets') },
      to: {
        path: '^src/(manifest|sqlite)/',
        pathNot: '^src/sqlite/salvage\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'salvage-is-pure',
      comment: 'Datasets import it.',
      severity: 'error',
      from: { path: '^src/sqlite/salvage\\.ts$' },
      to: { path: '^src/', pathNot: '^src/core/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'datasets-are-independent',
      comment: 'No dataset imports another one; what both need lies in datasets/shared.',
      severity: 'error',
      from: { path: '^src/datasets/([^/]+)/', pathNot: '^src/datasets/shared/' },
      to: { path: '^src/datasets/[^/]+/', pathNot: ['^src/datasets/$1/', '^src/datasets/shared/'] },
    },
    {
      name: 'datasets-without-node',
      comment: 'Datasets compute; they open nothing by themselves.',
      severity: 'error',
      from: { path: own('datasets') },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'testing-is-a-roof',
      comment: 'Product code never imports the testing tools.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/', '^src/entry/testing', '^src/cli/'] },
      to: { path: own('testing') },
    },
    {
      name: 'entries-are-doors',
      comment: 'Entries only re-export: no layer imports one, but the command line, which is a user of the library.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/entry/', '^src/cli/'] },
      to: { path: '^src/(entry|cli)/' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'What is imported at run time must be a dependency.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer', 'npm-optional'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};

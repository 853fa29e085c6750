// The import direction of the layers: a folder may import only from folders above it in this table.
const layers = {
  base: [],
  tensor: [],
  text: [],
  data: ['text'],
  store: [],
  hub: [],
  model: ['tensor', 'text', 'hub'],
  objective: ['tensor'],
  train: ['model', 'data', 'objective', 'tensor', 'text'],
  llm: ['model', 'train', 'text', 'tensor', 'data', 'store'],
  constitution: ['llm', 'data', 'store', 'objective'],
  feedback: ['store', 'llm', 'constitution', 'data', 'objective'],
  monitor: [],
  evaluate: ['llm', 'constitution', 'data', 'feedback', 'objective'],
  guard: [
    ...['tensor', 'text', 'data', 'store', 'model', 'objective', 'train', 'llm', 'constitution', 'feedback'],
    'evaluate',
  ],
  sandbox: ['data'],
  run: [
    ...['tensor', 'text', 'data', 'store', 'model', 'objective', 'train', 'llm', 'constitution', 'feedback'],
    ...['monitor', 'evaluate', 'guard', 'sandbox', 'hub'],
  ],
  server: [
    ...[
      'text',
      'data',
      'store',
      'model',
      'llm',
      'constitution',
      'feedback',
      'monitor',
      'evaluate',
      'guard',
      'sandbox',
    ],
    'run',
  ],
};

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Data flows one way: break the cycle by moving the shared part up a layer.',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    ...Object.entries(layers).map(([folder, allowed]) => ({
      name: `layer-${folder}`,
      comment: `src/${folder} may import only from: base${allowed.map((a) => `, ${a}`).join('')}.`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(base|${[folder, ...allowed].join('|')})/` },
    })),
    {
      name: 'tests-stay-out',
      comment: 'Library code must not import tests.',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};

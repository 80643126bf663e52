// Which folder of src may import which; docs/architecture.md says why. Imports of types count like any other.

const ROOM = '^src/[^/]+/';
const ROOT = '^src/[^/]+[.]ts$';
const inRooms = (...rooms) => `^src/(${rooms.join('|')})/`;
const NODE_ONLY = inRooms('backend', 'node');
const ENTRIES = '^src/(index|metrics/index|training/index)[.]ts$';

/** Files in the folder `from` import only files of these folders and of src itself. */
const only = (from, ...rooms) => ({
  name: `arrows-of-${from}`,
  comment: `${from}/ imports only ${[from, ...rooms].join(', ')} and the files of src itself`,
  severity: 'error',
  from: { path: inRooms(from) },
  to: { path: ROOM, pathNot: inRooms(from, ...rooms) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {
        path: '^src/',
      },
      to: { circular: true },
    },
    {
      name: 'root-imports-only-ops',
      comment:
        'the files of src itself serve every folder, so they import only ops/; index.ts, the entry, is the exception',
      severity: 'error',
      from: { path: ROOT, pathNot: '^src/index[.]ts$' },
      to: { path: ROOM, pathNot: inRooms('ops') },
    },
    {
      name: 'nobody-imports-an-entry',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/(index|metrics/index|training/index|node/index)[.]ts$' },
    },
    only('ops'),
    only('algebra', 'ops'),
    only('kernels', 'algebra', 'ops'),
    only('wasmTraining', 'ops'),
    only('morphology', 'ops'),
    only('overlap', 'kernels', 'algebra', 'ops'),
    only('distance', 'overlap', 'kernels'),
    only('schedules'),
    only('relaxations', 'ops'),
    only('annotators', 'ops'),
    only('losses', 'overlap', 'kernels', 'algebra', 'ops', 'distance', 'morphology'),
    only('metrics', 'losses', 'overlap', 'kernels', 'algebra', 'ops', 'distance'),
    only('training', 'metrics', 'losses', 'overlap', 'kernels', 'algebra', 'ops', 'schedules', 'wasmTraining'),
    // (probeChild.ts, in a process of its own, tries fused kernels with a loss.)
    {
      ...only('backend', 'kernels', 'wasmTraining'),
      from: { path: inRooms('backend'), pathNot: '^src/backend/probe' },
    },
    {
      name: 'arrows-of-provision',
      comment: 'load and the command import provision/, never the other way round',
      severity: 'error',
      from: { path: '^src/backend/provision/' },
      to: { path: '^src/backend/', pathNot: '^src/backend/(provision|system)/' },
    },
    {
      name: 'arrows-of-system',
      comment: 'every part of backend/ may import system/, which imports none of them',
      severity: 'error',
      from: { path: '^src/backend/system/' },
      to: { path: '^src/backend/', pathNot: '^src/backend/system/' },
    },
    only('node', 'backend', 'training'),
    {
      name: 'node-only-in-node',
      comment: 'only backend/ and node/ may use modules of Node; elsewhere their types may be named',
      severity: 'error',
      from: { path: '^src/', pathNot: NODE_ONLY },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only', 'type-import'] },
    },
    {
      name: 'browsers-reach-no-node',
      comment: 'an entry for browsers must not import backend/ or node/, not even indirectly',
      severity: 'error',
      from: { path: ENTRIES },
      to: { path: NODE_ONLY, reachable: true },
    },
    {
      name: 'layers-by-types',
      comment: 'a page without models need not load tfjs-layers, so all except node/loadModel.ts import only its types',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/node/loadModel[.]ts$' },
      to: { path: '@tensorflow/tfjs-layers', dependencyTypesNot: ['type-only', 'type-import'] },
    },
    {
      name: 'no-missing-modules',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};

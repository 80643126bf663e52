// The suite of what runs on tensors runs on each backend twice, with its fused kernels and with composed ones; what
// starts processes of its own (provisioning, the demo, the README's code blocks) runs once.
const shared = {
  testEnvironment: '<rootDir>/test/setup/environment.cjs',
  // TypeScript to CommonJS, and our own '.js' imports to the '.ts' files they stand for.
  transform: { '\\.ts$': 'babel-jest' },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // (Tests bring the op themselves.)
    '^#nativePasses$': '<rootDir>/src/kernels/tensorflow/nativePasses.ts',
  },
};

const onTensors = (backend, kernels, op) => ({
  ...shared,
  displayName: kernels === 'fused' ? backend : `${backend} ${kernels}`,
  globals: { TEST_BACKEND: backend, TEST_KERNELS: kernels, TEST_SIZES: 'all', TEST_CASES: 'all', TEST_OP: op },
  setupFilesAfterEnv: ['<rootDir>/test/setup/backend.ts'],
  testMatch: [
    'contract',
    'checks',
    'losses',
    'overlap',
    'relaxations',
    'annotators',
    'distance',
    'metrics',
    'kernels',
    'schedules',
    'wasmTraining',
    'ops',
    'training',
    'golden',
    'fuzz',
  ].map((room) => `<rootDir>/test/${room}/**/*.test.ts`),
});

/** Files whose tests run in a page (test/browser), with a backend that only browsers have, or as browsers have it. */
const inPage = (backend, kernels, { sizes = 'some', isolated = false, half = false } = {}) => ({
  ...shared,
  displayName: [
    'browser',
    backend,
    ...(kernels === 'composed' ? [kernels] : []),
    ...(isolated ? ['threads'] : []),
    ...(half ? ['float16'] : []),
  ].join(' '),
  globals: {
    TEST_BACKEND: backend,
    TEST_KERNELS: kernels,
    TEST_SIZES: sizes,
    TEST_CASES: 'all',
    TEST_ISOLATED: isolated,
    TEST_HALF: half,
  },
  transform: { '\\.ts$': ['babel-jest', { plugins: ['./test/browser/remotely.cjs'] }] },
  testMatch: half
    ? ['<rootDir>/test/browser/float16/*.page.ts']
    : [
        '<rootDir>/test/contract/*.test.ts',
        '<rootDir>/test/losses/{memory,derivatives}.test.ts',
        // Those in gpu/ are about GPUs only.
        `<rootDir>/test/browser/${backend === 'wasm' ? '' : '{,gpu/}'}*.page.ts`,
        ...(kernels === 'fused' ? [`<rootDir>/test/browser/${backend}/*.page.ts`] : []),
      ],
});

/** The compiled op of TensorFlow's, or null where the backend that has it will fail its tests. */
async function opPath() {
  try {
    const { installedOp } = await import('./dist/backend/provision/op.js');
    return installedOp('@tensorflow/tfjs-node') ?? null;
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return null; // not built
    throw error;
  }
}

export default async () => {
  const op = await opPath();
  const backends = ['cpu', 'wasm', 'tensorflow'];
  return {
    maxWorkers: '100%',
    globalSetup: '<rootDir>/test/setup/oracleFolder.cjs',
    // A machine that is busy takes its time; none of the tests is about time.
    testTimeout: 60_000,
    reporters: ['default', '<rootDir>/test/setup/countReporter.cjs'],
    projects: [
      ...['fused', 'composed'].flatMap((kernels) => backends.map((backend) => onTensors(backend, kernels, op))),
      inPage('webgpu', 'fused'),
      inPage('webgpu', 'composed'),
      inPage('webgl', 'fused'),
      inPage('webgl', 'composed'),
      inPage('webgl', 'fused', { half: true }),
      inPage('wasm', 'fused', { sizes: 'all' }),
      inPage('wasm', 'fused', { sizes: 'all', isolated: true }),
      {
        ...shared,
        displayName: 'node',
        globals: { TEST_CASES: 'all' },
        testMatch: [
          'setup',
          'algebra',
          'reference',
          'damage',
          'backend',
          'native',
          'threads',
          'node',
          'examples',
          'docs',
          'package',
        ].map((room) => `<rootDir>/test/${room}/**/*.test.ts`),
      },
    ],
  };
};

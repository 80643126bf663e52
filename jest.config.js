// The suite of what runs on tensors runs once per backend; what starts processes of its own (provisioning, the demo,
// the README's code blocks) runs once.
const shared = {
  testEnvironment: '<rootDir>/test/setup/environment.cjs',
  // TypeScript to CommonJS, and our own '.js' imports to the '.ts' files they stand for.
  transform: { '\\.ts$': 'babel-jest' },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};

const onTensors = (backend) => ({
  ...shared,
  displayName: backend,
  globals: { TEST_BACKEND: backend },
  setupFilesAfterEnv: ['<rootDir>/test/setup/backend.ts'],
  testMatch: ['losses', 'overlap', 'relaxations', 'kernels', 'golden'].map(
    (room) => `<rootDir>/test/${room}/**/*.test.ts`,
  ),
});

export default {
  reporters: ['default', '<rootDir>/test/setup/countReporter.cjs'],
  projects: [
    ...['cpu', 'wasm', 'tensorflow'].map(onTensors),
    {
      ...shared,
      displayName: 'node',
      testMatch: ['reference', 'backend', 'examples', 'docs'].map((room) => `<rootDir>/test/${room}/**/*.test.ts`),
    },
  ],
};

/** The page's tests: run `npm run build -w playground` before. */
module.exports = {
  maxWorkers: '100%',
  testEnvironment: '<rootDir>/../test/setup/environment.cjs',
  transform: { '\\.ts$': ['babel-jest', { configFile: require.resolve('../babel.config.json') }] },
  moduleNameMapper: {
    '^softseg$': '<rootDir>/../src/index.ts',
    '^softseg/(metrics|training)$': '<rootDir>/../src/$1/index.ts',
    '^#nativePasses$': '<rootDir>/../src/kernels/tensorflow/nativePasses.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testTimeout: 180_000,
};

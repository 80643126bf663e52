/** All exports of the entries that run in a browser, for tests of every function. */
export * from '../../src/index.js';
export * from '../../src/metrics/index.js';
export * from '../../src/training/index.js';

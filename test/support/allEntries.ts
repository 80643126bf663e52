/** What all entries of the package that run in a browser export, for tests of every function. */
export * from '../../src/index.js';
export * from '../../src/metrics/index.js';
export * from '../../src/training/index.js';

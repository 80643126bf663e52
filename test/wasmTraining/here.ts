/**
 * On which backend the tests run. It is asked here and not in the test files, because the quick suite (test/setup)
 * would run those on all backends. It runs these tests on wasm, which they are about, and once elsewhere.
 */
declare const TEST_BACKEND: string;

export const isCpu = TEST_BACKEND === 'cpu';
export const isNative = TEST_BACKEND === 'tensorflow';

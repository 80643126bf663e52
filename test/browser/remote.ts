/**
 * Replaces '@jest/globals' for test files in jest's browser projects: each test becomes a jest test of the same name
 * that runs in a page. The file is loaded twice: here, for the names, and in the page (inPage/runner.ts), where the
 * bodies run.
 */
import { openPage, type OpenPage, type Names } from './page.js';

declare const TEST_BACKEND: string;
declare const TEST_KERNELS: string;
declare const TEST_SIZES: string;
declare const TEST_CASES: string;
declare const TEST_ISOLATED: boolean;
declare const TEST_HALF: boolean;

/** null for a pass, else the error. */
export type CaseResult = string | null;

/** The functions that the page offers. */
export interface Suite {
  /** For each test, its name after the names of the groups around it, as written in the file. */
  paths(): string[];
  start(): Promise<CaseResult>;
  run(index: number): Promise<CaseResult>;
  end(): Promise<CaseResult>;
}
declare const suite: Suite;

type Table = readonly unknown[];
type Jest = typeof import('@jest/globals');
const here = globalThis as unknown as Pick<Jest, 'afterAll' | 'beforeAll' | 'describe' | 'test'> & {
  expect: { getState(): { testPath: string } };
};

const paths: string[] = [];
const path: string[] = [];
let opened: OpenPage;

export const { expect } = here;

export const describe = Object.assign(
  (name: string, body: () => void): void => here.describe(name, () => within(name, body)),
  {
    each: (table: Table) => (name: string, body: (...row: unknown[]) => void) =>
      here.describe.each(table as never)(name, ((...row: unknown[]) => within(name, () => body(...row))) as never),
  },
);

function within(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}

/** The next test in the file. */
function nextTest(name: string): () => Promise<void> {
  const index = paths.push([...path, name].join(' › ')) - 1;
  return async () => {
    const result = await opened.page.evaluate((i) => suite.run(i), index);
    expectNothing([result, ...opened.errors.splice(0)]);
  };
}

export const test = Object.assign((name: string): void => here.test(name, nextTest(name)), {
  each: (table: Table) => (name: string) =>
    table.forEach((row) => here.test.each([row] as never)(name, nextTest(name) as never)),
});

here.beforeAll(async () => {
  const names: Names = { TEST_BACKEND, TEST_KERNELS, TEST_SIZES, TEST_CASES, TEST_ISOLATED, TEST_HALF };
  opened = await openPage(here.expect.getState().testPath, names);
  const { page, errors } = opened;
  expectNothing(errors.splice(0));
  const there = await page.evaluate(() => suite.paths());
  if (there.join('\n') !== paths.join('\n')) throw new Error(`the page has other tests:\n${there.join('\n')}`);
  expectNothing([await page.evaluate(() => suite.start())]);
});

here.afterAll(async () => {
  try {
    if (opened) expectNothing([await opened.page.evaluate(() => suite.end()), ...opened.errors]);
  } finally {
    await opened?.close();
  }
});

function expectNothing(results: CaseResult[]): void {
  const wrong = results.filter((result) => result !== null);
  if (wrong.length === 0) return;
  const error = new Error(wrong.join('\n'));
  error.stack = error.message; // The stack of this file would say nothing.
  throw error;
}

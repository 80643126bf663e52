/**
 * Replaces '@jest/globals' for test files in a page: describe and test collect cases in a list, and `suite` runs them
 * one by one when jest asks for them (remote.ts). The matchers are jest's own.
 */
import type { expect as jestExpect } from '@jest/globals';
import type { CaseResult, Suite } from '../remote.js';

type Run = () => unknown;
type Table = readonly unknown[];
type RunWith = (...row: never[]) => unknown;

const hooks: Record<'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach', Run[]> = {
  beforeAll: [],
  afterAll: [],
  beforeEach: [],
  afterEach: [],
};
const cases: { path: string; run: Run }[] = [];
const path: string[] = [];

export const { expect } = globalThis as unknown as { expect: typeof jestExpect };

export const beforeAll = (run: Run): void => void hooks.beforeAll.push(run);
export const afterAll = (run: Run): void => void hooks.afterAll.push(run);
export const beforeEach = (run: Run): void => void hooks.beforeEach.push(run);
export const afterEach = (run: Run): void => void hooks.afterEach.push(run);

export const describe = Object.assign(
  (name: string, body: Run): void => {
    path.push(name);
    body();
    path.pop();
  },
  {
    each: (table: Table) => (name: string, body: RunWith) =>
      table.forEach((row) => describe(name, () => body(...argumentsOf(row)))),
  },
);

export const test = Object.assign(
  (name: string, run: Run): void => void cases.push({ path: [...path, name].join(' › '), run }),
  {
    each: (table: Table) => (name: string, run: RunWith) =>
      table.forEach((row) => test(name, () => run(...argumentsOf(row)))),
  },
);

const argumentsOf = (row: unknown): never[] => (Array.isArray(row) ? row : [row]) as never[];

async function runAll(runs: Run[]): Promise<void> {
  for (const run of runs) await run();
}

async function resultOf(run: Run): Promise<CaseResult> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error
      ? error.stack?.includes(error.message)
        ? error.stack
        : error.message
      : String(error);
  }
}

const suite: Suite = {
  paths: () => cases.map(({ path }) => path),
  start: () => resultOf(() => runAll(hooks.beforeAll)),
  run: (index) =>
    resultOf(async () => {
      await runAll(hooks.beforeEach);
      const results = [await resultOf(cases[index]!.run), await resultOf(() => runAll(hooks.afterEach))];
      if (results.some((result) => result !== null)) throw new Error(results.filter(Boolean).join('\n'));
    }),
  end: () => resultOf(() => runAll(hooks.afterAll)),
};
Object.assign(globalThis, { suite });

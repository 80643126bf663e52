/** The quick suite (jest.quick.config.js) loses no test and no pair of options. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { casesOf, product } from '../support/combinations.js';

interface Share {
  part: number;
  parts: number;
  pairs: boolean;
  onlyOpsOfWasm: boolean;
}
interface Block {
  type: 'describeBlock';
  name: string;
  children: (Block | Test)[];
  tests: Test[];
}
interface Test {
  type: 'test';
  name: string;
  parent: Block;
}
const { keepShare, leavesOut } = jest.requireActual<{
  keepShare(root: Block, file: string, share: Share): void;
  leavesOut(file: string, share: Share): boolean;
}>('./share.cjs');

const PARTS = 6;
const shareOf = (part: number): Share => ({ part, parts: PARTS, pairs: true, onlyOpsOfWasm: false });
const filesOf = (room: string) => {
  const folder = join(__dirname, '..', room);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
};

/** The names of the tests of a file with `count` tests that each project runs. */
function runsOf(file: string, count: number): string[][] {
  return Array.from({ length: PARTS }, (_, part) => part)
    .filter((part) => !leavesOut(file, shareOf(part)))
    .map((part) => {
      const root: Block = { type: 'describeBlock', name: 'ROOT', children: [], tests: [] };
      for (let i = 0; i < count; i++) {
        const one: Test = { type: 'test', name: `test ${i}`, parent: root };
        root.children.push(one);
        root.tests.push(one);
      }
      keepShare(root, file, shareOf(part));
      expect(root.tests).toEqual(root.children);
      return root.tests.map(({ name }) => name);
    });
}

describe('the tests of a file', () => {
  const shared = filesOf('metrics').filter((file) => runsOf(file, 1).length < PARTS);

  test('most files are shared', () => expect(shared.length).toBeGreaterThan(5));

  test.each([2, 3, 50])('run once on one of two projects, if there are %i of them', (count) => {
    for (const file of shared) {
      const runs = runsOf(file, count);
      expect(runs).toHaveLength(2);
      expect(runs.flat().sort()).toEqual(Array.from({ length: count }, (_, i) => `test ${i}`).sort());
      expect(Math.abs(runs[0]!.length - runs[1]!.length)).toBeLessThanOrEqual(1);
    }
  });

  test('run on both projects if there is only one', () => {
    for (const file of shared) expect(runsOf(file, 1)).toEqual([['test 0'], ['test 0']]);
  });

  test('spread over all projects', () => {
    const homes = shared.flatMap((file) => [0, 1, 2, 3, 4, 5].filter((part) => !leavesOut(file, shareOf(part))));
    expect(new Set(homes).size).toBe(PARTS);
  });

  test('run whole everywhere if they are the contract of the kernels', () => {
    for (const file of filesOf('contract'))
      expect(runsOf(file, 9).map((names) => names.length)).toEqual(Array(PARTS).fill(9));
  });
});

describe('casesOf', () => {
  const names = globalThis as unknown as { TEST_CASES: string };
  const before = names.TEST_CASES;
  beforeEach(() => void (names.TEST_CASES = 'pairwise'));
  afterEach(() => void (names.TEST_CASES = before));

  const rows = product({ a: [1, 2, 3], b: ['x', 'y', 'z', 'w'], c: [true, false], d: [0, 1, 2] }).filter(
    ({ a, b }) => a !== 2 || b !== 'y',
  );
  const pairsOf = (some: typeof rows) =>
    new Set(
      some.flatMap((row) => {
        const values = Object.entries(row).map(String);
        return values.flatMap((one, i) => values.slice(i + 1).map((other) => `${one} ${other}`));
      }),
    );

  test('takes a few cases in which each pair that can occur does', () => {
    const chosen = casesOf(rows, Object.values);
    expect(pairsOf(chosen)).toEqual(pairsOf(rows));
    expect(chosen.length).toBeLessThan(rows.length / 3);
  });

  test('takes all of them in the full suite', () => {
    names.TEST_CASES = 'all';
    expect(casesOf(rows, Object.values)).toEqual(rows);
  });
});

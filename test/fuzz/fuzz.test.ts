/**
 * Makes some random calls of every exported function, the same in every run. `npm run fuzz` makes more.
 */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as softseg from '../support/allEntries.js';
import { browserEntries } from '../support/entries.js';
import { disposeInstances } from './instances.js';
import { RANGES } from './ranges.js';
import { describe as told, fuzz } from './runner.js';
import { SUBJECTS } from './subjects/index.js';

/** A change is tested, not chance: `npm run fuzz` tries other seeds, and CI does so once a week. */
const SEED = 1;
const RUNS = 16;

const names = SUBJECTS.map(({ fn }) => fn);

test('every exported function except the error class has exactly one subject', () => {
  const functions = Object.entries(softseg).filter(([, value]) => typeof value === 'function');
  const exported = functions.map(([name]) => name).filter((name) => name !== 'ArgumentError');
  expect([...names].sort()).toEqual(exported.sort());
});

test('every entry that runs in a browser is fuzzed', async () => {
  expect(browserEntries().length).toBeGreaterThanOrEqual(3);
  for (const [, source] of browserEntries()) {
    const entry = (await import(join('../..', source))) as object;
    expect(Object.keys(softseg)).toEqual(expect.arrayContaining(Object.keys(entry)));
  }
});

test('every range belongs to a subject', () => {
  expect(Object.keys(RANGES).filter((name) => !names.includes(name))).toEqual([]);
});

test.each(SUBJECTS.map((subject) => [subject.fn, subject] as const))('%s', async (_, subject) => {
  try {
    const report = await fuzz(subject, { seed: SEED, runs: Math.ceil((RUNS * (subject.share ?? 100)) / 100) });
    if (report) throw new Error(told(report));
  } finally {
    disposeInstances();
  }
});

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import * as softseg from 'softseg';
import {
  entmax,
  gumbelSoftmax,
  powerSharpen,
  softOneHot,
  softThreshold,
  sparsemax,
  straightThroughOneHot,
} from 'softseg';
import { along, relaxed } from '../src/relaxations/curves.js';
import { METHODS } from '../src/relaxations/methods.js';
import { numberOf, settle, start, stop, visit } from './browser.js';

const VALUES = [0.1304, 0.5134, 0.7426, 0.7159, 0.5705];

type OfOne = (values: tf.Tensor) => tf.Tensor;
const DIRECT: Record<string, (p: number) => OfOne> = {
  softOneHot: (p) => (v) => softOneHot(v, { sharpness: p }),
  powerSharpen: (p) => (v) => powerSharpen(v, p),
  softThreshold: (p) => (v) => softThreshold(tf.sub(v, 0.5), { sharpness: p }),
  sparsemax: (p) => (v) => sparsemax(tf.mul(v, p)),
  entmax: (p) => (v) => entmax(tf.mul(v, p), { alpha: 1.5 }),
  gumbelSoftmax: (p) => (v) => gumbelSoftmax(v, { sharpness: p, seed: 1 }),
  straightThroughOneHot: (p) => (v) => straightThroughOneHot(v, { sharpness: p }),
};

/** Values and derivatives, one output at a time. */
function expected(method: string, values: number[], p: number): number[][] {
  return tf.tidy(() => {
    const of = DIRECT[method]!(p);
    const input = tf.tensor1d(values);
    const outputs = of(input).dataSync();
    return values.map((value, i) => {
      const slopes = tf.grad((v: tf.Tensor) => tf.sum(tf.slice(of(v), [i], [1])))(input);
      return [i + 1, value, outputs[i]!, ...slopes.dataSync()];
    });
  });
}

const tableOf = async (page: Page) => {
  const rows = await page.locator('tbody tr').all();
  return Promise.all(rows.map(async (row) => (await row.locator('th, td').allTextContents()).map(numberOf)));
};

function expectTable(shown: number[][], wanted: number[][]): void {
  expect(shown.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  shown.flat().forEach((value, i) => expect(Math.abs(value - wanted.flat()[i]!)).toBeLessThan(1e-4));
}

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  await start();
});
afterAll(stop);

test('the table shows what each relaxation gives in Node, values and all derivatives', async () => {
  const { page, troubles } = await visit('relaxations');
  for (const method of METHODS) {
    await page.getByLabel('Relaxation').selectOption(method);
    await settle(page);
    expectTable(await tableOf(page), expected(method, VALUES, 6));
  }
  expect(troubles).toEqual([]);
  await page.close();
});

test('sliders work by keyboard, and p also by dragging in a plot', async () => {
  const { page, troubles } = await visit('relaxations');
  await page.getByRole('slider', { name: 'value 1' }).focus();
  await page.keyboard.press('End');
  await page.getByRole('slider', { name: 'p', exact: true }).focus();
  await page.keyboard.press('ArrowRight');
  await settle(page);
  expectTable(await tableOf(page), expected('softOneHot', [1, ...VALUES.slice(1)], 6.05));
  const box = (await page.locator('.plot svg').first().boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 50, box.y + box.height / 2);
  await page.mouse.up();
  await settle(page);
  expect(await page.getByRole('slider', { name: 'p', exact: true }).inputValue()).toBe('20');
  expectTable(await tableOf(page), expected('softOneHot', [1, ...VALUES.slice(1)], 20));
  expect(await page.locator('.plot svg').first().getAttribute('aria-label')).toContain('At p = 20.00');
  expect(troubles).toEqual([]);
  await page.close();
});

test('the code of a point gives its values', async () => {
  const { page } = await visit('relaxations');
  for (const method of METHODS) {
    await page.getByLabel('Relaxation').selectOption(method);
    await settle(page);
    const code = (await page.locator('pre').textContent())!;
    const body = code
      .replace(/import \* as tf.*\n/, '')
      .replace(/import (\{.*\}) from 'softseg';/, 'const $1 = softseg;')
      .concat('\nreturn relaxed;');
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const run = new Function('tf', 'softseg', body) as (...all: unknown[]) => tf.Tensor;
    const values = run(tf, softseg).dataSync();
    expected(method, VALUES, 6).forEach((row, i) => expect(values[i]).toBeCloseTo(row[2]!, 5));
  }
  await page.close();
});

test('the curves are made of the points', () => {
  const extras = { alpha: 1.5, seed: 1 };
  for (const method of METHODS) {
    const { p, values, slopes } = along(method, VALUES, extras);
    for (const step of [0, 7, p.length - 1]) {
      const wanted = relaxed(method, VALUES, p[step]!, extras);
      VALUES.forEach((_, i) => {
        expect(values[i]![step]).toBeCloseTo(wanted.values[i]!, 5);
        expect(slopes[i]![step]).toBeCloseTo(wanted.jacobian[i]![i]!, 4);
      });
    }
  }
});

test('the curves leave no tensors behind', () => {
  const before = tf.memory().numTensors;
  for (const method of METHODS) {
    relaxed(method, VALUES, 3, { alpha: 1.5, seed: 1 });
    along(method, VALUES, { alpha: 1.5, seed: 1 });
  }
  expect(tf.memory().numTensors).toBe(before);
});

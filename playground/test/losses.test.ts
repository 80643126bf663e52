import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import * as softseg from 'softseg';
import { CATALOGUE, defaults, LOSSES, type Activation, type LossName } from '../src/losses/catalogue.js';
import { evaluate } from '../src/losses/evaluate.js';
import { LABELS, PIXELS, PREDICTIONS, SIZE } from '../src/losses/presets.js';
import { numberOf, settle, start, stop, visit } from './browser.js';

// As on the page.
softseg.checkValues('never');

/** The painted label and prediction as tensors, written from the text of the page and not with its code. */
function painted(label: string, prediction: string, classes: number, withEmpty = false) {
  const masks = LABELS[label]!.masks();
  const t = Array.from({ length: PIXELS }, (_, i) => (masks[0]![i]! + masks[1]![i]! + masks[2]![i]!) / 3);
  const p = [...PREDICTIONS[prediction]!.from(masks)];
  if (withEmpty) {
    t.push(...t.map(() => 0));
    p.push(...p.map(() => 0.1));
  }
  const z = p.map((value) => Math.min(6, Math.max(-6, Math.log(value / (1 - value)))));
  const shape = [withEmpty ? 2 : 1, SIZE, SIZE, classes];
  const tensor = (values: number[], other: (value: number) => number) =>
    tf.tensor(classes === 1 ? values : values.flatMap((value) => [other(value), value]), shape);
  return {
    labels: tensor(t, (value) => 1 - value),
    logits: tensor(z, () => 0),
    probabilities: tensor(p, (value) => 1 - value),
  };
}

/** Runs the code that the page shows. */
function runCode(code: string, { labels, logits, probabilities }: ReturnType<typeof painted>): number {
  const body = code.replace(/import (\{.*\}) from 'softseg';/, 'const $1 = softseg;').concat('\nreturn loss;');
  const pool = (size: number) => tf.avgPool(logits as tf.Tensor4D, size, size, 'same');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function('softseg', 'labels', 'logits', 'probabilities', 'half', 'quarter', body) as (
    ...all: unknown[]
  ) => tf.Scalar;
  return tf.tidy(() => run(softseg, labels, logits, probabilities, pool(2), pool(4)).dataSync()[0]!);
}

const shownValue = async (page: Page) => numberOf(await page.locator('.score output').textContent());
const shownCode = async (page: Page) => (await page.locator('.code:visible pre').textContent())!;

/** To the four digits that are shown. */
function expectClose(shown: number, wanted: number): void {
  expect(Math.abs(shown - wanted)).toBeLessThanOrEqual(6e-4 * Math.abs(wanted) + 1e-6);
}

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  await start();
});
afterAll(stop);

test('each loss shows the value that its code gives in Node, with each of its activations', async () => {
  const { page, troubles } = await visit('losses');
  for (const name of LOSSES) {
    await page.getByLabel('Loss', { exact: true }).selectOption(name);
    const { activations, classesOnly } = CATALOGUE[name];
    for (const activation of activations) {
      await page.getByLabel(classesOnly ? 'number of classes' : 'activation').selectOption(activation);
      await settle(page);
      const two = ['softmax', 'sparsemax', 'entmax15'].includes(activation);
      const code = await shownCode(page);
      expect(code).toContain(name);
      expectClose(await shownValue(page), runCode(code, painted('annotators', 'shifted', two ? 2 : 1)));
    }
  }
  expect(troubles).toEqual([]);
  await page.close();
});

test('every option of every loss can be set, and the code follows', async () => {
  const { page, troubles } = await visit('losses');
  await page.getByLabel('add an empty image to the batch').check();
  for (const name of LOSSES) {
    await page.getByLabel('Loss', { exact: true }).selectOption(name);
    await settle(page);
    const controls = page.locator('.fold .options .options > *:visible');
    const codes = new Set([await shownCode(page)]);
    for (let i = 1; i < (await controls.count()); i++) {
      const control = controls.nth(i);
      if (await control.locator('select').count()) await control.locator('select').selectOption({ index: 1 });
      else if (await control.locator('[type=radio]').count()) await control.locator('label').nth(1).click();
      else if (await control.locator('[type=range]').count()) {
        await control.locator('[type=range]').focus();
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('ArrowLeft');
        await page.keyboard.press('ArrowLeft');
      } else await control.click();
      await settle(page);
      const code = await shownCode(page);
      codes.add(code);
      expectClose(await shownValue(page), runCode(code, painted('annotators', 'shifted', 1, true)));
    }
    if (CATALOGUE[name].options.length > 0) expect(codes.size).toBeGreaterThan(1);
  }
  expect(troubles).toEqual([]);
  await page.close();
});

test('the gallery shows every loss of what was chosen', async () => {
  const { page } = await visit('losses');
  await page.getByLabel('Start label').selectOption('vessel');
  await page.getByLabel('Start prediction').selectOption('noisy');
  // Its tiles are computed one after the other.
  await page.waitForTimeout(4000);
  for (const name of LOSSES) {
    const tile = page.locator('.tile', { hasText: new RegExp(`^${name.replace(/Loss$/, '')}[−\\d]`) });
    const masks = LABELS['vessel']!.masks();
    const painting = { masks, prediction: PREDICTIONS['noisy']!.from(masks), withEmpty: false };
    const { value } = evaluate({ name, settings: defaults(CATALOGUE[name]) }, painting);
    const shown = numberOf(await tile.locator('.value').textContent());
    expect(Math.abs(shown - value)).toBeLessThanOrEqual(6e-3 * Math.abs(value));
  }
  await page.close();
});

test('the gradient under the cursor is that of Node', async () => {
  const { page } = await visit('losses');
  await page.getByRole('application', { name: 'Gradient' }).focus();
  for (const key of ['ArrowUp', 'ArrowUp', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
  await settle(page);
  const { labels, logits } = painted('annotators', 'shifted', 1);
  const gradient = tf
    .grad((z: tf.Tensor) => softseg.diceLoss(labels, z) as tf.Tensor)(logits)
    .dataSync();
  const readout = (await page.locator('.readout').textContent())!;
  expect(readout).toContain('row 15, column 14');
  expectClose(numberOf(/d z (.*)$/.exec(readout)![1]!), Number(gradient[14 * SIZE + 13]!.toPrecision(3)));
  await page.close();
});

test('painting works by keyboard and by pointer', async () => {
  const { page, troubles } = await visit('losses');
  await page.getByLabel('Start label').selectOption('empty');
  await page.getByLabel('Start prediction').selectOption('nothing');
  const label = page.getByRole('application', { name: 'Label' });
  await label.focus();
  await page.keyboard.press('Space');
  await settle(page);
  expect(await page.locator('.readout').textContent()).toContain('t 0.33');
  expect(await page.locator('[aria-live=polite]:visible').first().textContent()).toContain('t 0.33');
  await page.getByRole('radio', { name: '2', exact: true }).focus();
  await page.keyboard.press('Space');
  await label.focus();
  await page.keyboard.press('Space');
  await settle(page);
  expect(await page.locator('.readout').textContent()).toContain('t 0.67');
  await page.keyboard.press('Backspace');
  await settle(page);
  expect(await page.locator('.readout').textContent()).toContain('t 0.33');

  const before = await shownValue(page);
  const box = (await page.getByRole('application', { name: 'Prediction' }).boundingBox())!;
  const at = (cell: number) => box.x + ((cell + 0.5) * box.width) / SIZE;
  await page.mouse.move(at(10), box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(at(20), box.y + box.height / 2, { steps: 3 });
  await page.mouse.up();
  await settle(page);
  expect(await page.locator('.readout').textContent()).toContain('p 0.90');
  expect(await shownValue(page)).not.toBe(before);
  expect(troubles).toEqual([]);
  await page.close();
});

test('no evaluation leaves a tensor behind', () => {
  const masks = LABELS['small']!.masks();
  const painting = { masks, prediction: PREDICTIONS['blurry']!.from(masks), withEmpty: true };
  const before = tf.memory().numTensors;
  for (const name of LOSSES) {
    for (const activation of CATALOGUE[name].activations as readonly Activation[]) {
      evaluate({ name: name as LossName, settings: defaults(CATALOGUE[name], activation) }, painting);
    }
  }
  expect(tf.memory().numTensors).toBe(before);
});

/**
 * The probabilities at which losses are lowest for soft labels t. The docs may call only those losses proper that pass
 * here.
 */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { LOSSES } from '../../src/training/lossRegistry.js';
import { ALL_LOSSES, descriptionNamed, ownVariants } from '../support/described.js';
import { hasRegion, lossNamed, REGION_LOSSES, type LossName } from '../support/oracle.js';

const GRID = Array.from({ length: 101 }, (_, i) => i / 100);

/** The p of the grid with the lowest loss when all pixels have label t, and that loss. */
function argmin(name: LossName, t: number, options: object): { p: number; value: number } {
  const values = GRID.map((p) => {
    const labels = tf.fill([1, 4, 1], t);
    return lossNamed(name)(labels, tf.fill([1, 4, 1], p), { activation: 'none', ...options }).dataSync()[0]!;
  });
  const value = Math.min(...values);
  return { p: GRID[values.indexOf(value)]!, value };
}

const PROPER: [string, LossName, object][] = [
  ['IoU', 'iouLoss', {}],
  ['Dice', 'diceLoss', {}],
  ['Tversky', 'tverskyLoss', { alpha: 0.3, beta: 0.7 }],
  ['focal Tversky', 'tverskyLoss', { alpha: 0.3, beta: 0.7, gamma: 0.75 }],
  ['generalized Dice', 'generalizedDiceLoss', {}],
  ['log-cosh Dice', 'logCoshDiceLoss', {}],
  ['log Dice', 'diceLoss', { log: true }],
  ['MCC', 'mccLoss', {}],
  ['squared Dice', 'diceLoss', { squared: true }],
  ['squared Dice, product', 'diceLoss', { squared: true, overlap: 'product' }],
  ['binary cross-entropy', 'binaryCrossEntropyLoss', {}],
  ['combo', 'comboLoss', {}],
  ['focal', 'focalLoss', {}],
  ['focal with alpha', 'focalLoss', { alpha: 0.25 }],
  ['focal with gamma below 1', 'focalLoss', { gamma: 0.5 }],
  ['unified focal', 'unifiedFocalLoss', {}],
];

/** Values of options whose rule lists none. */
const MORE: Partial<Record<LossName, Record<string, unknown>[]>> = {
  binaryCrossEntropyLoss: [{ posWeight: 3 }],
  comboLoss: [{ weights: { dice: 1, focal: 1 } }, { weights: { dice: 1, lovaszSoftmax: 1 } }],
};
const SUMS: Partial<Record<LossName, true>> = { unifiedFocalLoss: true, comboLoss: true };
/** Losses that take only labels of 0 and 1. */
const WITHOUT_SOFT_LABELS: Partial<Record<LossName, true>> = { lovaszHingeLoss: true };

test('comboLoss is lowest at p = t if all of its terms are', () => {
  const said = (terms: object[]) => descriptionNamed('comboLoss').lowestAtLabels({ terms });
  expect(said([{ loss: 'diceLoss', squared: true }, { loss: 'crossEntropyLoss' }])).toBe(true);
  expect(said([{ loss: 'diceLoss', overlap: 'product' }, { loss: 'crossEntropyLoss' }])).toBe(false);
  expect(said([{ loss: 'diceLoss' }, { loss: 'crossEntropyLoss', labelSmoothing: 0.1 }])).toBe(false);
});

test('cross-entropy over several classes is not lowest at p = t with weights or only some classes', () => {
  const description = descriptionNamed('crossEntropyLoss');
  for (const options of [{ classWeights: [1, 3] }, { classes: [1] }]) {
    const at = (p: number[]) =>
      LOSSES.crossEntropyLoss(tf.tensor([[0.5, 0.5]]), tf.tensor([p]), {
        activation: 'none',
        ...options,
      }).dataSync()[0]!;
    expect(at([0.25, 0.75])).toBeLessThan(at([0.5, 0.5]));
    expect(description.lowestAtLabels(options)).toBe(false);
    expect(description.lowestAtLabels({ ...options, activation: 'sigmoid' })).toBe(true);
  }
});

describe.each(PROPER)('%s', (_, name, options) => {
  test.each([0.1, 0.3, 0.5, 0.93, 1])('is lowest at p = t for t = %d', (t) => {
    expect(argmin(name, t, options).p).toBeCloseTo(t, 6);
  });
});

/**
 * True if the loss is smallest at p = t, and larger away from it. Each p is a sample of its own. (On wasm, log(1 + x)
 * is 0 for x below 6e-8, so log-cosh Dice is the same for several p near t.)
 */
function isSmallestAt(t: number, name: LossName, options: object): boolean {
  const labels = tf.fill([GRID.length, 4, 1], t);
  const predictions = tf.tile(tf.tensor(GRID, [GRID.length, 1, 1]), [1, 4, 1]);
  const how = { activation: 'none', reduction: 'sample', ...options };
  const values = [...LOSSES[name](labels, predictions, how).dataSync()];
  const there = values[Math.round(100 * t)]!;
  const away = values.filter((_, i) => Math.abs(GRID[i]! - t) > 0.095);
  return there - Math.min(...values) < 2e-7 && Math.min(...away) - there > 2e-7;
}

/** Every loss with each of its own options, in both overlap forms. */
const SAID = ALL_LOSSES.filter((name) => !(name in WITHOUT_SOFT_LABELS)).flatMap((name) => {
  const variants = [{}, ...ownVariants(name), ...(MORE[name] ?? [])];
  const product = hasRegion(name) ? variants.map((own) => ({ ...own, overlap: 'product' })) : [];
  return [...variants, ...product].map((own) => [name, own] as const);
});

describe('descriptions', () => {
  test.each(SAID)('say whether %s %j is lowest at p = t', (name, own) => {
    const found = [0.1, 0.3, 0.5, 0.93, 1].every((t) => isSmallestAt(t, name, own));
    const said = descriptionNamed(name).lowestAtLabels(own);
    // One term of a sum may outweigh another.
    if (said || !(name in SUMS)) expect(found).toBe(said);
  });
});

describe.each([...REGION_LOSSES, 'focalLoss'] as const)('%s', (name) => {
  test('and its gradient are 0 at p = t, for different pixels', () => {
    const t = tf.tensor([0, 0.2, 0.93, 1, 0.5, 0.07], [1, 2, 3, 1]);
    // The same tensor used twice would hide a wrong derivative at p = t.
    const p = tf.add(t, 0);
    const loss = (x: tf.Tensor) => lossNamed(name)(t, x, { activation: 'none' });
    expect(loss(p).dataSync()[0]).toBeLessThan(1e-6);
    expect(Math.max(...tf.grad(loss)(p).dataSync().map(Math.abs))).toBeLessThan(1e-6);
  });
});

describe('the product form', () => {
  test('prefers p = 1 for t = 0.3, which is why it is not the default', () => {
    for (const name of ['iouLoss', 'diceLoss', 'generalizedDiceLoss', 'logCoshDiceLoss'] as const) {
      expect(argmin(name, 0.3, { overlap: 'product' }).p).toBe(1);
    }
    expect(argmin('diceLoss', 0.3, { overlap: 'product', log: true }).p).toBe(1);
  });
});

describe('cross-entropy with soft labels', () => {
  test('is lowest at p = t, where it equals the entropy of t, or 0 with subtractEntropy', () => {
    const t = tf.tensor([[0.93, 0.07]]);
    const values = GRID.slice(1, -1).map((p) => {
      return lossNamed('crossEntropyLoss')(t, tf.tensor([[p, 1 - p]]), { activation: 'none' }).dataSync()[0]!;
    });
    const least = Math.min(...values);
    expect(GRID[values.indexOf(least) + 1]).toBeCloseTo(0.93, 6);
    expect(least).toBeCloseTo(-0.93 * Math.log(0.93) - 0.07 * Math.log(0.07), 5);
    const exact = lossNamed('crossEntropyLoss')(t, tf.log(t), { subtractEntropy: true });
    expect(Math.abs(exact.dataSync()[0]!)).toBeLessThan(1e-6);
  });
});

import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { hausdorffLoss } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomDistribution, randomLabels, randomLogits } from '../support/random.js';

const SHAPE = [2, 5, 6, 3];
const number = (x: tf.Tensor) => x.dataSync()[0]!;

describe('hausdorffLoss', () => {
  test('and its gradient are 0 at p = t on soft labels, and the loss is larger elsewhere', () => {
    const t = toTensor(randomLabels(SHAPE, 4));
    const options = { activation: 'none' } as const;
    const { value, grad } = tf.valueAndGrad((p) => hausdorffLoss(t, p, options))(tf.clone(t));
    expect(number(value)).toBe(0);
    expectClose(grad, tf.zeros(SHAPE));
    for (const shift of [-0.1, 0.02, 0.3]) {
      const moved = tf.clipByValue(tf.add(t, shift), 0, 1);
      expect(number(hausdorffLoss(t, moved, options))).toBeGreaterThan(0);
    }
  });

  test('scales with the spacing to the power alpha', () => {
    const [t, z] = [toTensor(randomDistribution(SHAPE, 2, 3)), toTensor(randomLogits(SHAPE, 1))];
    for (const alpha of [0.5, 1, 2, 3]) {
      const scaled = tf.mul(hausdorffLoss(t, z, { alpha }), 3 ** alpha);
      expectClose(hausdorffLoss(t, z, { alpha, spacing: 3 }), scaled);
    }
  });

  test('costs more the farther a false pixel lies from the label', () => {
    const t = tf.tensor([1, 1, 0, 0, 0, 0, 0, 0], [1, 8, 1]);
    const costs = [2, 3, 4, 5, 6].map((place) => {
      const p = Array.from({ length: 8 }, (_, i) => Number(i < 2 || i === place));
      return number(hausdorffLoss(t, tf.tensor(p, [1, 8, 1]), { activation: 'none' }));
    });
    expect(costs).toEqual(costs.slice().sort((a, b) => a - b));
    expect(costs[4]!).toBeGreaterThan(10 * costs[0]!);
  });

  test('measures from the prediction where the label has no border, and is 0 where neither has', () => {
    const empty = tf.zeros([1, 5, 1]);
    const one = tf.tensor([0, 0, 0, 1, 0], [1, 5, 1]);
    const faint = tf.fill([1, 5, 1], 0.4);
    // The false pixel is one step away from the outside: 1² / 5.
    expect(number(hausdorffLoss(empty, one, { activation: 'none' }))).toBeCloseTo(0.2);
    const { value, grad } = tf.valueAndGrad((p) => hausdorffLoss(empty, p, { activation: 'none' }))(faint);
    expect(number(value)).toBe(0);
    expectClose(grad, tf.zeros([1, 5, 1]));
  });
});

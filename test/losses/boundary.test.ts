import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { boundaryLoss, checkValues, signedDistance } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomDistribution, randomIndices, randomLogits } from '../support/random.js';

const SHAPE = [2, 5, 6, 3];
const labels = () => toTensor(randomDistribution(SHAPE, 2, 3));
const logits = () => toTensor(randomLogits(SHAPE, 1));

afterEach(() => checkValues('first'));

describe('boundaryLoss', () => {
  test('given the maps of signedDistance equals the loss that computes them', () => {
    const [t, z] = [labels(), logits()];
    const mask = tf.tile(tf.tensor([[[1, 0.5, 1, 1, 0, 0]]]), [2, 5, 1]);
    const spacing = [2, 0.5];
    const distances = signedDistance(t, { spacing, mask });
    for (const options of [{}, { reduction: 'none' as const }, { classes: [0, 2], classWeights: [3, 1, 1] }]) {
      const given = (x: tf.Tensor) => boundaryLoss(t, x, { ...options, mask, distances });
      const own = (x: tf.Tensor) => boundaryLoss(t, x, { ...options, mask, spacing });
      expectClose(given(z), own(z), 1e-6);
      expectClose(tf.grad((x) => tf.sum(given(x)))(z), tf.grad((x) => tf.sum(own(x)))(z), 1e-6);
    }
  });

  test('is the same with maps for class indices or with classes first', () => {
    const [t, z] = [labels(), logits()];
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    const distances = signedDistance(toFront(t), { axis: 1 });
    expectClose(boundaryLoss(toFront(t), toFront(z), { axis: 1, distances }), boundaryLoss(t, z));
    const indices = toTensor(randomIndices([2, 5, 6], 4, 3));
    const maps = signedDistance(indices, { classes: 3 });
    expectClose(boundaryLoss(indices, z, { distances: maps }), boundaryLoss(indices, z));
  });

  test('accepts the maps themselves as labels, as model.fit passes them, also under value checks', () => {
    const z = logits();
    const distances = signedDistance(labels());
    expectClose(boundaryLoss(distances, z, { distances }), boundaryLoss(labels(), z));
    checkValues('always');
    expect(() => boundaryLoss(labels(), z, { distances })).not.toThrow();
  });

  test('has the distance as its gradient with respect to any probability', () => {
    const t = tf.tensor([0, 0, 1, 1, 1, 0], [1, 6, 1]);
    for (const p of [tf.zeros([1, 6, 1]), tf.ones([1, 6, 1]), tf.fill([1, 6, 1], 0.3)]) {
      const gradient = tf.grad((x) => boundaryLoss(t, x, { activation: 'none', reduction: 'sum' }))(p);
      expectClose(tf.mul(gradient, 6), tf.tensor([2, 1, 0, -1, 0, 1], [1, 6, 1]));
    }
  });

  test('is lowest at the label, and negative there if pixels lie deep inside', () => {
    const t = tf.tensor([0, 1, 1, 1, 0, 0], [1, 6, 1]);
    const loss = (p: number[]) => boundaryLoss(t, tf.tensor(p, [1, 6, 1]), { activation: 'none' }).dataSync()[0]!;
    const right = loss([0, 1, 1, 1, 0, 0]);
    expect(right).toBeCloseTo(-1 / 6);
    expect(loss([1, 1, 1, 1, 0, 0])).toBeGreaterThan(right);
    expect(loss([0, 1, 0, 1, 0, 0])).toBeGreaterThan(right);
    // The outermost row inside has distance 0 and is left to the region loss that is added.
    expect(loss([0, 0, 1, 0, 0, 0])).toBeCloseTo(right);
  });

  test('is 0 without a gradient for a class that the sample lacks, or that fills it', () => {
    const z = logits();
    for (const t of [tf.zeros([2, 5, 6], 'int32'), tf.ones([2, 5, 6], 'int32')]) {
      const { value, grad } = tf.valueAndGrad((x) => boundaryLoss(t, x))(z);
      expect(value.dataSync()[0]).toBe(0);
      expectClose(grad, tf.zeros(SHAPE));
    }
  });

  test('scales with the spacing', () => {
    const [t, z] = [labels(), logits()];
    expectClose(boundaryLoss(t, z, { spacing: 3 }), tf.mul(boundaryLoss(t, z), 3));
  });

  const REFUSED: [string, () => object, string][] = [
    [
      'maps of another shape',
      () => ({ distances: tf.zeros([2, 5, 6]) }),
      'distances must have the shape of the predictions [2,5,6,3], got [2,5,6]',
    ],
    ['maps of ints', () => ({ distances: tf.zeros(SHAPE, 'int32') }), 'distances must be float32, got int32'],
    [
      'spacing together with maps',
      () => ({ distances: tf.zeros(SHAPE), spacing: 2 }),
      'spacing cannot be combined with distances, which have a spacing already',
    ],
  ];
  test.each(REFUSED)('refuses %s', (_, options, message) => {
    expect(() => boundaryLoss(labels(), logits(), options())).toThrow(`boundaryLoss: ${message}`);
  });
});

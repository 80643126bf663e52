/** comboLoss with terms that have passes of their own. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import { comboLoss, signedDistance, type ComboTerm } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomIndices, randomLogits } from '../support/random.js';

type AnyLoss = (labels: tf.Tensor, predictions: tf.Tensor, options?: object) => tf.Tensor;

const labels = () => toTensor(randomIndices([2, 5, 4], 1, 3));
const logits = () => toTensor(randomLogits([2, 5, 4, 3], 2));
const mask = () => tf.cast(tf.greater(toTensor(randomArray([2, 5, 4], 3, 0, 1)), 0.3), 'float32');

const TERMS: [ComboTerm, object][] = [
  ['unifiedFocal', { lambda: 0.3, delta: 0.7, smooth: 0.1 }],
  ['lovaszHinge', { aggregate: 'batch' }],
  ['lovaszSoftmax', { sharpness: 2 }],
  ['boundary', { spacing: [2, 1] }],
  ['hausdorff', { alpha: 1.5, spacing: 0.5 }],
  ['clDice', { iterations: 2, smooth: 0.5 }],
];

describe.each(TERMS)('%s', (term, own) => {
  const loss = softseg[`${term}Loss` as keyof typeof softseg] as AnyLoss;

  test('is added with its weight, with the options it knows, in value and gradient', () => {
    const [t, z] = [labels(), logits()];
    const options = { mask: mask(), classWeights: [1, 2, 0.5] };
    const region = ['aggregate', 'smooth'].filter((name) => name in own);
    const ofDice = Object.fromEntries(Object.entries(own).filter(([name]) => [...region, 'sharpness'].includes(name)));
    const expected = (x: tf.Tensor) =>
      tf.add(
        tf.mul((softseg.diceLoss as AnyLoss)(t, x, { ...options, ...ofDice }), 2),
        tf.mul(loss(t, x, { ...options, ...own }), 0.25),
      );
    const actual = (x: tf.Tensor) => comboLoss(t, x, { ...options, ...own, weights: { dice: 2, [term]: 0.25 } });
    expectClose(actual(z), expected(z));
    expectClose(tf.grad(actual)(z), tf.grad(expected)(z));
  });

  test('is one value per sample with reduction sample, and leaves no tensor', () => {
    const [t, z] = [labels(), logits()];
    const before = tf.memory().numTensors;
    const { aggregate: _, ...options } = own as { aggregate?: string };
    const value = comboLoss(t, z, { ...options, weights: { iou: 1, [term]: 1 }, reduction: 'sample' });
    expect(value.shape).toEqual([2]);
    value.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('boundary and hausdorff go together with maps for the one and a spacing for the other', () => {
  const [t, z] = [labels(), logits()];
  const distances = signedDistance(t, { classes: 3, spacing: 2 });
  const both = comboLoss(t, z, { weights: { boundary: 1, hausdorff: 1 }, distances, spacing: 2 });
  const apart = tf.add(softseg.boundaryLoss(t, z, { distances }), softseg.hausdorffLoss(t, z, { spacing: 2 }));
  expectClose(both, apart);
});

test.each([
  [{ iterations: 2 }, "option 'iterations' goes with the terms clDice; weights has iou, crossEntropy"],
  [
    { alpha: 1, weights: { tversky: 1, hausdorff: 1 } },
    "option 'alpha' means one thing to tversky and another to hausdorff: add up two losses instead",
  ],
  [
    { weights: { crossEntropy: 1, boundary: 1 }, reduction: 'none' as const },
    "reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got crossEntropy, boundary",
  ],
])('%o is an error', (options, message) => {
  expect(() => comboLoss(labels(), logits(), options)).toThrow(`comboLoss: ${message}`);
});

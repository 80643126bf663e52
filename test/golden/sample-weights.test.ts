// Values and gradients of Keras's losses with its sample_weight, recorded by sample-weights.py.
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { namedLoss, packSampleWeights, withSampleWeights, type LossName } from '../../src/training/index.js';
import { expectClose } from '../support/compare.js';
import golden from './sample-weights.json' with { type: 'json' };

const inputs = golden.inputs as Record<string, { shape: number[]; data: number[] }>;
const input = (name: string) => tf.tensor(inputs[name]!.data, inputs[name]!.shape);
const cases = Object.values(golden).find((part) => Array.isArray(part)) as unknown as {
  ours: string;
  call: string;
  labels: string;
  predictions: string;
  value: number;
  gradient: number[];
}[];

describe('a loss in withSampleWeights', () => {
  test('has recorded cases', () => expect(cases.length).toBe(4));

  test.each(cases.map((each) => [`Keras ${golden.versions.Keras}: ${each.call}`, each] as const))(
    'equals %s',
    (_, { ours, labels, predictions, value, gradient }) => {
      tf.tidy(() => {
        const z = input(predictions);
        // Keras's Dice is the product form over the sample, with a small number in the denominator.
        const options = ours === 'diceLoss' ? { overlap: 'product', absent: 'smooth' } : {};
        const loss = withSampleWeights(namedLoss(ours as LossName, options as object));
        const packed = packSampleWeights(input(labels), input('weights'));
        expectClose(loss(packed, z), tf.scalar(value), 2e-6);
        expectClose(tf.grad((x) => loss(packed, x))(z), tf.tensor(gradient, z.shape));
      });
    },
  );
});

/** What the compiler knows of the results; `npm run types` checks it. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  comboLoss,
  crossEntropyLoss,
  diceLoss,
  iouLoss,
  type IouLossOptions,
  type OptionRules,
} from '../../src/index.js';
import type { SumsFormula } from '../../src/overlap/sumsFormula.js';

test('the reduction says what the result is', () => {
  const [t, z] = [tf.ones([2, 3, 1]), tf.zeros([2, 3, 1])];
  const mean: tf.Scalar = iouLoss(t, z, { overlap: 'product' });
  const sum: tf.Scalar = comboLoss(t, z, { reduction: 'sum' });
  const samples: tf.Tensor1D = diceLoss(t, z, { reduction: 'sample' });
  const table: tf.Tensor2D = diceLoss(t, z, { reduction: 'none' });
  const options: IouLossOptions = {};
  const any: tf.Tensor = iouLoss(t, z, options);
  // @ts-expect-error one value per pixel is no scalar
  const pixels: tf.Scalar = crossEntropyLoss(t, z, { reduction: 'none' });
  // @ts-expect-error an option that does not exist
  expect(() => iouLoss(t, z, { smoothing: 1 })).toThrow();
  expect([mean, sum, samples, table, any, pixels].map(({ rank }) => rank)).toEqual([0, 0, 1, 2, 0, 2]);
});

test('a formula reads the sums that it asks for, and no others', () => {
  const right: SumsFormula<'predicted'> = { sums: ['predicted'], of: (_, { predicted }) => predicted, shape: () => [] };
  const wrong: SumsFormula<'predicted'> = {
    sums: ['predicted'],
    // @ts-expect-error it did not ask for labelled
    of: (_, { labelled }) => labelled as never,
    shape: () => [],
  };
  expect([right, wrong].map(({ sums }) => sums)).toEqual([['predicted'], ['predicted']]);
});

test('a loss has a rule for each of its options', () => {
  const rules: OptionRules<{ power?: number; hard?: boolean }> = {
    power: { kind: 'number', default: 2, least: 0 },
    // @ts-expect-error a flag is no number
    hard: { kind: 'number', default: 0, least: 0 },
  };
  // @ts-expect-error there is no rule for power
  const none: OptionRules<{ power?: number }> = {};
  expect([rules, none].map((each) => Object.keys(each).length)).toEqual([2, 0]);
});

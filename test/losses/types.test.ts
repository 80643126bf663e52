/** What the compiler knows of the results; `npm run types` checks it. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { comboLoss, crossEntropyLoss, diceLoss, iouLoss, type IouLossOptions } from '../../src/index.js';

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

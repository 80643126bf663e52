/** The passes in plain tfjs ops, which run on every backend. Call them inside tf.tidy. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Kernels, PassInputs, Wrt } from '../contract.js';
import { withGradient } from '../../ops/withGradient.js';
import { fromPixels } from '../layout.js';
import { entropyMapPass } from './entropyMap.js';
import { overlapPass } from './overlap.js';
import type { Pass } from './pass.js';

export const composedKernels: Kernels = {
  name: 'composed',
  readsAtOnce: false,
  formulas: null,
  sums: (inputs, attributes, sums) => differentiable(inputs, overlapPass(attributes, sums)),
  sumsInUnits: (inputs, attributes, sums) => ({ values: composedKernels.sums(inputs, attributes, sums), unit: 1 }),
  entropyMap: (inputs, attributes, coefficients) => differentiable(inputs, entropyMapPass(attributes, coefficients)),
};

/**
 * The value of a pass as a differentiable tensor. withGradient always computes the gradients with respect to all its
 * inputs, so the labels get a function of their own: it adds zeros to the value, and its gradient is computed only if a
 * caller differentiates with respect to the labels.
 */
function differentiable<T extends Tensor>(inputs: PassInputs, pass: Pass<T>): T {
  const { labels, predictions, weights, labelKind, layout } = inputs;
  const saved = [labels, predictions, weights] as const;
  const gradient =
    (wrt: Wrt) =>
    (dy: T, [labels, predictions, weights]: typeof saved): Tensor =>
      fromPixels(pass.gradient({ ...inputs, labels, predictions, weights }, dy, wrt), layout);

  const value = withGradient(predictions, () => ({ value: pass.value(inputs), saved }), gradient('predictions'));
  if (labelKind === 'indices' || labels.dtype !== 'float32') return value;
  const zero = withGradient(labels, () => ({ value: tf.zerosLike(value), saved }), gradient('labels'));
  return tf.add(value, zero);
}

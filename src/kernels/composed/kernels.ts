/** The passes in plain tfjs ops: they run on every backend. Call them inside tf.tidy. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { Kernels, PassInputs, Wrt } from '../contract.js';
import { fromPixels } from '../layout.js';
import { entropyMapPass } from './entropyMap.js';
import { overlapPass } from './overlap.js';
import type { Pass } from './pass.js';

export const composedKernels: Kernels = {
  name: 'composed',
  readsAtOnce: false,
  sums: (inputs, attributes, sums) => differentiable(inputs, overlapPass(attributes, sums)),
  entropyMap: (inputs, attributes, coefficients) => differentiable(inputs, entropyMapPass(attributes, coefficients)),
};

/**
 * tfjs computes the gradients of a customGrad to all its inputs, wanted or not. So labels get a customGrad of their
 * own: it adds zeros to the value, and its gradient is computed only when somebody differentiates by the labels.
 */
export function differentiable<T extends Tensor>(inputs: PassInputs, pass: Pass<T>): T {
  const { labels, predictions, weights, labelKind, layout } = inputs;
  const kept = weights ? [labels, predictions, weights] : [labels, predictions];
  const gradient = (dy: T, [labels, predictions, weights]: Tensor[], wrt: Wrt): Tensor => {
    const saved = { ...inputs, labels: labels!, predictions: predictions!, weights: (weights as Tensor3D) ?? null };
    // tfjs does not tidy gradients: what they make would live until all of them are done.
    return tf.tidy(() => fromPixels(pass.gradient(saved, dy, wrt), layout));
  };

  const byPredictions = tf.customGrad((_, save) => {
    (save as tf.GradSaveFunc)(kept);
    const gradFunc = (dy: T, saved: Tensor[]) => gradient(dy, saved, 'predictions');
    return { value: pass.value(inputs), gradFunc };
  });
  const value = byPredictions(predictions) as T;
  if (labelKind === 'indices' || labels.dtype !== 'float32') return value;

  const byLabels = tf.customGrad((_, save) => {
    (save as tf.GradSaveFunc)(kept);
    return { value: tf.zerosLike(value), gradFunc: (dy: T, saved: Tensor[]) => gradient(dy, saved, 'labels') };
  });
  return tf.add(value, byLabels(labels));
}

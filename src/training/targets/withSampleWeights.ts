import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { fail, show, showShape } from '../../checks.js';
import { isNamedLoss, type NamedLoss } from '../boundLoss.js';
import { wrappedLoss, type LossOfPacked, type PackOptions } from './packedLoss.js';

interface SampleReduction {
  reduction?: string;
}

/** The third argument of a loss in `withSampleWeights`. */
export interface SampleOptions {
  reduction: 'sample';
  axis?: number;
}

/**
 * Wraps a loss so that it takes labels from `packSampleWeights`, with a weight v_n for each sample n: 1/N Σ_n
 * v_n·loss_n, where loss_n is the value of the loss with reduction `'sample'`. This is the meaning of `sample_weight`
 * in Keras (it divides by the number of samples, not by the sum of the weights). It also works for region losses, where
 * a constant mask over a sample would cancel. A sample in which nothing counts (no valid pixel, or no class that takes
 * part) has the value 0, and still counts in N.
 *
 * Around a loss of this package or a `namedLoss` the result is a `NamedLoss`, with a `lossName` such as
 * `'withSampleWeights(diceLoss)'`. A function of your own has to use its third argument.
 * `withSampleWeights(withMask(loss))` takes `packSampleWeights(packMask(labels, mask), weights)`.
 *
 * @param loss a loss of this package, a `namedLoss`, or `(labels, predictions, { reduction }) => tensor of [N]`
 * @returns a loss that returns a scalar; with the option reduction `'sample'` it returns `[N]`, the values v_n·loss_n
 * @throws if loss is not a function; when called, if the labels are not packed, if the loss has no value per sample
 * (`aggregate: 'batch'`, other reductions), or if the loss throws
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[1, 0], [0, 1]], [[0, 1], [0, 1]]]);
 * const [logits, weights] = [tf.randomNormal([2, 2, 2]), tf.tensor([1, 0.5])];
 * const loss = withSampleWeights(diceLoss);
 * const packed = packSampleWeights(labels, weights);
 * loss(packed, logits); // = diceLoss(labels, logits, { reduction: 'sample' }).mul(weights).mean()
 * ```
 */
export function withSampleWeights<O extends object>(loss: NamedLoss<O>): NamedLoss<O>;
export function withSampleWeights(
  loss: (labels: Tensor, predictions: Tensor, options: SampleOptions) => Tensor,
  options?: PackOptions,
): LossOfPacked;
export function withSampleWeights(loss: unknown, options: PackOptions = {}): LossOfPacked {
  const fn = 'withSampleWeights';
  return inFunction(fn, () =>
    wrappedLoss(fn, loss, options, (inside, { labels, weights }, predictions, more: SampleReduction) => {
      const { reduction: own = 'mean' } = isNamedLoss(inside) ? (inside as NamedLoss<SampleReduction>).options : {};
      const { reduction = own } = more;
      if (reduction !== 'mean' && reduction !== 'sample') {
        fail(`reduction must be 'mean' or 'sample', got ${show(reduction)}`);
      }
      const samples = predictions.shape[0]!;
      const values = inside(labels, predictions, { ...more, reduction: 'sample' });
      if (values.rank !== 1 || values.shape[0] !== samples) {
        const rule = `the loss must return [${samples}] if its third argument is { reduction: 'sample' }`;
        fail(`${rule}, got ${showShape(values.shape)}`);
      }
      // The weight is the same at every pixel.
      const perSample = tf.slice(tf.reshape(weights, [samples, -1]), [0, 0], [samples, 1]);
      const weighted = tf.mul(values, tf.cast(tf.reshape(perSample, [samples]), 'float32'));
      return reduction === 'sample' ? weighted : tf.mean(weighted);
    }),
  );
}

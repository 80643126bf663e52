import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { fail, show, showShape } from '../../checks.js';
import { isNamedLoss, type NamedLoss } from '../boundLoss.js';
import { wrappedLoss, type LossOfPacked, type PackOptions } from './packedLoss.js';

interface SampleReduction {
  reduction?: string;
}

/** What a loss in `withSampleWeights` gets as its third argument. */
export interface SampleOptions {
  reduction: 'sample';
  axis?: number;
}

/**
 * A loss of labels that `packSampleWeights` made, with weight v_n for sample n: 1/N Σ_n v_n·loss_n, loss_n the value that
 * the loss gives with reduction `'sample'`. This is what `sample_weight` of Keras means (divided by the number of
 * samples, not by the sum of the weights). It is right for region losses, in which a constant mask over a sample cancels.
 * Samples of which nothing counts (no valid pixel, no class that takes part) are among the N, with the value 0.
 *
 * Around a loss of this package or a `namedLoss` it is a `NamedLoss`, `lossName` `'withSampleWeights(diceLoss)'`. A function
 * of your own has to pass its third argument on. `withSampleWeights(withMask(loss))` takes
 * `packSampleWeights(packMask(labels, mask), weights)`.
 *
 * @param loss a loss of this package, a `namedLoss`, or `(labels, predictions, { reduction }) => tensor of [N]`
 * @returns a loss that gives a scalar; with its options' reduction `'sample'` `[N]`, the v_n·loss_n
 * @throws if loss is no function; when called, if the labels are not packed, or the loss gives no value per sample
 *   (`aggregate: 'batch'`, other reductions), or as the loss does
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[1, 0], [0, 1]], [[0, 1], [0, 1]]]);
 * const [logits, weights] = [tf.randomNormal([2, 2, 2]), tf.tensor([1, 0.5])];
 * const loss = withSampleWeights(diceLoss);
 * loss(packSampleWeights(labels, weights), logits); // = diceLoss(labels, logits, { reduction: 'sample' }).mul(weights).mean()
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
        fail(
          `the loss must give [${samples}] with reduction 'sample', its third argument, got ${showShape(values.shape)}`,
        );
      }
      // The weight is the same at every pixel.
      const perSample = tf.slice(tf.reshape(weights, [samples, -1]), [0, 0], [samples, 1]);
      const weighted = tf.mul(values, tf.cast(tf.reshape(perSample, [samples]), 'float32'));
      return reduction === 'sample' ? weighted : tf.mean(weighted);
    }),
  );
}

import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { fail } from '../../checks.js';
import type { NamedLoss } from '../boundLoss.js';
import { wrappedLoss, type LossOfPacked, type PackOptions } from './packedLoss.js';

/** The third argument of a loss in `withMask`. */
export interface MaskOptions {
  mask: Tensor;
  axis?: number;
}

/**
 * Wraps a loss so that it takes labels from `packMask`: it takes labels and mask apart, and calls the loss as
 * `loss(labels, predictions, { mask })`. It also wraps scores, for metrics of `compile`.
 *
 * Around a loss of this package or a `namedLoss` the result is a `NamedLoss`, with a `lossName` such as
 * `'withMask(diceLoss)'`, which can be saved and changed like the loss itself. A function of your own has to use its
 * third argument. Each call copies the labels out of the packed tensor. With one class and a float mask, class indices
 * must be 0, 1 or the loss's `ignoreLabel`.
 *
 * @param loss a loss of this package, a `namedLoss`, or `(labels, predictions, { mask }) => tensor`
 * @throws if loss is not a function; when called, if the labels are not packed, or if the loss throws
 *
 * @example
 * ```ts
 * const [labels, logits] = [tf.ones([2, 8, 8, 1]), tf.randomNormal([2, 8, 8, 1])];
 * const mask = tf.randomUniform([2, 8, 8]);
 * const loss = withMask(namedLoss('diceLoss', { smooth: 1 }));
 * loss(packMask(labels, mask), logits); // = diceLoss(labels, logits, { mask, smooth: 1 })
 *
 * const model = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 1, kernelSize: 1 })] });
 * model.compile({ optimizer: 'sgd', loss, metrics: [withMask(iouScore)] });
 * acceptAnyTargets(model);
 * await model.fit(tf.ones([2, 8, 8, 1]), packMask(labels, mask), { epochs: 1, verbose: 0 });
 * ```
 */
export function withMask<O extends object>(loss: NamedLoss<O>): NamedLoss<O>;
export function withMask(
  loss: (labels: Tensor, predictions: Tensor, options: MaskOptions) => Tensor,
  options?: PackOptions,
): LossOfPacked;
export function withMask(loss: unknown, options: PackOptions = {}): LossOfPacked {
  const fn = 'withMask';
  return inFunction(fn, () =>
    wrappedLoss(fn, loss, options, (inside, { labels, weights }, predictions, more: { mask?: Tensor }) => {
      if (more.mask !== undefined) fail('the mask comes with the labels, got another one in the options');
      return inside(labels, predictions, { ...more, mask: weights });
    }),
  );
}

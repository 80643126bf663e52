import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { fail, show } from '../checks.js';
import {
  descriptionOf,
  type DescribedLoss,
  type AnyDescription,
  type LossFunction,
} from '../losses/descriptions/lossDescription.js';
import { bindLoss, type NamedLoss } from './boundLoss.js';
import { isLossName, LOSSES, type LossName, type LossOptions } from './lossRegistry.js';

/**
 * A loss of this package with its options, as `model.compile` takes it: `namedLoss('diceLoss', { aggregate: 'batch' })`
 * computes what `(t, p) => diceLoss(t, p, { aggregate: 'batch' })` does. Unlike that function it can be saved with the
 * model (`saveModel`), found again (`compileSaved`), and changed while training goes on (`anneal`).
 *
 * Options must be plain values: masks, distance maps and activation functions are tied to a batch or a program. A loss
 * of your own is a third argument, or, made by `defineLoss` or `defineRegionLoss`, the first one instead of a name.
 *
 * @param name a loss of this package
 * @param options its options
 * @throws if the package has no such loss, or the loss has no such option, or an option is no plain value
 *
 * @example
 * ```ts
 * const loss = namedLoss('iouLoss', { aggregate: 'batch' });
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]);
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * loss(labels, logits); // = iouLoss(labels, logits, { aggregate: 'batch' })
 * loss.set({ sharpness: 4 });
 * loss(labels, logits); // = iouLoss(labels, logits, { aggregate: 'batch', sharpness: 4 })
 * ```
 */
export function namedLoss<N extends LossName>(name: N, options?: LossOptions[N]): NamedLoss<LossOptions[N]>;
/**
 * A loss of your own under a name. Whoever loads a model that was saved with it hands it to `compileSaved` under that name.
 *
 * @param name any that is no loss of this package
 * @param options plain values, which the loss gets as its third argument
 * @param loss `(labels, predictions, options) => tensor`
 */
export function namedLoss<O extends object>(
  name: string,
  options: O,
  loss: (labels: Tensor, predictions: Tensor, options: O) => Tensor,
): NamedLoss<O>;
/**
 * The same of a loss that describes itself, one of this package or one of `defineLoss` or `defineRegionLoss`, under its
 * own name.
 */
export function namedLoss<O extends object>(loss: DescribedLoss<O>, options?: O): NamedLoss<O>;
export function namedLoss(given: unknown, options: object = {}, loss?: unknown): NamedLoss {
  return inFunction('namedLoss', () => {
    const description = descriptionOf(given);
    if (description) return bindDescribed(given as LossFunction, description, options);
    const name = given as string;
    if (typeof name !== 'string' || name === '') fail(`name must be a string, got ${show(name)}`);
    if (loss !== undefined) {
      if (typeof loss !== 'function') fail(`loss must be a function, got ${show(loss)}`);
      if (isLossName(name)) fail(`'${name}' is a loss of softseg; give your own another name`);
      return bindLoss(name, loss as LossFunction, descriptionOf(loss), options);
    }
    if (!isLossName(name)) {
      fail(`there is no loss ${show(name)}; softseg has ${Object.keys(LOSSES).join(', ')}; or pass your own`);
    }
    return bindLoss(name, LOSSES[name], LOSSES[name].description, options);
  });
}

function bindDescribed(loss: LossFunction, description: AnyDescription, options: object): NamedLoss {
  const { name } = description;
  if (isLossName(name) && LOSSES[name] !== loss) {
    fail(`'${name}' is a loss of softseg; give your own another name`);
  }
  return bindLoss(name, loss, description, options);
}

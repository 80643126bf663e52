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
 * A loss of this package bound to its options, for `model.compile`: `namedLoss('diceLoss', { aggregate: 'batch' })`
 * computes the same as `(t, p) => diceLoss(t, p, { aggregate: 'batch' })`. Unlike that function, it can be saved with
 * the model (`saveModel`), restored (`compileSaved`), and changed during training (`anneal`).
 *
 * Options must be plain values, because they are saved: no masks, distance maps or activation functions. A loss of your
 * own is passed as the third argument. If `defineLoss` or `defineRegionLoss` made it, it can be passed as the first
 * argument, in place of the name.
 *
 * @param name the name of a loss of this package
 * @param options its options
 * @throws if the package has no such loss, the loss has no such option, or an option is not a plain value
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
 * A loss of your own under a name. To load a model that was saved with it, pass the loss to `compileSaved` under that
 * name.
 *
 * @param name any name that is not that of a loss of this package
 * @param options plain values, passed to the loss as its third argument
 * @param loss `(labels, predictions, options) => tensor`
 */
export function namedLoss<O extends object>(
  name: string,
  options: O,
  loss: (labels: Tensor, predictions: Tensor, options: O) => Tensor,
): NamedLoss<O>;
/**
 * The same for a loss that describes itself, under its own name: a loss of this package, or one made by `defineLoss` or
 * `defineRegionLoss`.
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

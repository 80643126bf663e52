import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptionNames, fail, show } from '../checks.js';
import { checkJson } from './saving/json.js';
import { isLossName, LOSSES, type LossFunction, type LossName, type LossOptions } from './lossRegistry.js';

/** A loss with its options, which can be saved with a model and changed while it trains. */
export interface NamedLoss<O extends object = object> {
  /** The loss; `options` are added to its own for this call. */
  (labels: Tensor, predictions: Tensor, options?: object): Tensor;
  readonly lossName: string;
  readonly options: Readonly<O>;
  /** Changes some options from the next call on. `undefined` takes an option away. */
  set(changes: Partial<O>): void;
}

const FN = 'namedLoss';

/**
 * A loss of this package with its options, as `model.compile` takes it: `namedLoss('diceLoss', { aggregate: 'batch' })`
 * computes what `(t, p) => diceLoss(t, p, { aggregate: 'batch' })` does. Unlike that function it can be saved with the
 * model (`saveModel`), found again (`compileSaved`), and changed while training goes on (`anneal`).
 *
 * Options must be plain values: masks, distance maps and activation functions are tied to a batch or a program. A loss
 * of your own is a third argument.
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
export function namedLoss(name: string, options: object = {}, loss?: unknown): NamedLoss {
  if (typeof name !== 'string' || name === '') fail(FN, `name must be a string, got ${show(name)}`);
  if (loss !== undefined) {
    if (typeof loss !== 'function') fail(FN, `loss must be a function, got ${show(loss)}`);
    if (isLossName(name)) fail(FN, `'${name}' is a loss of softseg; give your own another name`);
    return bind(name, loss as LossFunction, undefined, options);
  }
  if (!isLossName(name)) {
    fail(FN, `there is no loss ${show(name)}; softseg has ${Object.keys(LOSSES).join(', ')}; or pass your own`);
  }
  return bind(name, LOSSES[name].loss, LOSSES[name].options, options);
}

export const isNamedLoss = (value: unknown): value is NamedLoss =>
  typeof value === 'function' && 'lossName' in value && 'options' in value && 'set' in value;

function bind(name: string, loss: LossFunction, known: readonly string[] | undefined, first: object): NamedLoss {
  const checked = (options: object) => {
    // null may be a value of an option of a loss that is not ours.
    const own = known ? [] : Object.keys(options);
    checkOptionNames(`${FN} of ${name}`, options, known ?? own, own);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    for (const [option, value] of given) {
      if (typeof value !== 'function') checkJson(FN, `${name}'s ${option}`, value);
      else fail(FN, `${name}'s ${option} is a function, which cannot be saved; put it into a loss of your own: namedLoss(name, options, loss)`); // prettier-ignore
    }
    return Object.fromEntries(given) as object;
  };
  let options = checked(first);
  const named = (labels: Tensor, predictions: Tensor, more?: object) => {
    return loss(labels, predictions, more ? { ...options, ...more } : options);
  };
  Object.defineProperties(named, {
    name: { value: name },
    lossName: { value: name },
    options: { get: () => options },
    set: { value: (changes: object) => void (options = checked({ ...options, ...changes })) },
  });
  return named as NamedLoss;
}

/** A loss with options that can change: what `namedLoss` gives, without the list of all losses. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames, fail } from '../checks.js';
import type { AnyDescription, LossFunction } from '../losses/descriptions/lossDescription.js';
import { checkJson } from './saving/json.js';

/** A loss with its options, which can be saved with a model and changed while it trains. */
export interface NamedLoss<O extends object = object> {
  /** The loss; `options` are added to its own for this call. */
  (labels: Tensor, predictions: Tensor, options?: object): Tensor;
  readonly lossName: string;
  readonly options: Readonly<O>;
  /** Changes some options from the next call on. `undefined` takes an option away. */
  set(changes: Partial<O>): void;
}

export const isNamedLoss = (value: unknown): value is NamedLoss =>
  typeof value === 'function' && 'lossName' in value && 'options' in value && 'set' in value;

/** The descriptions of the losses in the results of `bindLoss`. */
const descriptions = new WeakMap<object, AnyDescription>();

/** The description of the loss that was bound; undefined for one without, and for the results of `withMask`. */
export const descriptionInside = (named: NamedLoss): AnyDescription | undefined => descriptions.get(named);

/** `description` is that of the loss, if it has one: its options are checked then. */
export function bindLoss(
  name: string,
  loss: LossFunction,
  description: AnyDescription | undefined,
  first: object,
): NamedLoss {
  const fn = 'namedLoss';
  const rules = description?.options;
  const checked = (options: object) =>
    inFunction(fn, () => {
      // null may be a value of an option of a loss that is not ours.
      const own = rules ? [] : Object.keys(options);
      inFunction(`${fn} of ${name}`, () => checkOptionNames(options, rules ? Object.keys(rules) : own, own));
      const given = Object.entries(options).filter(([, value]) => value !== undefined);
      const plain = given.map(([option, value]) => [option, rules?.[option]?.toJson?.(value) ?? value] as const);
      for (const [option, value] of plain) {
        if (typeof value !== 'function') checkJson(`${name}'s ${option}`, value);
        else fail(`${name}'s ${option} is a function, which cannot be saved; put it into a loss of your own: namedLoss(name, options, loss)`); // prettier-ignore
      }
      return Object.fromEntries(plain) as object;
    });
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
  if (description) descriptions.set(named, description);
  return named as NamedLoss;
}

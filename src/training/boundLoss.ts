/**
 * A loss bound to options that can change: the result of `namedLoss`. This file does not depend on the list of all
 * losses.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames, fail } from '../checks.js';
import type { AnyDescription, LossFunction } from '../losses/descriptions/lossDescription.js';
import { checkJson } from './saving/json.js';

/** A loss bound to its options. It can be saved with a model, and its options can change while the model trains. */
export interface NamedLoss<O extends object = object> {
  /** Computes the loss. For this call, `options` are added to its own options. */
  (labels: Tensor, predictions: Tensor, options?: object): Tensor;
  readonly lossName: string;
  readonly options: Readonly<O>;
  /** Changes some options, from the next call on. `undefined` removes an option. */
  set(changes: Partial<O>): void;
}

export const isNamedLoss = (value: unknown): value is NamedLoss =>
  typeof value === 'function' && 'lossName' in value && 'options' in value && 'set' in value;

/** The description of the loss inside each result of `bindLoss`, if it has one. */
const descriptions = new WeakMap<object, AnyDescription>();

/**
 * The description of the loss that was bound; undefined for a loss without one, and for the results of `withMask` and
 * `withSampleWeights`.
 */
export const descriptionInside = (named: NamedLoss): AnyDescription | undefined => descriptions.get(named);

/** Binds a loss to options under a name. If the loss has a description, the options are checked by its rules. */
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
      // The options of a user's loss may be null.
      const own = rules ? [] : Object.keys(options);
      inFunction(`${fn} of ${name}`, () => checkOptionNames(options, rules ? Object.keys(rules) : own, own));
      const given = Object.entries(options).filter(([, value]) => value !== undefined);
      const plain = given.map(([option, value]) => [option, rules?.[option]?.toJson?.(value) ?? value] as const);
      for (const [option, value] of plain) {
        if (typeof value !== 'function') checkJson(`${name}'s ${option}`, value);
        else {
          const cure = 'use it inside a loss of your own: namedLoss(name, options, loss)';
          fail(`${name}'s ${option} is a function, which cannot be saved; ${cure}`);
        }
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

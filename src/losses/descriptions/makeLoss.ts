import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkOptionNames, checkTensor } from '../../checks.js';
import { resolveInputs, type LossInputs } from '../../overlap/inputs.js';
import type { InputOptions } from '../../overlap/options.js';
import { addUp, lossOfTerms } from '../../overlap/lossOfSums.js';
import {
  described,
  type DescribedLoss,
  type LossDescription,
  type LossFunction,
  type PassDescription,
  type ResolvedLoss,
} from './lossDescription.js';
import { completeOptions, type OptionRules } from './optionRules.js';

/** The definition of a loss that does not share its pass over the pixels with others. */
export interface LossDefinition<O extends object> {
  /** The name in errors and files, say `'myLoss'`. */
  name: string;
  /**
   * A rule for each option. Numbers, flags and choices are checked by it; the loss has to check other options itself.
   */
  options: OptionRules<O>;
  /** The names of the options that it does not share with other losses. Default all. */
  own?: readonly (keyof O & string)[];
  /** Its smallest and largest value. Default any. */
  range?: readonly [lowest: number, highest: number];
  /** True if the loss is smallest at p = t on soft labels, or a function of the options that says so. Default false. */
  lowestAtLabels?: boolean | ((options: O) => boolean);
  /** Computes the value. It is called inside tf.tidy. */
  loss(labels: Tensor, predictions: Tensor, options: O): Tensor;
}

/** Makes a loss that does not share its pass over the pixels with others. */
export function makeLoss<O extends object, F = DescribedLoss<O>>(definition: LossDefinition<O>): F {
  const { name, options: rules } = definition;
  const known = Object.keys(rules);
  const call: LossFunction = (labels, predictions, options = {}) =>
    inFunction(name, () => {
      checkOptionNames(options, known);
      completeOptions(rules, options as O);
      return tf.tidy(() => {
        const value: unknown = definition.loss(labels, predictions, options as O);
        checkTensor('the result of the loss', value);
        return value;
      });
    });
  return described(call, describe(definition));
}

/** The definition of a loss that can share its pass over the pixels with others. */
type PassDefinition<O extends object> = Omit<LossDefinition<O>, 'loss'> &
  Pick<PassDescription<O>, 'activation' | 'resolve'>;

/** Makes a loss that can share its pass over the pixels with others. */
export function makePassLoss<O extends InputOptions, F>(definition: PassDefinition<O>): F {
  const { activation, resolve } = definition;
  const description = { ...describe(definition), resolve, ...(activation && { activation }) };
  const call: LossFunction = (labels, predictions, options = {}) =>
    inFunction(definition.name, () =>
      tf.tidy(() => {
        const { inputs, loss } = resolveLoss(description, labels, predictions, options as O);
        return valueOf(loss, inputs, labels, predictions);
      }),
    );
  return described(call, description);
}

function describe<O extends object>(definition: Omit<LossDefinition<O>, 'loss'>): LossDescription<O> {
  const { name, options, own, range = [-Infinity, Infinity], lowestAtLabels = false } = definition;
  return {
    name,
    options,
    own: own ?? Object.keys(options),
    range,
    lowestAtLabels: (given = {} as O) =>
      typeof lowestAtLabels === 'function' ? lowestAtLabels(given) : lowestAtLabels,
  };
}

/** Checks and resolves the arguments of a loss. Call it inside tf.tidy, and inside inFunction with the loss's name. */
export function resolveLoss<O extends InputOptions>(
  description: PassDescription<O>,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): { inputs: LossInputs; loss: ResolvedLoss } {
  checkOptionNames(options, Object.keys(description.options));
  const own = withActivation(description, options);
  const inputs = resolveInputs(labels, predictions, own);
  const reading = { activation: inputs.activation, classes: inputs.layout.classes };
  return { inputs, loss: description.resolve(reading, own) };
}

/** The options with the loss's default activation filled in, because other defaults, such as `absent`, depend on it. */
export function withActivation<O extends InputOptions>(description: PassDescription<O>, options: O): O {
  const activation = options.activation ?? description.activation?.(options);
  return activation === undefined ? options : { ...options, activation };
}

/** The value of a resolved loss. Call it inside tf.tidy. */
export function valueOf({ terms, others }: ResolvedLoss, inputs: LossInputs, labels: Tensor, predictions: Tensor) {
  const values = others.map((other) => other(inputs, labels, predictions));
  return addUp(terms.length > 0 ? [...values, lossOfTerms(inputs, terms)] : values);
}

import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkNumber, checkOptionNames, entriesOf, fail, show } from '../../checks.js';
import type { ClassLoss, DescribedLoss } from './lossDescription.js';
import { makeLoss, type LossDefinition } from './makeLoss.js';
import { makeRegionLoss, type RegionDefinition } from './makeRegionLoss.js';
import { completeOptions, type FilledOptions, type OptionRule, type OptionsOfRules } from './optionRules.js';
import { REGION_RULES, type RegionOptions } from '../families/options.js';

/**
 * Makes a loss of your own that describes itself, so that it can be a term of `comboLoss`, has a name for `namedLoss`,
 * and works in `accumulateGrads`. It is called like the losses of this package, and refuses unknown options. For a loss
 * on the sums of `overlap`, `defineRegionLoss` needs less code and offers more.
 *
 * @param definition its name, the rules of its options, and the function, which receives the options with the defaults
 * of the rules filled in
 * @returns `(labels, predictions, options) => tensor`
 * @throws if the definition is incomplete, or a rule is not valid
 *
 * @example
 * ```ts
 * const brierLoss = defineLoss({
 *   name: 'brierLoss',
 *   options: { power: { kind: 'number', default: 2, least: 0 } },
 *   range: [0, 1],
 *   loss: (labels, predictions, { power }) =>
 *     tf.mean(tf.pow(tf.abs(tf.sub(labels, tf.sigmoid(predictions))), power)),
 * });
 * const [labels, logits] = [tf.tensor([[[1], [0]]]), tf.zeros([1, 2, 1])];
 * brierLoss(labels, logits); // 0.25
 * comboLoss(labels, logits, { terms: [{ loss: diceLoss }, { loss: brierLoss, weight: 2, power: 1 }] });
 * ```
 */
export function defineLoss<const R extends Readonly<Record<string, OptionRule>>>(
  definition: Omit<LossDefinition<OptionsOfRules<R>>, 'options' | 'loss'> & {
    options: R;
    loss(labels: Tensor, predictions: Tensor, options: Required<FilledOptions<R>>): Tensor;
  },
): DescribedLoss<OptionsOfRules<R>>;
/** `defineLoss` with the type of the options written out: `defineLoss<MyOptions>({ ... })`. */
export function defineLoss<O extends object>(definition: LossDefinition<O>): DescribedLoss<O>;
export function defineLoss<O extends object>(definition: LossDefinition<O>): DescribedLoss<O> {
  return inFunction('defineLoss', () => {
    checkDefinition(definition, 'loss');
    const { options: rules, loss } = definition;
    return makeLoss({
      ...definition,
      loss: (labels, predictions, options) => loss(labels, predictions, completeOptions(rules, options)),
    });
  });
}

/**
 * Makes a region loss of your own: a formula on the sums I, P, T and V over pixels (see `overlap`), per sample and
 * class. It has all the options of the region losses (which classes count, absent classes, reductions, masks), runs on
 * the fused kernels, shares its pass over the pixels in `comboLoss`, has a name for `namedLoss`, and works piece by
 * piece in `accumulateGrads`.
 *
 * The formula is written in the operations of an algebra, so that it can be computed with tensors or with plain
 * numbers.
 *
 * @param definition its name, the rules of its own options, and the formula
 * @returns `(labels, predictions, options) => tensor`
 * @throws if the definition is incomplete, a rule is not valid, or an option has a name that all region losses use
 *
 * @example
 * ```ts
 * // 1 - (I/P + I/T)/2, from the mean of precision and recall (Kulczynski)
 * const meanLoss = defineRegionLoss({
 *   name: 'meanLoss',
 *   options: {},
 *   value(a, { intersection, predicted, labelled }) {
 *     const [precision, recall] = [a.divide(intersection, predicted, 1), a.divide(intersection, labelled, 1)];
 *     return a.sub(1, a.mul(a.add(precision, recall), 0.5));
 *   },
 * });
 * const labels = tf.tensor([[0, 2, 2, 1]], [1, 2, 2], 'int32'); // class indices of a 2×2 image
 * const logits = tf.zeros([1, 2, 2, 3]);
 * meanLoss(labels, logits, { classes: [1, 2] });
 * comboLoss(labels, logits, { terms: [{ loss: meanLoss }, { loss: crossEntropyLoss, weight: 0.5 }] });
 * ```
 */
export function defineRegionLoss<const R extends Readonly<Record<string, OptionRule>>>(
  definition: Omit<RegionDefinition<RegionOptions & OptionsOfRules<R>>, 'options'> & { options: R },
): ClassLoss<RegionOptions & OptionsOfRules<R>>;
/** `defineRegionLoss` with the type of the options written out: `defineRegionLoss<MyOptions>({ ... })`. */
export function defineRegionLoss<O extends RegionOptions>(definition: RegionDefinition<O>): ClassLoss<O>;
export function defineRegionLoss<O extends RegionOptions>(definition: RegionDefinition<O>): ClassLoss<O> {
  return inFunction('defineRegionLoss', () => {
    checkDefinition(definition, 'value');
    for (const name of Object.keys(definition.options)) {
      if (name in REGION_RULES) fail(`all region losses have the option '${name}': give yours another name`);
    }
    return makeRegionLoss(definition);
  });
}

const KINDS = ['number', 'flag', 'choice', 'other'];

const FIELDS = {
  loss: ['name', 'options', 'own', 'range', 'lowestAtLabels', 'loss'],
  value: ['name', 'options', 'squared', 'acrossClasses', 'range', 'lowestAtLabels', 'value'],
};

function checkDefinition(definition: unknown, calls: 'loss' | 'value'): void {
  checkOptionNames(definition, FIELDS[calls]);
  const { name, options, range, [calls]: call } = definition as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') fail(`name must be a string, got ${show(name)}`);
  if (typeof call !== 'function') fail(`${calls} must be a function, got ${show(call)}`);
  const [lowest, highest] = entriesOf(range ?? [0, 1]) ?? [];
  if (typeof lowest !== 'number' || typeof highest !== 'number' || !(lowest <= highest)) {
    fail(`range must be [lowest, highest], got ${show(range)}`);
  }
  for (const [option, rule] of rulesOf(options)) checkRule(`options.${option}`, rule);
}

function rulesOf(options: unknown): [string, object][] {
  try {
    if (typeof options === 'object' && options !== null && !entriesOf(options)) {
      return Object.entries(options).map(([name, rule]) => [name, { ...(rule as object) }]);
    }
  } catch {
    // A proxy or a getter that throws.
  }
  return fail(`options must be an object with a rule for each option, got ${show(options)}`);
}

function checkRule(name: string, rule: object): void {
  const { kind, least, values } = rule as Record<string, unknown>;
  if (!KINDS.includes(kind as string)) {
    fail(`${name} must be { kind: ${KINDS.map((each) => `'${each}'`).join(' or ')}, ... }, got ${show(rule)}`);
  }
  if (kind === 'number') checkNumber(`${name}.least`, least);
  if (kind === 'choice' && !entriesOf(values)?.every((value) => typeof value === 'string')) {
    fail(`${name}.values must be a list of strings, got ${show(values)}`);
  }
}

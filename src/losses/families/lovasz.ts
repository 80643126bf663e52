/**
 * The parts that both Lovász losses share: options, pixels in rows, and the reduction of values per sample and class.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tensorAlgebra as a } from '../../algebra/tensors.js';
import { checkOneOf, entriesOf, fail, show } from '../../checks.js';
import { pixels, type Pixels } from '../../kernels/composed/pixels.js';
import { constant } from '../../ops/constant.js';
import { sumPixels } from '../../ops/sumPixels.js';
import type { InputOptions } from '../../overlap/options.js';
import { passAttributes, plainEntropy, resolveInputs, type LossInputs } from '../../overlap/inputs.js';
import type { LabelRule } from '../../overlap/valueChecks.js';
import { resolveClasses } from './classes.js';
import { OTHER, type OptionRules } from '../descriptions/optionRules.js';
import {
  AGGREGATE_RULE,
  INPUT_RULES,
  REDUCTION_RULE,
  REDUCTIONS,
  type ClassOptions,
  type Reduction,
} from './options.js';

/** The options of both Lovász losses. */
export interface LovaszOptions<R extends Reduction = Reduction>
  extends Omit<InputOptions, 'activation'>, Omit<ClassOptions, 'classes'> {
  /**
   * The classes that take part: `'present'`, those that have a label in the sample (in the batch with
   * `aggregate: 'batch'`); `'all'`; or a list of indices. An absent class (one without a label) that takes part costs
   * its largest error.
   */
  classes?: 'present' | 'all' | readonly number[];
  /** A value for each `'image'` (default), or one for the whole `'batch'` as if it were one image. */
  aggregate?: 'image' | 'batch';
  /** `'mean'` (default) or `'sum'`: a scalar; `'none'`: `[N, C]`; `'sample'`: `[N]`. */
  reduction?: R;
}

export const LOVASZ_RULES = {
  sharpness: INPUT_RULES.sharpness,
  axis: OTHER,
  mask: OTHER,
  ignoreLabel: OTHER,
  classWeights: OTHER,
  classes: OTHER,
  aggregate: AGGREGATE_RULE,
  reduction: REDUCTION_RULE,
} satisfies OptionRules<LovaszOptions>;

/**
 * Labels, predictions and weights of the pixels, [R,P]: a row for each sample and class, or for each class of a batch.
 */
export interface LovaszRows {
  labels: Tensor2D;
  predictions: Tensor2D;
  weights: Tensor2D;
}

/** The parts in which the two Lovász losses differ. */
export interface LovaszLoss {
  /** The activation, if it is fixed instead of an option. */
  activation?: 'sigmoid';
  /** The rule that soft labels must keep. */
  labels: LabelRule;
  /** Labels and predictions in the form that `values` takes, [N,P,C] each. */
  read(inputs: LossInputs, pixels: Pixels): { labels: Tensor3D; predictions: Tensor3D };
  /** The value of each row, [R]. */
  values(rows: LovaszRows, inputs: LossInputs): Tensor1D;
}

/** The value of a Lovász loss. Call it inside tf.tidy. */
export function lovaszValue(
  loss: LovaszLoss,
  labels: Tensor,
  predictions: Tensor,
  given: LovaszOptions & InputOptions,
): Tensor {
  const options = { ...given, activation: loss.activation ?? given.activation };
  const inputs = resolveInputs(labels, predictions, options, { rule: loss.labels });
  const { samples, classes } = inputs.layout;
  const { aggregate = 'image', reduction = 'mean' } = options;
  checkOneOf('aggregate', aggregate, AGGREGATE_RULE.values);
  checkOneOf('reduction', reduction, REDUCTIONS);
  if (reduction === 'sample' && aggregate === 'batch') {
    fail(`reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample`);
  }
  const choice = resolveLovaszClasses(options, classes);

  const all = pixels(inputs, passAttributes(inputs, plainEntropy(inputs)));
  const read = loss.read(inputs, all);
  const weights = constant(() => spread(all.weights, read.labels));
  const images = aggregate === 'batch' ? 1 : samples;
  const toRows = (x: Tensor3D) => rowsOf(x, aggregate);
  const rows = {
    labels: toRows(read.labels),
    predictions: toRows(read.predictions),
    weights: constant(() => toRows(weights)),
  };
  const values: Tensor2D = tf.reshape(loss.values(rows, inputs), [images, classes]);
  const counted = constant(() => {
    const sums = (x: Tensor3D): Tensor2D => {
      const perSample = sumPixels(x);
      return aggregate === 'batch' ? tf.sum(perSample, 0, true) : perSample;
    };
    const included = tf.mul(tf.step(sums(weights)), a.row(choice.included)) as Tensor2D;
    return choice.present ? tf.mul(included, tf.step(sums(tf.mul(weights, read.labels)))) : included;
  });
  return reduce(values, tf.mul(counted, a.row(choice.weights)), reduction);
}

/**
 * Resolves the class weights, and whether absent classes are left out (`present`). As in the region losses, they are
 * left out by default, unless classes may overlap.
 */
function resolveLovaszClasses(options: LovaszOptions & InputOptions, count: number) {
  const { classWeights, activation } = options;
  const classes = options.classes ?? (count > 1 && activation !== 'sigmoid' ? 'present' : 'all');
  if (classes !== 'present' && classes !== 'all' && !entriesOf(classes)) {
    fail(`classes must be 'present', 'all' or a list of class indices, got ${show(classes)}`);
  }
  const present = classes === 'present';
  return { ...resolveClasses({ classWeights, classes: present ? 'all' : classes }, count), present };
}

/** The weights [N,P,1] spread over the classes, [N,P,C]; ones if there are none. */
function spread(weights: Tensor3D | null, like: Tensor3D): Tensor3D {
  return weights ? tf.add(weights, tf.zerosLike(like)) : tf.onesLike(like);
}

/** Reshapes [N,P,C] to rows [N·C,P], or, for the batch as one image, to [C,N·P]. */
function rowsOf(x: Tensor3D, aggregate: 'image' | 'batch'): Tensor2D {
  const [samples, count, classes] = x.shape;
  if (aggregate === 'batch') return tf.reshape(tf.transpose(x, [2, 0, 1]), [classes, samples * count]);
  return tf.reshape(tf.transpose(x, [0, 2, 1]), [samples * classes, count]);
}

/** Reduces values with weights, [N,C] each, to the result, as in the region losses. */
function reduce(values: Tensor2D, weights: Tensor2D, reduction: Reduction): Tensor {
  const weighted: Tensor2D = tf.mul(values, weights);
  if (reduction === 'none') return weighted;
  if (reduction === 'sum') return tf.sum(weighted);
  const total = a.sumOfColumns(weights);
  const samples = a.divide(a.sumOfColumns(weighted), total, 0);
  if (reduction === 'sample') return tf.squeeze(samples, [1]);
  return tf.reshape(a.divide(a.sumOfRows(samples), a.sumOfRows(a.step(total)), 0), []);
}

/**
 * The description of a loss. `comboLoss`, `namedLoss`, model files, `accumulateGrads`, the tests, the playground and
 * the docs read it, so that none of them needs a list of losses.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { PassActivation } from '../../kernels/contract.js';
import type { LossInputs } from '../../overlap/inputs.js';
import type { SumTerm } from '../../overlap/sumsFormula.js';
import type { OptionRule } from './optionRules.js';
import type { PerPixelResult, Reduction, RegionResult } from '../families/options.js';

/** A loss as other functions call it. */
export type LossFunction = (labels: Tensor, predictions: Tensor, options?: object) => Tensor;

export interface LossDescription<O extends object = object> {
  /** The name of the function, say `'diceLoss'`, which errors and files use. */
  readonly name: string;
  /** A rule for each of its options. */
  readonly options: Readonly<Record<string, OptionRule>>;
  /** The names of the options that it does not share with the other losses of its family. */
  readonly own: readonly string[];
  /** Its smallest and largest value, with weights of 1 and any reduction except `'sum'`. */
  readonly range: readonly [lowest: number, highest: number];
  /** True if the loss is smallest at p = t on soft labels, with these options. */
  lowestAtLabels(options?: O): boolean;
}

/**
 * The description of a loss that can share its pass with others: a pass reads labels and predictions once, and gives
 * sums over the pixels of each sample and class.
 */
export interface PassDescription<O extends object = object> extends LossDescription<O> {
  /** The default activation, if it does not depend on the number of classes alone. */
  activation?(options: O): 'sigmoid' | undefined;
  /** Checks all options and resolves them. */
  resolve(reading: PredictionSpec, options: O): ResolvedLoss;
}

/** The description of any loss. One that cannot share its pass has no `resolve`. */
export type AnyDescription<O extends object = object> = LossDescription<O> & Partial<PassDescription<O>>;

/** The properties of the predictions that options depend on. */
export interface PredictionSpec {
  classes: number;
  activation: PassActivation;
}

/** A loss with every option resolved: a sum of terms. */
export interface ResolvedLoss {
  /** The terms that depend on sums only, so that the sums of pieces can be added up to those of the whole. */
  readonly terms: readonly SumTerm[];
  /** The other terms. Each is called inside tf.tidy. */
  readonly others: readonly PixelTerm[];
  /** The shape of the result with reduction `'none'`. */
  readonly shape: ResultShape;
}

/** A term that needs the values of pixels. */
export type PixelTerm = (inputs: LossInputs, labels: Tensor, predictions: Tensor) => Tensor;

type ResultShape = '[N, C]' | '[N, 1]' | 'one value per pixel';

/** The description that every loss of this package, or made by `defineLoss` or `defineRegionLoss`, carries. */
export interface Described<O extends object = never> {
  /** Its name, its options, and how it is computed: for `comboLoss`, `namedLoss` and `accumulateGrads`. */
  readonly description: LossDescription<O>;
}

/** A loss that describes itself. */
export interface DescribedLoss<O extends object = never> extends Described<O> {
  (labels: Tensor, predictions: Tensor, options?: O): Tensor;
}

/** A loss with a value for each sample and class. */
export interface ClassLoss<O extends object> extends Described<O> {
  <R extends Reduction = 'mean'>(labels: Tensor, predictions: Tensor, options?: O & { reduction?: R }): RegionResult<R>;
}

/** A loss with a value for each pixel. */
export interface PixelLoss<O extends object> extends Described<O> {
  <R extends Reduction = 'mean'>(
    labels: Tensor,
    predictions: Tensor,
    options?: O & { reduction?: R },
  ): PerPixelResult<R>;
}

/** The description of a loss, or undefined for other functions, including those of `namedLoss`. */
export function descriptionOf(loss: unknown): AnyDescription | undefined {
  return typeof loss === 'function' ? (loss as Partial<Described<object>>).description : undefined;
}

/** Adds the description to the function, and names the function after it. */
export function described<F>(call: LossFunction, description: LossDescription<never>): F {
  return Object.defineProperties(call, {
    name: { value: description.name },
    description: { value: description },
  }) as F;
}

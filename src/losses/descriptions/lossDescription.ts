/** The description of a loss, written once: combos, named losses and files, pieces, tests, the playground and docs read it. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { PassActivation } from '../../kernels/contract.js';
import type { LossInputs } from '../../overlap/inputs.js';
import type { SumTerm } from '../../overlap/sumsFormula.js';
import type { OptionRule } from './optionRules.js';
import type { PerPixelResult, Reduction, RegionResult } from '../families/options.js';

/** A loss as functions call it: labels first. */
export type LossFunction = (labels: Tensor, predictions: Tensor, options?: object) => Tensor;

export interface LossDescription<O extends object = object> {
  /** The name of the function, say `'diceLoss'`: it stands in errors and files. */
  readonly name: string;
  /** A rule for each of its options. */
  readonly options: Readonly<Record<string, OptionRule>>;
  /** The options that it does not share with the other losses of its family. */
  readonly own: readonly string[];
  /** Its smallest and largest value, with weights of 1 and any reduction except `'sum'`. */
  readonly range: readonly [least: number, most: number];
  /** Whether it is smallest at p = t on soft labels, with these options. */
  lowestAtLabels(options?: O): boolean;
}

/** How a loss is computed that shares the pass over the pixels with others. */
export interface PassDescription<O extends object = object> extends LossDescription<O> {
  /** The activation where none is given, unless the number of classes decides. */
  activation?(options: O): 'sigmoid' | undefined;
  /** Checks all options and resolves them. */
  resolve(reading: PredictionSpec, options: O): ResolvedLoss;
}

/** A loss that shares nothing with the pass of others has no `resolve`. */
export type AnyDescription<O extends object = object> = LossDescription<O> & Partial<PassDescription<O>>;

/** As much of the inputs as options depend on. */
export interface PredictionSpec {
  classes: number;
  activation: PassActivation;
}

/** A loss with every option resolved: a sum of terms. */
export interface ResolvedLoss {
  /** The terms that depend on sums only, so that the added sums of pieces stand for those of the whole. */
  readonly terms: readonly SumTerm[];
  /** The others. Each is called inside tf.tidy. */
  readonly others: readonly PixelTerm[];
  /** The shape of the result with reduction `'none'`. */
  readonly shape: ResultShape;
}

/** A term that needs the values of pixels. */
export type PixelTerm = (inputs: LossInputs, labels: Tensor, predictions: Tensor) => Tensor;

type ResultShape = '[N, C]' | '[N, 1]' | 'one value per pixel';

/** The part that a loss of this package, or one made by `defineLoss` or `defineRegionLoss`, has besides the function. */
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

/** The description of a loss; undefined for other functions, `NamedLoss` among them. */
export function descriptionOf(loss: unknown): AnyDescription | undefined {
  return typeof loss === 'function' ? (loss as Partial<Described<object>>).description : undefined;
}

/** Gives the function the name and the description. */
export function described<F>(call: LossFunction, description: LossDescription<never>): F {
  return Object.defineProperties(call, {
    name: { value: description.name },
    description: { value: description },
  }) as F;
}

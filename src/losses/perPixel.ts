/** What the per-pixel losses share: which term of which pass they read, and how pixels are reduced. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../algebra/tensors.js';
import {
  checkBoolean,
  checkNumber,
  checkNumberList,
  checkOneOf,
  checkOptionNames,
  checkProduct,
  fail,
} from '../checks.js';
import { focalMap, focalSums, type FocalTerm } from '../kernels/composed/focal.js';
import { sumSet, type EntropyTerm, type PassActivation } from '../kernels/contract.js';
import { currentKernels } from '../kernels/select.js';
import { sumPixels } from '../ops/sumPixels.js';
import type { SumsFormula, SumsOf } from '../overlap/sumsFormula.js';
import { entropyKind, passAttributes, resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { lossOfTerm, passTerm, type SumTerm } from '../overlap/terms.js';
import { resolveClasses } from './classes.js';
import { hardestPixels } from './hardest.js';
import { REDUCTIONS, type CrossEntropyOptions, type Reduction } from './options.js';

export interface EntropyOptions extends CrossEntropyOptions {
  posWeight?: number | readonly number[];
}

/** Of which kind the loss is: as the activation says, or binary whatever it says. */
export type EntropyChoice = 'byActivation' | 'binary';

/** A per-pixel loss with every option resolved. */
export interface PerPixel {
  entropy: EntropyTerm;
  /** What the entropy term is multiplied with, if anything. */
  focal: FocalTerm | null;
  /** What each class's term is multiplied with in a pixel's value. */
  coefficients: number[];
  /** The share of the pixels that counts. */
  hardest: number;
  reduction: Reduction;
}

/** A per-pixel loss and what it is of. */
export interface ResolvedPerPixel {
  inputs: LossInputs;
  loss: PerPixel;
}

export function perPixelLoss<O>(
  /** Called inside tf.tidy. */
  resolve: (labels: Tensor, predictions: Tensor, options: O) => ResolvedPerPixel,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): Tensor {
  return tf.tidy(() => {
    const { inputs, loss } = resolve(labels, predictions, options);
    return perPixelValue(inputs, loss);
  });
}

/** Inside tf.tidy. */
export function resolveEntropy(
  fn: string,
  choice: EntropyChoice,
  known: readonly string[],
  labels: Tensor,
  predictions: Tensor,
  options: EntropyOptions,
): ResolvedPerPixel {
  checkOptionNames(fn, options, known);
  const inputs = resolveInputs(fn, labels, predictions, choice === 'binary' ? withSigmoid(options) : options);
  const { activation, layout } = inputs;
  return { inputs, loss: resolvePerPixel(fn, choice, options, activation, layout.classes) };
}

/** The options with sigmoid for the activation, unless they name another. */
export function withSigmoid<O extends EntropyOptions>(options: O): O {
  return { ...options, activation: options.activation ?? 'sigmoid' };
}

export function resolvePerPixel(
  fn: string,
  choice: EntropyChoice,
  options: EntropyOptions,
  activation: PassActivation,
  classes: number,
): PerPixel {
  const { labelSmoothing = 0, subtractEntropy = false, hardest = 1, reduction = 'mean', posWeight } = options;
  checkNumber(fn, 'labelSmoothing', labelSmoothing, { least: 0, most: 1 });
  checkBoolean(fn, 'subtractEntropy', subtractEntropy);
  checkNumber(fn, 'hardest', hardest, { least: 0, most: 1, open: true });
  checkOneOf(fn, 'reduction', reduction, REDUCTIONS);
  if (choice === 'binary' && activation === 'softmax') {
    fail(fn, `activation must be 'sigmoid', 'none' or a function, got 'softmax'; crossEntropyLoss is for softmax`);
  }
  const kind = choice === 'binary' ? 'binary' : entropyKind(activation, classes);
  const { weights, included } = resolveClasses(fn, options, classes);
  const share = kind === 'binary' ? 1 / included.reduce((sum, part) => sum + part) : 1;
  const positive = resolvePosWeight(fn, posWeight, subtractEntropy, classes);
  positive?.forEach((factor, c) => checkProduct(fn, `posWeight and classWeights of class ${c}`, factor * weights[c]!));
  return {
    entropy: { kind, labelSmoothing, subtractEntropy, posWeight: positive },
    focal: null,
    coefficients: weights.map((weight, c) => weight * included[c]! * share),
    hardest,
    reduction,
  };
}

function resolvePosWeight(
  fn: string,
  posWeight: unknown,
  subtractEntropy: boolean,
  classes: number,
): readonly number[] | null {
  if (posWeight === undefined) return null;
  if (subtractEntropy) fail(fn, 'posWeight does not go with subtractEntropy: its minimum is not at p = t');
  if (typeof posWeight === 'number') {
    checkNumber(fn, 'posWeight', posWeight, { least: 0 });
    return Array.from({ length: classes }, () => posWeight);
  }
  const wanted = `a number or a list of ${classes} numbers, one per class`;
  return checkNumberList(fn, 'posWeight', posWeight, wanted, classes, { least: 0 });
}

/** Whether one pass for the plain cross-entropy and a formula on its sums is all that the loss takes. */
export function isFormula(loss: PerPixel): boolean {
  return loss.focal === null && isOfSums(loss);
}

/** Whether the loss takes nothing of the pixels but sums. */
const isOfSums = ({ hardest, reduction }: PerPixel): boolean => hardest === 1 && reduction !== 'none';

/** The loss as a term on sums, or null if it takes the values of pixels. Inside tf.tidy. */
export function perPixelTerm(inputs: LossInputs, loss: PerPixel, weight = 1): SumTerm | null {
  if (!isOfSums(loss)) return null;
  const { focal, entropy } = loss;
  const formula = perPixelFormula(loss);
  return focal ? focalTerm(inputs, { ...loss, focal }, weight) : passTerm(inputs, formula, entropy, weight);
}

/** Focal sums stand where the formula looks for those of the cross-entropy. */
function focalTerm(inputs: LossInputs, loss: PerPixel & { focal: FocalTerm }, weight: number): SumTerm {
  const { weights, layout, fn } = inputs;
  const { focal, entropy } = loss;
  return {
    weight,
    formula: perPixelFormula(loss),
    sums() {
      const sums = focalSums(inputs, { ...passAttributes(inputs, entropy), focal });
      if (!weights)
        return { values: tf.expandDims(sums, 0), names: sumSet(['crossEntropy']), pixels: layout.pixels, fn };
      const valid = tf.add<Tensor2D>(sumPixels(weights), tf.zerosLike(sums));
      return {
        values: tf.stack([sums, valid]) as Tensor3D,
        names: sumSet(['crossEntropy', 'valid']),
        pixels: null,
        fn,
      };
    },
  };
}

/** Call it inside tf.tidy. */
export function perPixelValue(inputs: LossInputs, loss: PerPixel): Tensor {
  const term = perPixelTerm(inputs, loss);
  if (term) return lossOfTerm(term);
  const { reduction, hardest } = loss;
  const { samples, spatial } = inputs.layout;
  const map = perPixelMap(inputs, loss);
  if (hardest === 1) return tf.reshape(map, [samples, ...spatial]);
  const { weights } = inputs;
  const chosen = hardestPixels(map, weights, hardest);
  const kept = tf.mul<Tensor2D>(map, chosen);
  if (reduction === 'none') return tf.reshape(kept, [samples, ...spatial]);
  const perPixel = (x: Tensor) => sumPixels(tf.expandDims(x, 2));
  const valid = perPixel(weights ? tf.mul(tf.squeeze(weights, [2]), chosen) : chosen);
  return reduceSums({ ...loss, coefficients: [1] }, perPixel(kept), valid);
}

/** [N,P]. */
function perPixelMap(inputs: LossInputs, { focal, entropy, coefficients }: PerPixel): Tensor2D {
  const attributes = passAttributes(inputs, entropy);
  if (focal) return focalMap(inputs, { ...attributes, focal }, coefficients);
  return currentKernels().entropyMap(inputs, attributes, coefficients);
}

function reduceSums(loss: PerPixel, crossEntropy: Tensor2D, valid: Tensor2D): Tensor {
  const formula = perPixelFormula(loss);
  return tf.reshape(
    formula.of(tensorAlgebra, { crossEntropy, valid } as SumsOf<Tensor2D>),
    formula.shape(valid.shape[0]),
  );
}

/** Any reduction but 'none'. */
export function perPixelFormula({ coefficients, reduction }: PerPixel): SumsFormula {
  return {
    sums: ['crossEntropy'],
    of(a, { crossEntropy, valid }) {
      const samples = a.sumOfColumns(a.mul(crossEntropy, a.row(coefficients)));
      if (reduction === 'sum') return a.sumOfRows(samples);
      if (reduction === 'sample') return a.divide(samples, valid, 0);
      return a.divide(a.sumOfRows(samples), a.sumOfRows(valid), 0);
    },
    shape: (samples) => (reduction === 'sample' ? [samples] : []),
  };
}

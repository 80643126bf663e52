/** The parts that per-pixel losses share: their term in a pass over the pixels, and the reduction of pixels. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../../algebra/tensors.js';
import { checkNumber, checkNumberList, checkProduct, fail } from '../../checks.js';
import type { EntropyTerm } from '../../kernels/contract.js';
import { currentKernels } from '../../kernels/select.js';
import { sumPixels } from '../../ops/sumPixels.js';
import { entropyKind, passAttributes, type LossInputs } from '../../overlap/inputs.js';
import type { SumsFormula } from '../../overlap/sumsFormula.js';
import { resolveClasses } from './classes.js';
import { hardestPixels } from './hardest.js';
import type { PredictionSpec, ResolvedLoss } from '../descriptions/lossDescription.js';
import { completeOptions } from '../descriptions/optionRules.js';
import { CROSS_ENTROPY_RULES, type CrossEntropyOptions, type Reduction } from './options.js';

export interface EntropyOptions extends CrossEntropyOptions {
  posWeight?: number | readonly number[];
}

/** Which cross-entropy: follow the activation, or always binary. */
export type EntropyChoice = 'byActivation' | 'binary';

/** A per-pixel loss with every option resolved. */
export interface PerPixel {
  entropy: EntropyTerm;
  /** The factor of each class's term in a pixel's value. */
  coefficients: number[];
  /** The fraction of pixels that is used, those with the largest values. */
  hardest: number;
  reduction: Reduction;
}

export function resolvePerPixel(
  choice: EntropyChoice,
  options: EntropyOptions,
  { activation, classes }: PredictionSpec,
): PerPixel {
  const { labelSmoothing, subtractEntropy, hardest, reduction } = completeOptions(CROSS_ENTROPY_RULES, options);
  if (choice === 'binary' && activation === 'softmax') {
    fail(`activation must be 'sigmoid', 'none' or a function, got 'softmax'; crossEntropyLoss is for softmax`);
  }
  const kind = choice === 'binary' ? 'binary' : entropyKind(activation, classes);
  const { weights, included } = resolveClasses(options, classes);
  const share = kind === 'binary' ? 1 / included.reduce((sum, part) => sum + part) : 1;
  const positive = resolvePosWeight(options.posWeight, subtractEntropy, classes);
  positive?.forEach((factor, c) => checkProduct(`posWeight and classWeights of class ${c}`, factor * weights[c]!));
  return {
    entropy: { kind, labelSmoothing, subtractEntropy, posWeight: positive, focal: null },
    coefficients: weights.map((weight, c) => weight * included[c]! * share),
    hardest,
    reduction,
  };
}

function resolvePosWeight(posWeight: unknown, subtractEntropy: boolean, classes: number): readonly number[] | null {
  if (posWeight === undefined) return null;
  if (subtractEntropy) fail('posWeight does not go with subtractEntropy: its minimum is not at p = t');
  if (typeof posWeight === 'number') {
    checkNumber('posWeight', posWeight, { least: 0 });
    return Array.from({ length: classes }, () => posWeight);
  }
  const wanted = `a number or a list of ${classes} numbers, one per class`;
  return checkNumberList('posWeight', posWeight, wanted, classes, { least: 0 });
}

/** The loss as one term: a formula on sums, or, where it needs them, on the values of pixels. */
export function perPixelTerms(loss: PerPixel, weight = 1): ResolvedLoss {
  const { hardest, reduction, entropy } = loss;
  const shape = 'one value per pixel';
  if (hardest < 1 || reduction === 'none') {
    const value = (inputs: LossInputs) => valueOfPixels(inputs, loss);
    return { terms: [], others: [(inputs) => (weight === 1 ? value(inputs) : tf.mul(value(inputs), weight))], shape };
  }
  return { terms: [{ weight, formula: perPixelFormula(loss), entropy }], others: [], shape };
}

/** The loss from the values of pixels. Call it inside tf.tidy. */
function valueOfPixels(inputs: LossInputs, loss: PerPixel): Tensor {
  const { entropy, coefficients, reduction, hardest } = loss;
  const { weights, layout } = inputs;
  const shape = [layout.samples, ...layout.spatial];
  const map = currentKernels().entropyMap(inputs, passAttributes(inputs, entropy), coefficients);
  if (hardest === 1) return tf.reshape(map, shape);

  const chosen = hardestPixels(map, weights, hardest);
  const kept = tf.mul<Tensor2D>(map, chosen);
  if (reduction === 'none') return tf.reshape(kept, shape);
  const perPixel = (x: Tensor) => sumPixels(tf.expandDims(x, 2));
  const sums = {
    crossEntropy: perPixel(kept),
    valid: perPixel(weights ? tf.mul(tf.squeeze(weights, [2]), chosen) : chosen),
  };
  const formula = perPixelFormula({ ...loss, coefficients: [1] });
  return tf.reshape(formula.value(tensorAlgebra, sums), formula.shape(layout.samples));
}

/** The loss as a formula on sums, for every reduction except 'none'. */
function perPixelFormula({ coefficients, reduction }: PerPixel): SumsFormula<'crossEntropy'> {
  return {
    sums: ['crossEntropy'],
    value(a, { crossEntropy, valid }) {
      const samples = a.sumOfColumns(a.mul(crossEntropy, a.row(coefficients)));
      if (reduction === 'sum') return a.sumOfRows(samples);
      if (reduction === 'sample') return a.divide(samples, valid, 0);
      return a.divide(a.sumOfRows(samples), a.sumOfRows(valid), 0);
    },
    shape: (samples) => (reduction === 'sample' ? [samples] : []),
  };
}

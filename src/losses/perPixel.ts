/** What the cross-entropies share: which term of the pass they read, and how pixels are reduced. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkBoolean, checkNumber, checkOneOf, checkOptionNames, fail, show } from '../checks.js';
import type { EntropyTerm, PassActivation } from '../kernels/contract.js';
import { currentKernels } from '../kernels/select.js';
import { lossOfSums, type Head } from '../overlap/head.js';
import { entropyKind, passAttributes, resolveProblem, type Problem } from '../overlap/problem.js';
import { resolveClasses } from './classes.js';
import { REDUCTIONS, type CrossEntropyOptions, type Reduction } from './options.js';

export interface PerPixelOptions extends CrossEntropyOptions {
  posWeight?: number | readonly number[];
}

/** Of which kind the loss is: as the activation says, or binary whatever it says. */
export type EntropyChoice = 'byActivation' | 'binary';

/** A cross-entropy with every option resolved. */
export interface PerPixel {
  entropy: EntropyTerm;
  /** What each class's term is multiplied with in a pixel's value. */
  coefficients: number[];
  reduction: Reduction;
}

export function perPixelLoss(
  fn: string,
  choice: EntropyChoice,
  known: readonly string[],
  labels: Tensor,
  predictions: Tensor,
  options: PerPixelOptions,
): Tensor {
  checkOptionNames(fn, options, known);
  return tf.tidy(() => {
    const problem = resolveProblem(fn, labels, predictions, choice === 'binary' ? withSigmoid(options) : options);
    const { activation, layout } = problem;
    const loss = resolvePerPixel(fn, choice, options, activation, layout.classes);
    if (loss.reduction === 'none') return perPixelMap(problem, loss);
    return lossOfSums(problem, perPixelHead(loss), loss.entropy);
  });
}

/** The options with sigmoid for the activation, unless they name another. */
export function withSigmoid<O extends PerPixelOptions>(options: O): O {
  return { ...options, activation: options.activation ?? 'sigmoid' };
}

export function resolvePerPixel(
  fn: string,
  choice: EntropyChoice,
  options: PerPixelOptions,
  activation: PassActivation,
  classes: number,
): PerPixel {
  const { labelSmoothing = 0, subtractEntropy = false, reduction = 'mean', posWeight } = options;
  checkNumber(fn, 'labelSmoothing', labelSmoothing, { least: 0, most: 1 });
  checkBoolean(fn, 'subtractEntropy', subtractEntropy);
  checkOneOf(fn, 'reduction', reduction, REDUCTIONS);
  if (choice === 'binary' && activation === 'softmax') {
    fail(fn, `activation must be 'sigmoid', 'none' or a function, got 'softmax'; crossEntropyLoss is for softmax`);
  }
  const kind = choice === 'binary' ? 'binary' : entropyKind(activation, classes);
  const { weights, takesPart } = resolveClasses(fn, options, classes);
  const share = kind === 'binary' ? 1 / takesPart.reduce((sum, part) => sum + part) : 1;
  return {
    entropy: {
      kind,
      labelSmoothing,
      subtractEntropy,
      posWeight: resolvePosWeight(fn, posWeight, kind, subtractEntropy, classes),
    },
    coefficients: weights.map((weight, c) => weight * takesPart[c]! * share),
    reduction,
  };
}

function resolvePosWeight(
  fn: string,
  posWeight: unknown,
  kind: EntropyTerm['kind'],
  subtractEntropy: boolean,
  classes: number,
): readonly number[] | null {
  if (posWeight === undefined) return null;
  if (kind !== 'binary') fail(fn, 'posWeight goes with binary cross-entropy only; classWeights is for softmax');
  if (subtractEntropy) fail(fn, 'posWeight does not go with subtractEntropy: its minimum is not at p = t');
  if (Array.isArray(posWeight)) {
    if (posWeight.length !== classes) {
      fail(fn, `posWeight must be a number or a list of ${classes} numbers, one per class, got ${show(posWeight)}`);
    }
    posWeight.forEach((weight, c) => checkNumber(fn, `posWeight[${c}]`, weight, { least: 0 }));
    return posWeight as number[];
  }
  checkNumber(fn, 'posWeight', posWeight, { least: 0 });
  return Array.from({ length: classes }, () => posWeight as number);
}

/** [N, ...spatial]. Call it inside tf.tidy. */
export function perPixelMap(problem: Problem, { entropy, coefficients }: PerPixel): Tensor {
  const { samples, spatial } = problem.layout;
  const map = currentKernels().entropyMap(problem, passAttributes(problem, entropy), coefficients);
  return tf.reshape(map, [samples, ...spatial]);
}

/** Any reduction but 'none'. */
export function perPixelHead({ coefficients, reduction }: PerPixel): Head {
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

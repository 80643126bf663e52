/** The passes as functions that tfjs can differentiate. Call them inside tf.tidy. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { composedEntropyMap } from '../kernels/composed/entropyMap.js';
import { composedOverlap } from '../kernels/composed/overlap.js';
import type { EntropyTerm, PassAttributes, PassInputs, SumName } from '../kernels/contract.js';
import { fromPixels, toLabelPixels, toPixels } from './layout.js';
import type { Problem } from './problem.js';

/** [S,N,C]: the sums of `names`, in their order. */
export function overlapSums(problem: Problem, entropy: EntropyTerm, names: readonly SumName[]): Tensor3D {
  const attributes = passAttributes(problem, entropy);
  const { samples, classes } = problem.layout;
  return differentiable(problem, {
    value: (inputs) => composedOverlap.sums(inputs, attributes, names),
    zeros: () => tf.zeros([names.length, samples, classes]),
    predictionsGradient: (inputs, dy) => composedOverlap.predictionsGradient(inputs, attributes, names, dy),
    labelsGradient: (inputs, dy) => composedOverlap.labelsGradient(inputs, attributes, names, dy),
  });
}

/** [N,P]: the cross-entropy of each pixel, see EntropyMapKernel. */
export function entropyMap(problem: Problem, entropy: EntropyTerm, coefficients: readonly number[]): Tensor2D {
  const attributes = passAttributes(problem, entropy);
  const { samples, pixels } = problem.layout;
  return differentiable(problem, {
    value: (inputs) => composedEntropyMap.map(inputs, attributes, coefficients),
    zeros: () => tf.zeros([samples, pixels]),
    predictionsGradient: (inputs, dy) => composedEntropyMap.predictionsGradient(inputs, attributes, coefficients, dy),
    labelsGradient: (inputs, dy) => composedEntropyMap.labelsGradient(inputs, attributes, coefficients, dy),
  });
}

function passAttributes({ activation, sharpness }: Problem, entropy: EntropyTerm): PassAttributes {
  return { activation, sharpness, entropy };
}

interface Pass<T extends Tensor> {
  value(inputs: PassInputs): T;
  /** Zeros of the value's shape. */
  zeros(): T;
  predictionsGradient(inputs: PassInputs, dy: T): Tensor3D;
  labelsGradient(inputs: PassInputs, dy: T): Tensor3D;
}

/**
 * tfjs computes the gradients of a customGrad to all its inputs, wanted or not. So labels get a customGrad of their
 * own: it adds zeros to the value, and its gradient is computed only when somebody differentiates by the labels.
 */
function differentiable<T extends Tensor>(problem: Problem, pass: Pass<T>): T {
  const kept = problem.weights
    ? [problem.labels, problem.predictions, problem.weights]
    : [problem.labels, problem.predictions];
  const inputsOf = ([labels, predictions, weights]: Tensor[]): PassInputs => ({
    labels: toLabelPixels(labels!, problem.labelKind, problem.layout),
    predictions: toPixels(predictions!, problem.layout),
    weights: (weights as Tensor3D | undefined) ?? null,
  });

  const byPredictions = tf.customGrad((_, save) => {
    (save as tf.GradSaveFunc)(kept);
    return {
      value: pass.value(inputsOf(kept)),
      gradFunc: (dy: T, saved: Tensor[]) => fromPixels(pass.predictionsGradient(inputsOf(saved), dy), problem.layout),
    };
  });
  const value = byPredictions(problem.predictions) as T;
  if (problem.labelKind === 'indices' || problem.labels.dtype !== 'float32') return value;

  const byLabels = tf.customGrad((_, save) => {
    (save as tf.GradSaveFunc)(kept);
    return {
      value: pass.zeros(),
      gradFunc: (dy: T, saved: Tensor[]) => fromPixels(pass.labelsGradient(inputsOf(saved), dy), problem.layout),
    };
  });
  return tf.add(value, byLabels(problem.labels));
}

/**
 * The passes over pixels, and what goes in and out of them: the one contract between src/overlap, which asks, and the
 * folders beside this file, which compute.
 *
 * N samples, P pixels of a sample, C classes, S sums asked for.
 */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** The sums that a pass can give, in the order in which it gives them. */
export const SUM_NAMES = [
  'intersection',
  'predicted',
  'labelled',
  'difference',
  'predictedSquared',
  'labelledSquared',
  'crossEntropy',
] as const;
export type SumName = (typeof SUM_NAMES)[number];

/** How predictions become probabilities inside the pass. A user's function is applied before it. */
export type PassActivation = 'softmax' | 'sigmoid' | 'none';

/**
 * What the pass adds up as `crossEntropy`, per pixel and class, with t' = t(1 - labelSmoothing) + labelSmoothing/K:
 * categorical (K = C): -t' log p; binary (K = 2): -posWeight t' log p - (1 - t') log(1 - p); with `subtractEntropy`
 * minus the same at p = t'.
 */
export interface EntropyTerm {
  kind: 'categorical' | 'binary';
  labelSmoothing: number;
  /** One factor per class, or null for 1. */
  posWeight: readonly number[] | null;
  subtractEntropy: boolean;
}

export interface PassAttributes {
  activation: PassActivation;
  sharpness: number;
  entropy: EntropyTerm;
}

export interface PassInputs {
  /** Soft labels float32 [N,P,C], or class indices int32 [N,P]. */
  labels: Tensor3D | Tensor2D;
  /** Logits, or probabilities with activation 'none': float32 [N,P,C]. */
  predictions: Tensor3D;
  /** Pixel weights float32 [N,P,1], 0 where a pixel does not count; null for all 1. */
  weights: Tensor3D | null;
}

/** The sums over pixels, per sample and class. */
export interface OverlapKernel {
  /** [S,N,C], in the order of `names`. */
  sums(inputs: PassInputs, attributes: PassAttributes, names: readonly SumName[]): Tensor3D;
  /** [N,P,C]: the gradient to the predictions, given dy [S,N,C]. */
  predictionsGradient(
    inputs: PassInputs,
    attributes: PassAttributes,
    names: readonly SumName[],
    dy: Tensor3D,
  ): Tensor3D;
  /** [N,P,C]: the gradient to soft labels, given dy [S,N,C]. */
  labelsGradient(inputs: PassInputs, attributes: PassAttributes, names: readonly SumName[], dy: Tensor3D): Tensor3D;
}

/** The cross-entropy of each pixel: w times the sum over classes of coefficient[c] times the entropy term. */
export interface EntropyMapKernel {
  /** [N,P]. */
  map(inputs: PassInputs, attributes: PassAttributes, coefficients: readonly number[]): Tensor2D;
  /** [N,P,C], given dy [N,P]. */
  predictionsGradient(
    inputs: PassInputs,
    attributes: PassAttributes,
    coefficients: readonly number[],
    dy: Tensor2D,
  ): Tensor3D;
  /** [N,P,C], given dy [N,P]. */
  labelsGradient(
    inputs: PassInputs,
    attributes: PassAttributes,
    coefficients: readonly number[],
    dy: Tensor2D,
  ): Tensor3D;
}

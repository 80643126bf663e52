/**
 * The passes over pixels with their inputs and results: the contract between src/overlap, which calls them, and the
 * folders next to this file, which implement them.
 *
 * N samples, P pixels in a sample, C classes, S requested sums.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { LossInPrograms } from './formulas/program.js';
import type { LabelKind, Layout } from './layout.js';

/** The sums over labels and probabilities that a pass can compute, in the order in which it returns them. */
export const SUM_NAMES = [
  'intersection',
  'predicted',
  'labelled',
  'difference',
  'minimum',
  'predictedSquared',
  'labelledSquared',
  'crossEntropy',
] as const;
export type SumName = (typeof SUM_NAMES)[number];

/** All sums that a pass can compute. `valid` is the sum of the pixels' weights, which is the same for every class. */
const ALL_NAMES = [...SUM_NAMES, 'valid'] as const;
export type PassSum = (typeof ALL_NAMES)[number];

declare const canonical: unique symbol;

/**
 * Names of sums in the order of SUM_NAMES with `valid` last, each at most once: the rows of a pass's result. Kernels
 * accept only this type, and only `sumSet` makes it, so a list in another order can never name the wrong rows.
 */
export type SumSet<S extends PassSum = PassSum> = readonly S[] & { readonly [canonical]: true };

/** The named sums in the order in which passes return them, each once. */
export function sumSet<S extends PassSum>(names: Iterable<S>): SumSet<S> {
  const wanted = new Set<PassSum>(names);
  return ALL_NAMES.filter((name) => wanted.has(name)) as readonly PassSum[] as SumSet<S>;
}

export const PASS_SUMS = sumSet(ALL_NAMES);

/** The sums in the form of native/overlap.h: a bit for each. */
export const bitsOf = (sums: SumSet): number => sums.reduce((bits, sum) => bits | (1 << PASS_SUMS.indexOf(sum)), 0);

/** How predictions become probabilities inside the pass. An activation that is a user's function is applied before. */
export type PassActivation = 'softmax' | 'sigmoid' | 'none';

/**
 * The entropy term: the summand of `crossEntropy` for each pixel and class. With t' = t(1 - labelSmoothing) +
 * labelSmoothing/K it is -t' log p if categorical (K = C), and -posWeight t' log p - (1 - t') log(1 - p) if binary
 * (K = 2). With `subtractEntropy` the entropy of t' is subtracted: the same term at p = t', without posWeight.
 */
export interface EntropyTerm {
  kind: 'categorical' | 'binary';
  labelSmoothing: number;
  /** A factor for each class, or null if all are 1. */
  posWeight: readonly number[] | null;
  subtractEntropy: boolean;
  /** Makes it a focal term: the factor abs(p - t)^gamma·balance of the term, or null for 1. */
  focal: FocalFactor | null;
}

export interface FocalFactor {
  gamma: number;
  /** The balance is alpha·t + (1 - alpha)(1 - t), or 1 for null. */
  alpha: number | null;
}

export interface PassAttributes {
  activation: PassActivation;
  sharpness: number;
  entropy: EntropyTerm;
}

/** The tensors that a pass reads. Labels and predictions are as the user passed them; layout.ts makes them [N,P,C]. */
export interface PassInputs {
  /** Soft labels of the layout's shape (float32; int32 or bool count as 0 and 1), or int32 class indices. */
  labels: Tensor;
  labelKind: LabelKind;
  /** Logits, or probabilities with activation 'none': float32 of the layout's shape. */
  predictions: Tensor;
  /** Pixel weights, float32 [N,P,1], 0 for ignored pixels; null if all are 1. No gradient flows to them. */
  weights: Tensor3D | null;
  layout: Layout;
}

/** The input that a gradient is taken with respect to. */
export type Wrt = 'predictions' | 'labels';

/** The kernels that compute the passes: fused ones, each a loop written for the pass, or chains of tfjs's ops. */
export type KernelKind = 'fused native' | 'fused wasm' | 'fused webgpu' | 'fused webgl' | 'composed';

/** The passes as functions that tfjs can differentiate, to any order, by predictions and by float32 labels. */
export interface Kernels {
  name: KernelKind;
  /** True if reading the values of a small tensor is cheap, because there is no GPU to wait for. */
  readsAtOnce: boolean;
  /** Formulas on sums as programs; null if they are computed in plain numbers or tfjs's ops. */
  formulas: LossInPrograms | null;
  /** [S,N,C]: the sums over pixels. */
  sums(inputs: PassInputs, attributes: PassAttributes, sums: SumSet): Tensor3D;
  /**
   * The same divided by `unit`, which is 1 except where textures are float16, whose numbers end at 65,504 and lose
   * digits below 6e-5.
   */
  sumsInUnits(inputs: PassInputs, attributes: PassAttributes, sums: SumSet): { values: Tensor3D; unit: number };
  /**
   * [N,P]: the cross-entropy of each pixel, which is its weight times the sum over classes of coefficients[c] times the
   * entropy term.
   */
  entropyMap(inputs: PassInputs, attributes: PassAttributes, coefficients: readonly number[]): Tensor2D;
}

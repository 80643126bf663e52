/**
 * The passes over pixels, and what goes in and out of them: the one contract between src/overlap, which asks, and the
 * folders beside this file, which compute.
 *
 * N samples, P pixels of a sample, C classes, S sums asked for.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { LabelKind, Layout } from './layout.js';

/** The sums that a pass can give, in the order in which it gives them. */
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

/** All that a pass may be asked for: the sums, and `valid`, the sum of the pixels' weights, the same for every class. */
const ALL_NAMES = [...SUM_NAMES, 'valid'] as const;
export type PassSum = (typeof ALL_NAMES)[number];

declare const canonical: unique symbol;

/**
 * Sums in the order of SUM_NAMES with `valid` last, each at most once: the rows of a pass. Kernels take nothing else, and
 * only `sumSet` makes one, so a list in another order can never name the wrong rows.
 */
export type SumSet<S extends PassSum = PassSum> = readonly S[] & { readonly [canonical]: true };

/** The named sums in the order in which passes give them, each once. */
export function sumSet<S extends PassSum>(names: Iterable<S>): SumSet<S> {
  const wanted = new Set<PassSum>(names);
  return ALL_NAMES.filter((name) => wanted.has(name)) as readonly PassSum[] as SumSet<S>;
}

export const PASS_SUMS = sumSet(ALL_NAMES);

/** Sums as native/overlap.h knows them: a bit for each. */
export const bitsOf = (sums: SumSet): number => sums.reduce((bits, sum) => bits | (1 << PASS_SUMS.indexOf(sum)), 0);

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

/** Labels, predictions and weights as they came; layout.ts brings them to [N,P,C]. */
export interface PassInputs {
  /** Soft labels of the layout's shape (float32; int32 or bool count as 0 and 1), or int32 class indices. */
  labels: Tensor;
  labelKind: LabelKind;
  /** Logits, or probabilities with activation 'none': float32 of the layout's shape. */
  predictions: Tensor;
  /** Pixel weights float32 [N,P,1], 0 where a pixel does not count; null for all 1. No gradient flows to them. */
  weights: Tensor3D | null;
  layout: Layout;
}

/** What a gradient is taken to. */
export type Wrt = 'predictions' | 'labels';

/** What computes the passes over pixels: one loop written for it, or a chain of tfjs's ops. */
export type KernelKind = 'fused native' | 'fused wasm' | 'fused webgpu' | 'composed';

/** The passes as functions that tfjs can differentiate, to any order, by predictions and by float32 labels. */
export interface Kernels {
  name: KernelKind;
  /** Whether reading the values of a small tensor costs next to nothing, as it does where no GPU has to be waited for. */
  readsAtOnce: boolean;
  /** [S,N,C]: the sums over pixels. */
  sums(inputs: PassInputs, attributes: PassAttributes, sums: SumSet): Tensor3D;
  /**
   * [N,P]: the cross-entropy of each pixel, its weight times the sum over classes of coefficients[c] times the entropy
   * term.
   */
  entropyMap(inputs: PassInputs, attributes: PassAttributes, coefficients: readonly number[]): Tensor2D;
}

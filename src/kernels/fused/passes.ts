/** What a fused implementation offers; `kernels.ts` makes differentiable tfjs ops of it. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelKind, PassAttributes, SumSet, Wrt } from '../contract.js';

/** How the inputs of a fused pass lie in memory. */
interface FusedLayout {
  samples: number;
  pixels: number;
  classes: number;
  /** Predictions and soft labels are [N,C,P] instead of [N,P,C]. */
  classesFirst: boolean;
}

export type FusedLabelKind = 'float32' | 'int32' | 'bool' | 'indices';

/** What a pass is told besides its tensors. */
export interface FusedPass extends PassAttributes, FusedLayout {
  labelKind: FusedLabelKind;
}

/** Tensors as the user passed them, whatever their rank; `FusedPass` says how they are to be read. */
export interface FusedInputs {
  /** Like predictions in size (float32, int32 or bool), or int32 class indices, N·P of them. */
  labels: TensorInfo;
  /** float32, N·P·C values. */
  predictions: TensorInfo;
  /** float32, N·P values, or null for 1. */
  weights: TensorInfo | null;
}

/**
 * The passes on one backend. They read their inputs until they return, keep none of them, and change none. Results are
 * new tensors of that backend, with data of their own. (test/contract/keeps.test.ts)
 */
export interface FusedPasses {
  name: Exclude<KernelKind, 'composed'>;
  /** As in `Kernels`; true unless said. */
  readsAtOnce?: boolean;
  /** Whether it can; composed kernels take the rest. Without it, all. */
  takes?(pass: FusedPass): boolean;
  /** [S,N,C]. */
  sums(inputs: FusedInputs, pass: FusedPass, sums: SumSet): TensorInfo;
  /** The gradient of the sums with upstream dy [S,N,C], in the shape of the predictions. */
  sumsGradient(inputs: FusedInputs, pass: FusedPass, sums: SumSet, dy: TensorInfo, wrt: Wrt): TensorInfo;
  /** [N,P]: the cross-entropy of each pixel, w times the sum over classes of coefficients[c] times the entropy term. */
  entropyMap(inputs: FusedInputs, pass: FusedPass, coefficients: readonly number[]): TensorInfo;
  /** Its gradient with upstream dy [N,P], in the shape of the predictions. */
  entropyMapGradient(
    inputs: FusedInputs,
    pass: FusedPass,
    coefficients: readonly number[],
    dy: TensorInfo,
    wrt: Wrt,
  ): TensorInfo;
  /** What to run each of tfjs's calls in, for a backend whose clones need it. */
  around?<T>(run: () => T): T;
}

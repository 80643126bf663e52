/** The interface of a fused implementation. `kernels.ts` makes differentiable tfjs ops of it. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { LossInPrograms } from '../formulas/program.js';
import type { KernelKind, PassAttributes, SumSet, Wrt } from '../contract.js';

/** The layout of the inputs of a fused pass in memory. */
interface FusedLayout {
  samples: number;
  pixels: number;
  classes: number;
  /** Predictions and soft labels are [N,C,P] instead of [N,P,C]. */
  classesFirst: boolean;
}

export type FusedLabelKind = 'float32' | 'int32' | 'bool' | 'indices';

/** All that a pass is given in addition to its tensors. */
export interface FusedPass extends PassAttributes, FusedLayout {
  labelKind: FusedLabelKind;
}

/** Tensors as the user passed them, of any rank; `FusedPass` says how to read them. */
export interface FusedInputs {
  /** N·P·C soft labels (float32, int32 or bool), or N·P class indices (int32). */
  labels: TensorInfo;
  /** float32, N·P·C values. */
  predictions: TensorInfo;
  /** float32, N·P values, or null if all are 1. */
  weights: TensorInfo | null;
}

/**
 * The passes on one backend. They only read their inputs, and only until they return. Results are new tensors of that
 * backend, with data of their own. test/contract checks this.
 */
export interface FusedPasses {
  name: Exclude<KernelKind, 'composed'>;
  /** As in `Kernels`. Default true. */
  readsAtOnce?: boolean;
  /** True if this implementation can compute the pass (default); composed kernels compute the others. */
  takes?(pass: FusedPass): boolean;
  /**
   * The amount that 1 in the results of `sums` stands for; default 1. Where textures are float16, plain sums of many
   * pixels would overflow. The gradient is taken with respect to these results, so dy counts in units too.
   */
  unit?(pass: FusedPass): number;
  /** True if it computes focal terms; by default composed kernels do. */
  takesFocal?: boolean;
  /** The sums over pixels, [S,N,C], in units. */
  sums(inputs: FusedInputs, pass: FusedPass, sums: SumSet): TensorInfo;
  /** The gradient of the sums, given the upstream gradient dy [S,N,C], in the shape of the predictions. */
  sumsGradient(inputs: FusedInputs, pass: FusedPass, sums: SumSet, dy: TensorInfo, wrt: Wrt): TensorInfo;
  /** [N,P]: the cross-entropy of each pixel, w times the sum over classes of coefficients[c] times the entropy term. */
  entropyMap(inputs: FusedInputs, pass: FusedPass, coefficients: readonly number[]): TensorInfo;
  /** The gradient of `entropyMap`, given the upstream gradient dy [N,P], in the shape of the predictions. */
  entropyMapGradient(
    inputs: FusedInputs,
    pass: FusedPass,
    coefficients: readonly number[],
    dy: TensorInfo,
    wrt: Wrt,
  ): TensorInfo;
  /** Formulas on sums as programs, for a backend where reading sums back is slow. */
  formulas?: LossInPrograms;
  /** A wrapper around each tfjs call, for backends that copy on clone. */
  around?<T>(run: () => T): T;
}

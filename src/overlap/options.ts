import type { Tensor } from '@tensorflow/tfjs-core';

/** A function from logits to probabilities of the same shape, say `(z) => sparsemax(z)`. */
export type Relaxation = (logits: Tensor) => Tensor;

/** How labels and predictions are to be read. Shared by `overlap` and every loss. */
export interface InputOptions {
  /**
   * How predictions become probabilities: `'softmax'` (default for C > 1), `'sigmoid'` (default for C = 1), `'none'` if
   * they are probabilities, or a function from logits to probabilities.
   */
  activation?: 'softmax' | 'sigmoid' | 'none' | Relaxation;
  /** The factor on the logits, > 0: softmax(sharpness·z) or sigmoid(sharpness·z). Default 1. */
  sharpness?: number;
  /** The class axis; never 0, which is the batch. Default -1. */
  axis?: number;
  /** Weights of the pixels, `[N, ...spatial]`: bool, int32 or float32, >= 0. A pixel of weight 0 does not count. */
  mask?: Tensor;
  /**
   * Class indices: pixels with this index do not count. Soft labels: pixels with this value in any channel do not
   * count; it must lie outside [0, 1], say -1.
   */
  ignoreLabel?: number;
}

export const INPUT_OPTIONS = ['activation', 'sharpness', 'axis', 'mask', 'ignoreLabel'] as const;

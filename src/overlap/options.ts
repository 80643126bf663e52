import type { Tensor } from '@tensorflow/tfjs-core';

/** A relaxation: a function from logits to probabilities of the same shape, say `(z) => sparsemax(z)`. */
export type Relaxation = (logits: Tensor) => Tensor;

/** The options on how to read labels and predictions, which `overlap` and all losses share. */
export interface InputOptions {
  /**
   * How predictions become probabilities: `'softmax'` (default for C > 1), `'sigmoid'` (default for C = 1), `'none'` if
   * they are probabilities, or a function from logits to probabilities.
   */
  activation?: 'softmax' | 'sigmoid' | 'none' | Relaxation;
  /** The factor on the logits z, > 0, in softmax(sharpness·z) or sigmoid(sharpness·z). Default 1. */
  sharpness?: number;
  /** The class axis; never 0, which is the batch. Default -1. */
  axis?: number;
  /** Weights of the pixels, `[N, ...spatial]`: bool, int32 or float32, >= 0. A pixel of weight 0 does not count. */
  mask?: Tensor;
  /**
   * Marks pixels that do not count. With class indices these are the pixels with this index; with soft labels (shares
   * of the classes) those with this value in any channel, and the value must lie outside [0, 1], say -1.
   */
  ignoreLabel?: number;
}

export const INPUT_OPTIONS = ['activation', 'sharpness', 'axis', 'mask', 'ignoreLabel'] as const;

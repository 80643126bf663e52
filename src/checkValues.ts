import { checkBoolean } from './checks.js';

let checking = false;

/**
 * Switches checks of tensor values on or off, for the losses, `overlap`, `powerSharpen` and the soft labels (off at the
 * start). They read the tensors back, which stalls a GPU: use them while you look for a fault. Refused are NaN in
 * labels, predictions and mask; labels and probabilities outside [0, 1]; labels that do not sum to 1 under softmax;
 * class indices that are not in 0..C-1; negative weights; votes that are negative or more than there are annotators.
 * Pixels that do not count are not checked. (WebGPU cannot read tensors back at once, so there the checks throw tfjs's
 * own error.)
 *
 * @example
 * ```ts
 * checkValues(true);
 * const labels = tf.tensor2d([[0.7, 0.7]]);
 * const logits = tf.tensor2d([[1, 2]]);
 * diceLoss(labels, logits); // throws: labels of a pixel must sum to 1 under softmax, got 1.4 at sample 0
 * ```
 *
 * @throws if `on` is not a boolean
 */
export function checkValues(on: boolean): void {
  checkBoolean('checkValues', 'on', on);
  checking = on;
}

export function checkingValues(): boolean {
  return checking;
}

import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Tensors that a gradient needs; null stands for an optional one that is absent. */
type Saved = readonly (Tensor | null)[];

interface ValueAndSaved<Y extends Tensor, S extends Saved> {
  value: Y;
  /** The tensors that `backward` gets; `[]` for none. */
  saved: readonly [...S];
}

/**
 * The value of `forward` at x (or at xs), with `backward` as its gradient function: it gets the gradient of the value
 * and the tensors that `forward` has saved, and returns a gradient for each input. All uses of tf.customGrad go through
 * this function.
 *
 * - tfjs records nothing inside `forward`, but it does record `backward`. For gradients of gradients the inputs must be
 *   among the saved tensors, and the ops in `backward` need gradients themselves.
 * - Tensors are saved only after `forward` has returned, because tfjs never disposes saved tensors if `forward` throws.
 * - tfjs always computes the gradients with respect to all inputs, and would keep the intermediate tensors of
 *   `backward` until the whole gradient is done, so `backward` runs in tf.tidy.
 */
export function withGradient<X extends Tensor, Y extends Tensor, S extends Saved>(
  x: X,
  forward: (x: X) => ValueAndSaved<Y, S>,
  backward: (dy: Y, saved: S) => Tensor,
): Y;
export function withGradient<X extends readonly Tensor[], Y extends Tensor, S extends Saved>(
  xs: readonly [...X],
  forward: (...xs: X) => ValueAndSaved<Y, S>,
  backward: (dy: Y, saved: S) => { readonly [K in keyof X]: Tensor },
): Y;
export function withGradient(
  x: Tensor | readonly Tensor[],
  forward: (...xs: Tensor[]) => ValueAndSaved<Tensor, Saved>,
  backward: (dy: Tensor, saved: Saved) => Tensor | readonly Tensor[],
): Tensor {
  const xs = Array.isArray(x) ? (x as Tensor[]) : [x as Tensor];
  return tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const { value, saved } = forward(...xs);
    save(saved.filter((tensor) => tensor !== null));
    const isNull = saved.map((tensor) => tensor === null);
    const inPlace = (kept: Tensor[]): Saved => {
      const rest = kept.values();
      return isNull.map((none) => (none ? null : rest.next().value!));
    };
    return {
      value,
      gradFunc: (dy: Tensor, kept: Tensor[]) => tf.tidy(() => backward(dy, inPlace(kept)) as Tensor | Tensor[]),
    };
  })(...xs);
}

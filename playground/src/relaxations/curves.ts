/** The outputs of a relaxation and its derivatives, at one p and as curves over p. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { METHOD, type Extras, type MethodName } from './methods.js';

export const P_RANGE = [1, 20] as const;

export interface Relaxed {
  values: number[];
  /** [i][j]: the derivative of output i by input j. */
  jacobian: number[][];
}

/**
 * The outputs and all derivatives, in one pass: the input is repeated in a row for each output, and the gradient of
 * that output is taken in its row.
 */
export function relaxed(method: MethodName, values: readonly number[], p: number, extras: Extras): Relaxed {
  // The noise depends on the shape of the tensor, and all rows need the same noise.
  const rowByRow = (x: Tensor) =>
    tf.concat(tf.split(x, values.length).map((row) => METHOD[method].apply(row, p, extras)));
  const f = method === 'gumbelSoftmax' ? rowByRow : (x: Tensor) => METHOD[method].apply(x, p, extras);
  return derived(values, 1, f)[0]!;
}

/** Applies f to `times` copies of the values, each repeated in as many rows as there are values. */
function derived(values: readonly number[], times: number, f: (rows: Tensor) => Tensor): Relaxed[] {
  const count = values.length;
  return tf.tidy(() => {
    const rows = tf.tile(tf.tensor2d([...values], [1, count]), [times * count, 1]);
    const { value, grad } = tf.valueAndGrad(f)(rows, tf.tile(tf.eye(count), [times, 1]));
    const [outputs, slopes] = [value.dataSync(), grad.dataSync()];
    const row = (all: ArrayLike<number>, i: number) => Array.from({ length: count }, (_, j) => all[i * count + j]!);
    return Array.from({ length: times }, (_, time) => ({
      values: row(outputs, time * count),
      jacobian: values.map((_, i) => row(slopes, time * count + i)),
    }));
  });
}

export interface Along {
  p: number[];
  /** [value][step] */
  values: number[][];
  /** [value][step]: the derivative of a value by its own input. */
  slopes: number[][];
}

export function along(method: MethodName, values: readonly number[], extras: Extras): Along {
  const { applyToRows } = METHOD[method];
  const [from, to] = P_RANGE;
  const steps = applyToRows ? 95 : 38;
  const p = Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  const all = applyToRows
    ? derived(values, p.length, (rows) => {
        const eachRow = p.flatMap((strength) => values.map(() => strength));
        return applyToRows(rows, tf.tensor2d(eachRow, [eachRow.length, 1]), extras);
      })
    : p.map((strength) => relaxed(method, values, strength, extras));
  return {
    p,
    values: values.map((_, i) => all.map((one) => one.values[i]!)),
    slopes: values.map((_, i) => all.map((one) => one.jacobian[i]![i]!)),
  };
}

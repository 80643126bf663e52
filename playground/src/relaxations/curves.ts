/** What a relaxation makes of the values, and its gradient, at one p and along p. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { METHOD, type Extras, type MethodName } from './methods.js';

export const P_RANGE = [1, 20] as const;

export interface Relaxed {
  values: number[];
  /** [i][j]: the derivative of value i by input j. */
  jacobian: number[][];
}

/** Values and all derivatives from one pass: a row for each output, whose gradient is taken in that row alone. */
export function relaxed(method: MethodName, values: readonly number[], p: number, extras: Extras): Relaxed {
  // Noise is drawn for the shape that it gets, and all rows need the same.
  const rowByRow = (x: Tensor) => tf.concat(tf.split(x, values.length).map((row) => METHOD[method].of(row, p, extras)));
  const f = method === 'gumbelSoftmax' ? rowByRow : (x: Tensor) => METHOD[method].of(x, p, extras);
  return derived(values, 1, f)[0]!;
}

/** f takes `times` copies of the values, each in as many rows as there are values. */
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
  /** [value][step], the derivative of a value by its own input. */
  slopes: number[][];
}

export function along(method: MethodName, values: readonly number[], extras: Extras): Along {
  const { ofRows } = METHOD[method];
  const [from, to] = P_RANGE;
  const steps = ofRows ? 95 : 38;
  const p = Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  const all = ofRows
    ? derived(values, p.length, (rows) => {
        const eachRow = p.flatMap((strength) => values.map(() => strength));
        return ofRows(rows, tf.tensor2d(eachRow, [eachRow.length, 1]), extras);
      })
    : p.map((strength) => relaxed(method, values, strength, extras));
  return {
    p,
    values: values.map((_, i) => all.map((one) => one.values[i]!)),
    slopes: values.map((_, i) => all.map((one) => one.jacobian[i]![i]!)),
  };
}

import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { numberAlgebra, type NumberMatrix } from '../algebra/numbers.js';
import { checksAnyValues, releasingTape, type Values } from '../checkValues.js';
import { nestedGrads } from '../ops/nestedGrads.js';
import { withGradient } from '../ops/withGradient.js';
import { lossInOps } from './lossInOps.js';
import { checkSums } from './sumChecks.js';
import type { Known, SumsFormula, SumsOf } from './sumsFormula.js';

/**
 * The loss in plain numbers, which saves some twenty tfjs ops, and as many in the gradient. The gradient of the
 * gradient is taken in ops.
 */
export function lossAtOnce(sums: Tensor3D, formula: SumsFormula, known: Known): Tensor {
  return withGradient(
    sums,
    (x) => {
      const values = x.dataSync();
      checkKnownSums(values, x.shape, known);
      const { result } = lossInNumbers(values, x.shape, formula, known);
      return { value: tf.tensor(Float32Array.from(result.values), formula.shape(x.shape[1])), saved: [x] };
    },
    (dy, [x]) => gradientAtOnce(x, dy, formula, known),
  );
}

declare const SOFTSEG_VALUE_CHECKS: string | undefined;

function checkKnownSums(values: Values, shape: Tensor3D['shape'], { fn, names, pixels }: Known): void {
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return;
  if (fn !== null && checksAnyValues())
    releasingTape(() => inFunction(fn, () => checkSums(values, names, shape, pixels)));
}

function gradientAtOnce(sums: Tensor3D, dy: Tensor, formula: SumsFormula, known: Known): Tensor3D {
  return withGradient(
    [sums, dy],
    (x, upstream) => {
      const { gradient } = lossInNumbers(x.dataSync(), x.shape, formula, known);
      return { value: tf.tensor3d(gradient(upstream.dataSync()), x.shape), saved: [x, upstream] };
    },
    (ddy, saved) => {
      const lossOf = (s: Tensor) => lossInOps(s as Tensor3D, formula, known);
      const [toSums, toDy] = nestedGrads((s, d) => nestedGrads(lossOf, [s!], d!)[0]!, [...saved], ddy);
      return [toSums!, toDy!];
    },
  );
}

function lossInNumbers(
  values: Values,
  [, samples, classes]: Tensor3D['shape'],
  formula: SumsFormula,
  { names, pixels, unit }: Known,
) {
  const size = samples * classes;
  const algebra = numberAlgebra();
  const rows = names.map((_, i) => values.subarray(i * size, (i + 1) * size));
  const matrices = names.map((name, i) =>
    name === 'valid'
      ? algebra.matrix(
          samples,
          1,
          Float64Array.from({ length: samples }, (_, n) => rows[i]![n * classes]!),
        )
      : algebra.matrix(samples, classes, rows[i]!),
  );
  const inUnits = (sum: NumberMatrix) => (unit === 1 ? sum : algebra.mul(sum, unit));
  const table = Object.fromEntries(names.map((name, i) => [name, inUnits(matrices[i]!)])) as SumsOf<NumberMatrix>;
  if (pixels !== null) table.valid = algebra.matrix(samples, 1, new Float64Array(samples).fill(pixels));
  const result = formula.value(algebra, table);
  /** The gradient with respect to the sums. No gradient flows to weights: that of 'valid' stays 0. */
  const gradient = (dy: ArrayLike<number>): Float32Array => {
    algebra.backpropagate(result, dy);
    const all = new Float32Array(values.length);
    names.forEach((name, i) => name !== 'valid' && all.set(matrices[i]!.gradient, i * size));
    return all;
  };
  return { result, gradient };
}

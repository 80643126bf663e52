import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../algebra/tensors.js';
import { unstackSums } from '../ops/unstackSums.js';
import type { Known, SumsFormula, SumsOf } from './sumsFormula.js';

/** The loss in tfjs ops, which have gradients of any order. */
export function lossInOps(sums: Tensor3D, formula: SumsFormula, { names, pixels, unit }: Known): Tensor {
  const [, samples] = sums.shape;
  const whole = unit === 1 ? sums : tf.mul<Tensor3D>(sums, unit);
  const table = Object.fromEntries(unstackSums(whole).map((sum, i) => [names[i], sum])) as SumsOf<Tensor2D>;
  const valid = pixels === null ? firstColumn(table.valid) : tf.fill<tf.Rank.R2>([samples, 1], pixels);
  return tf.reshape(formula.value(tensorAlgebra, { ...table, valid }), formula.shape(samples));
}

const firstColumn = (x: Tensor2D): Tensor2D => tf.slice2d(x, [0, 0], [x.shape[0], 1]);

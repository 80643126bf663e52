import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { nestedGrads } from '../../ops/nestedGrads.js';
import { withGradient } from '../../ops/withGradient.js';
import type { FormulaCall, FormulaProgram, FormulaRunner, LossInPrograms } from './program.js';
import { recordFormula } from './programs.js';

/**
 * The loss as one program of a GPU, and its gradient as another; null if the GPU cannot run them. (Inside withGradient
 * it would be too late to compute in ops, which tfjs would not record there.)
 */
export const lossInPrograms =
  (runner: FormulaRunner): LossInPrograms =>
  (sums, formula, known, inOps) => {
    const { programs, numbers } = recordFormula(formula, known);
    const [, samples, classes] = sums.shape;
    const takes = (program: FormulaProgram) => runner.takes(program, samples, classes);
    if (!takes(programs.value()) || !takes(programs.gradient())) return null;
    const run = (program: FormulaProgram, inputs: FormulaCall['inputs'], shape: readonly number[]) =>
      tf.engine().makeTensorFromTensorInfo(runner.run({ program, numbers, inputs, shape }));

    const gradientInOps = (s: Tensor, d: Tensor): Tensor => nestedGrads((x) => inOps(x as Tensor3D), [s], d)[0]!;
    const gradientsOfGradientInOps = (s: Tensor, d: Tensor, dd: Tensor): Tensor[] =>
      nestedGrads((s, d) => gradientInOps(s!, d!), [s, d], dd);

    const gradientOfGradient = (i: 0 | 1, saved: readonly [Tensor3D, Tensor, Tensor]): Tensor =>
      withGradient(
        saved,
        (x, dy, ddy) => ({
          value: run(programs.gradientsOfGradient()[i], { sums: x, dy, ddy }, saved[i].shape),
          saved: [x, dy, ddy],
        }),
        (dddy, all) => {
          const [s, d, dd] = nestedGrads((s, d, dd) => gradientsOfGradientInOps(s!, d!, dd!)[i]!, [...all], dddy);
          return [s!, d!, dd!];
        },
      );
    const gradient = (x: Tensor3D, dy: Tensor): Tensor =>
      withGradient(
        [x, dy],
        (x, dy) => ({ value: run(programs.gradient(), { sums: x, dy }, x.shape), saved: [x, dy] }),
        (ddy, [x, dy]) => {
          if (!programs.gradientsOfGradient().every(takes)) {
            const [toSums, toDy] = gradientsOfGradientInOps(x, dy, ddy);
            return [toSums!, toDy!];
          }
          return [gradientOfGradient(0, [x, dy, ddy]), gradientOfGradient(1, [x, dy, ddy])];
        },
      );
    return withGradient(
      sums,
      (x) => ({ value: run(programs.value(), { sums: x }, formula.shape(samples)), saved: [x] }),
      (dy, [x]) => gradient(x, dy),
    );
  };

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { tensorsRead, type FormulaCall, type FormulaRunner } from '../formulas/program.js';
import type { WebgpuBackend } from './backend.js';
import { fits, formulaCode } from './formula.js';
import { run } from './run.js';

export function formulaRunner(backend: WebgpuBackend): FormulaRunner {
  return {
    takes: (program, samples, classes) => samples * classes > 0 && fits(program, classes, mostOf(samples)),
    run: (call) => runFormula(backend, call),
  };
}

/** The number of samples that a program is made for, so that batches of many sizes share one. */
const mostOf = (samples: number): number => 2 ** Math.ceil(Math.log2(samples));

function runFormula(backend: WebgpuBackend, { program, numbers, inputs, shape }: FormulaCall): TensorInfo {
  const { steps, outputs, rows, columns } = program;
  const [, samples, classes] = inputs.sums.shape as [number, number, number];
  const most = mostOf(samples);
  const values = (rows ? samples : 1) * (columns ? classes : 1);
  const result = run(backend, {
    key: `formula ${most} ${classes} ${program.key}`,
    code: () => formulaCode(program, classes, most),
    // WebGPU refuses an input that the code does not read.
    inputs: tensorsRead(program).map((name) => [name, inputs[name]!]),
    size: outputs.length * values,
    groups: 1,
    integers: { samples, values, columns: columns ? classes : 1 },
    floats: Object.fromEntries(
      steps.filter(({ op }) => op === 'number').map(({ parameter }) => [`k${parameter}`, numbers[parameter!]!]),
    ),
  });
  return { ...result, shape: [...shape] };
}

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { tensorsRead, type FormulaCall, type FormulaProgram, type FormulaRunner } from '../formulas/program.js';
import { unpacked, withTemporaries, type WebglBackend } from './backend.js';
import { costOf, formulaCode } from './formula.js';

/** With more steps than these, a formula is faster in ops. */
const MOST_STEPS = 2 ** 17;
/** With longer code, a compiler may take seconds. */
const LONGEST_CODE = 4000;

/** With `half`, textures are float16. */
export function formulaRunner(backend: WebglBackend, half: boolean): FormulaRunner {
  /** The code of each program by the number of classes: writing it takes about as long as starting a program. */
  const codes = new WeakMap<FormulaProgram, Map<number, string>>();
  const codeOf = (program: FormulaProgram, classes: number): string => {
    const known = codes.get(program) ?? new Map<number, string>();
    codes.set(program, known);
    const code = known.get(classes) ?? formulaCode(program, classes, half);
    known.set(classes, code);
    return code;
  };
  return {
    takes(program, samples, classes) {
      if (samples * classes === 0) return false;
      const { run, code } = costOf(program, samples, classes);
      return run <= MOST_STEPS && code <= LONGEST_CODE;
    },
    run: (call) => withTemporaries(backend, (keep) => runFormula(backend, call, codeOf, keep)),
  };
}

function runFormula(
  backend: WebglBackend,
  { program, numbers, inputs, shape }: FormulaCall,
  codeOf: (program: FormulaProgram, classes: number) => string,
  keep: (made: TensorInfo) => TensorInfo,
): TensorInfo {
  const [, samples, classes] = inputs.sums.shape as [number, number, number];
  const { rows, columns, outputs } = program;
  const used = program.steps.filter(({ op }) => op === 'number').map(({ parameter }) => parameter!);
  const names = tensorsRead(program);
  const result = backend.runWebGLProgram(
    {
      variableNames: names.map((name) => name[0]!.toUpperCase() + name.slice(1)),
      outputShape: [outputs.length * (rows ? samples : 1) * (columns ? classes : 1)],
      enableShapeUniforms: true,
      customUniforms: [
        { name: 'samples', type: 'int' },
        ...used.map((index) => ({ name: `k${index}`, type: 'float' as const })),
      ],
      userCode: codeOf(program, classes),
    },
    names.map((name) => {
      const { dataId, dtype, shape } = unpacked(backend, inputs[name]!, keep);
      return { dataId, dtype, shape: [shape.reduce((product, length) => product * length, 1)] };
    }),
    'float32',
    [[samples], ...used.map((index) => [numbers[index]!])],
  );
  return { ...result, shape: [...shape] };
}

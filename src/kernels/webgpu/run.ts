import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Uniform, WebgpuBackend } from './backend.js';
import { LANES } from './tiles.js';

/** A program with flat arrays as inputs and result. */
interface FlatProgram {
  /** Identifies the code. */
  key: string;
  code: () => string;
  inputs: [name: string, tensor: TensorInfo][];
  /** Number of values in the result. */
  size: number;
  /** Number of workgroups. */
  groups: number;
  /** The uniforms. */
  integers: Record<string, number>;
  floats: Record<string, number>;
}

export function run(
  backend: WebgpuBackend,
  { key, code, inputs, size, groups, integers, floats }: FlatProgram,
): TensorInfo {
  const names = (numbers: object, type: string) => Object.keys(numbers).map((name) => `${name} : ${type}, `);
  const values = (numbers: Record<string, number>, type: Uniform['type']) =>
    Object.values(numbers).map((value): Uniform => ({ type, data: [value] }));
  return backend.runWebGPUProgram(
    {
      variableNames: inputs.map(([name]) => name),
      outputShape: [size],
      workgroupSize: [LANES, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [groups, 1, 1],
      uniforms: [...names(integers, 'i32'), ...names(floats, 'f32')].join(''),
      shaderKey: `softseg ${key}`,
      getUserCode: code,
    },
    // The inputs are read as flat arrays, whatever their shape.
    inputs.map(([, { dataId, dtype, shape }]) => ({
      dataId,
      dtype,
      shape: [shape.reduce((product, length) => product * length, 1)],
    })),
    'float32',
    [...values(integers, 'int32'), ...values(floats, 'float32')],
  );
}

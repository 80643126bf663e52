/** What is used here of tfjs's webgpu backend, which is never imported: a page that has it brings it. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

export interface WebgpuBackend {
  runWebGPUProgram(program: Program, inputs: TensorInfo[], dtype: DataType, uniforms: Uniform[]): TensorInfo;
  makeTensorInfo(shape: number[], dtype: DataType, values?: Float32Array): TensorInfo;
  disposeData(dataId: object): boolean;
}

/** A compute shader as the backend takes it; it puts the declarations of inputs, `result` and uniforms before the code. */
interface Program {
  variableNames: string[];
  outputShape: number[];
  workgroupSize: [number, number, number];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  /** Declarations of the uniforms, in the order of their values. */
  uniforms: string;
  /** The same for the same code. */
  shaderKey: string;
  getUserCode(): string;
}

export interface Uniform {
  type: 'int32' | 'float32';
  data: [number];
}

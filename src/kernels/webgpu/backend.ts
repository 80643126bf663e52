/** The part of tfjs's webgpu backend that is used here. softseg never imports that backend; the page does. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

export interface WebgpuBackend {
  runWebGPUProgram(program: Program, inputs: TensorInfo[], dtype: DataType, uniforms: Uniform[]): TensorInfo;
  makeTensorInfo(shape: number[], dtype: DataType, values?: Float32Array): TensorInfo;
  disposeData(dataId: object): boolean;
}

/** A compute shader in the backend's form. The backend adds the declarations of inputs, `result` and uniforms. */
interface Program {
  variableNames: string[];
  outputShape: number[];
  workgroupSize: [number, number, number];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  /** Declarations of the uniforms, in the order of their values. */
  uniforms: string;
  /** The key under which the backend keeps the compiled code; equal keys must mean equal code. */
  shaderKey: string;
  getUserCode(): string;
}

export interface Uniform {
  type: 'int32' | 'float32';
  data: [number];
}

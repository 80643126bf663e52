import * as tf from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';

/** Runs a kernel of tfjs's wasm backend. */
export type Run = (name: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap) => TensorInfo;

/**
 * Makes a kernel from other kernels of the wasm backend. `compute` gets two functions that run one: `step`, whose
 * results are freed at the end, and `run`, for the last one, whose result is the kernel's own.
 */
export function kernelOfSteps<A>(
  compute: (inputs: NamedTensorInfoMap, attrs: A, step: Run, run: Run) => TensorInfo,
): KernelFunc {
  return ({ inputs, backend, attrs }) => {
    const intermediate: TensorInfo[] = [];
    const run: Run = (name, kernelInputs, kernelAttrs) =>
      tf.getKernel(name, 'wasm').kernelFunc({ inputs: kernelInputs, backend, attrs: kernelAttrs }) as TensorInfo;
    const step: Run = (...call) => {
      const result = run(...call);
      intermediate.push(result);
      return result;
    };
    try {
      return compute(inputs, attrs as A, step, run);
    } finally {
      for (const { dataId } of intermediate) (backend as KernelBackend).disposeData(dataId);
    }
  };
}

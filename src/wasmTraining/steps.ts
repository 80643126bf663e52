import * as tf from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';

/** Runs a kernel of tfjs's wasm backend. */
export type Run = (name: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap) => TensorInfo;

/** Computes a step from steps of its own, which are freed when it is done. */
export type Part = (compute: (step: Run, run: Run) => TensorInfo) => TensorInfo;

/**
 * Makes a kernel from other kernels of the wasm backend. `compute` gets two functions that run one: `step`, whose
 * results are freed at the end, and `run`, for the last one, whose result is the kernel's own. What `part` computes is
 * freed at the end too.
 */
export function kernelOfSteps<A>(
  compute: (inputs: NamedTensorInfoMap, attrs: A, step: Run, run: Run, part: Part) => TensorInfo,
): KernelFunc {
  return ({ inputs, backend, attrs }) => {
    const run: Run = (name, kernelInputs, kernelAttrs) =>
      tf.getKernel(name, 'wasm').kernelFunc({ inputs: kernelInputs, backend, attrs: kernelAttrs }) as TensorInfo;
    return freeing(backend as KernelBackend, (keep) => {
      const step: Run = (...call) => keep(run(...call));
      const part: Part = (computePart) =>
        keep(
          freeing(backend as KernelBackend, (keepInPart) => computePart((...call) => keepInPart(run(...call)), run)),
        );
      return compute(inputs, attrs as A, step, run, part);
    });
  };
}

/** Frees at the end what was given to `keep`. */
function freeing(backend: KernelBackend, compute: (keep: (x: TensorInfo) => TensorInfo) => TensorInfo): TensorInfo {
  const kept: TensorInfo[] = [];
  const keep = (x: TensorInfo) => {
    kept.push(x);
    return x;
  };
  try {
    return compute(keep);
  } finally {
    for (const { dataId } of kept) backend.disposeData(dataId);
  }
}

import type { DataType, KernelBackend, KernelFunc, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';

/** A view of a tensor's values in the memory of the wasm backend. */
export type Values = Float32Array | Int32Array;

/** The part of tfjs's wasm backend that loops need. */
interface WasmMemory extends KernelBackend {
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(x: TensorInfo): Values;
}

/**
 * Makes a kernel from loops in JavaScript on the backend's own memory. `fill` gets the values of the result, which are
 * 0 when it begins.
 */
export function kernelOfLoops<A>(
  shapeOf: (inputs: NamedTensorInfoMap, attrs: A) => readonly number[],
  fill: (result: Values, valuesOf: (x: TensorInfo) => Values, inputs: NamedTensorInfoMap, attrs: A) => void,
): KernelFunc {
  return ({ inputs, backend, attrs }) => {
    const memory = backend as WasmMemory;
    const settings = attrs as A;
    const result = memory.makeOutput(shapeOf(inputs, settings), 'float32');
    // Views are taken after that: if the memory grows, older ones are empty.
    const valuesOf = (x: TensorInfo) => memory.typedArrayFromHeap(x);
    const values = valuesOf(result);
    values.fill(0);
    fill(values, valuesOf, inputs, settings);
    return result;
  };
}

import * as tf from '@tensorflow/tfjs-core';

/** Throws where a gradient of tfjs's own asks for dilations, which its kernels do not take on any backend. */
export function refuseDilations(kernel: string, dilations: number | [number, number]): void {
  if (!tf.backend_util.tupleValuesAreOne(dilations))
    throw new Error(`${kernel} on wasm takes dilations of 1, got ${String(dilations)}`);
}

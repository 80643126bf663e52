import * as tf from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';

/** tf.clone as on every other backend: a new tensor that shares the data. */
const shareData: KernelFunc = ({ inputs, backend }) => {
  const { x } = inputs as { x: TensorInfo };
  (backend as KernelBackend).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/**
 * Calls `run` while clones on the wasm backend share their data. tfjs clones the tensors that it keeps for a gradient,
 * and the wasm backend's own clone is a copy, so labels and predictions would be in memory twice until the gradient is
 * done.
 */
export function withSharedClones<T>(run: () => T): T {
  const copying = tf.getKernel(tf.Identity, 'wasm') as KernelConfig | undefined;
  if (!copying || copying.kernelFunc === shareData) return run();
  replace({ ...copying, kernelFunc: shareData });
  try {
    return run();
  } finally {
    replace(copying);
  }
}

// The old kernel is unregistered first, because tfjs warns if a kernel is registered twice.
function replace(kernel: KernelConfig): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel(kernel);
}

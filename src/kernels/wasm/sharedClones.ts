import * as tf from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';

/** tf.clone as every other backend does it: another tensor on the same data. */
const shareData: KernelFunc = ({ inputs, backend }) => {
  const { x } = inputs as { x: TensorInfo };
  (backend as KernelBackend).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/**
 * Runs `run` with clones on the wasm backend that share their data. tfjs clones whatever it keeps for a gradient, and
 * the wasm backend's own clone is a copy: labels and predictions would live twice until the gradient is done.
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

// tfjs warns of a kernel that is registered twice.
function replace(kernel: KernelConfig): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel(kernel);
}

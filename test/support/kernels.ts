/** Kernels of the backend that runs, taken away or replaced for the time of a test. */
import * as tf from '@tensorflow/tfjs-core';

/** Runs `run` without these kernels; if it gives a promise, until that is settled. */
export function withoutKernels<T>(names: readonly string[], run: () => T): T {
  const kernels = names.map((name) => tf.getKernel(name, tf.getBackend())).filter((kernel) => kernel);
  for (const { kernelName, backendName } of kernels) tf.unregisterKernel(kernelName, backendName);
  return lastly(run, () => kernels.forEach(tf.registerKernel));
}

/** Runs `run` with another function in place of a kernel's. */
export function withKernel<T>(name: string, kernelFunc: tf.KernelFunc, run: () => T): T {
  return withoutKernels([name], () => {
    const backendName = tf.getBackend();
    tf.registerKernel({ kernelName: name, backendName, kernelFunc });
    return lastly(run, () => tf.unregisterKernel(name, backendName));
  });
}

function lastly<T>(run: () => T, end: () => void): T {
  let result: T | undefined;
  try {
    result = run();
    return result instanceof Promise ? (result.finally(end) as T) : result;
  } finally {
    if (!(result instanceof Promise)) end();
  }
}

/** The message of the error that `run` throws; null if it throws none. */
export function messageOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The kernels of a backend, and all gradients, as they are registered now. */
export function registered(backend: string): { isEmpty: boolean; restore(): void } {
  const kernels = tf.getKernelsForBackend(backend);
  const names = new Set(
    ['cpu', backend].flatMap((of) => tf.getKernelsForBackend(of)).map((kernel) => kernel.kernelName),
  );
  const gradients = [...names].map((name) => ({ name, gradient: tf.getGradient(name) }));
  const restore = () => {
    for (const { kernelName } of tf.getKernelsForBackend(backend)) tf.unregisterKernel(kernelName, backend);
    kernels.forEach(tf.registerKernel);
    for (const { name, gradient } of gradients) {
      if (tf.getGradient(name) === gradient) continue;
      if (tf.getGradient(name)) tf.unregisterGradient(name);
      if (gradient) tf.registerGradient(gradient);
    }
  };
  return { isEmpty: kernels.length === 0, restore };
}

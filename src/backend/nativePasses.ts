import type * as tf from '@tensorflow/tfjs-core';
import type * as elsewhere from '../kernels/tensorflow/nativePasses.js';
import { libraryFor } from './provision/pinnedWheels.js';

// In Node, package.json's imports make `#nativePasses` this file. Every loss imports it, so it imports next to nothing
// itself, and no module of Node. It loads the rest of this folder only where tfjs-node runs.

interface NativeBackend {
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
}

/** The backends that were asked for passes already; each is asked once. */
const seen = new WeakSet<tf.KernelBackend>();

/**
 * The passes of softseg's own op on a backend of tfjs-node. The op is started if load() has not done so. Returns null
 * where TensorFlow runs on a GPU, where softseg has no op for the system, or where the op cannot run; in the last case
 * a warning says once why, and what to do.
 */
export const nativePasses: typeof elsewhere.nativePasses = (backend) => {
  const { isGPUPackage, isUsingGpuDevice } = backend as unknown as NativeBackend;
  if (seen.has(backend) || isUsingGpuDevice || !libraryFor(process.platform, process.arch, isGPUPackage)) return null;
  seen.add(backend);
  const { passes, advice } = find(backend);
  if (advice !== undefined) {
    console.warn(`softseg: the losses run without fused kernels, which is slower but gives the same values: ${advice}`);
  }
  return passes;
};

/** Finds the passes synchronously, because a loss cannot wait for an import(). */
function find(backend: tf.KernelBackend): ReturnType<typeof import('./startFusedOp.js').findPasses> {
  try {
    // Bundlers that do not know import.meta give no warning about it inside `try`.
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
    const { findPasses } = require('./startFusedOp.js') as typeof import('./startFusedOp.js');
    return findPasses(backend);
  } catch (error) {
    // Node before 22.12 (except 20.19 and later 20.x) and jest cannot require() ES modules, and a flag turns it off.
    const noRequire = (error as NodeJS.ErrnoException).code === 'ERR_REQUIRE_ESM';
    const advice = noRequire
      ? 'this process cannot require() ES modules; call load() of softseg/node before the first loss'
      : "a bundle does not contain softseg's op; leave softseg out of the bundle (`external`)";
    return { passes: null, advice };
  }
}

import type * as tf from '@tensorflow/tfjs-core';
import type * as elsewhere from '../kernels/tensorflow/nativePasses.js';
import { libraryFor } from './provision/pinnedWheels.js';

// This is `#nativePasses` of package.json in Node. Every loss reaches it, so it imports next to nothing, and nothing of
// Node; it brings the rest of this folder where tfjs-node runs.

interface NativeBackend {
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
}

/** Each backend is looked at once. */
const seen = new WeakSet<tf.KernelBackend>();

/**
 * The passes of softseg's own op on a backend of tfjs-node's, which is started if load() has not done so. Null where
 * TensorFlow runs on a GPU or softseg has no op for the system, or where the op cannot run: then the user is told once
 * why, and what to do.
 */
export const nativePasses: typeof elsewhere.nativePasses = (backend) => {
  const { isGPUPackage, isUsingGpuDevice } = backend as unknown as NativeBackend;
  if (seen.has(backend) || isUsingGpuDevice || !libraryFor(process.platform, process.arch, isGPUPackage)) return null;
  seen.add(backend);
  const { passes, advice } = find(backend);
  if (advice !== undefined) {
    console.warn(`softseg: the losses run without fused kernels, with the same values, slower: ${advice}`);
  }
  return passes;
};

/** At once: a loss cannot wait for an import(). */
function find(backend: tf.KernelBackend): ReturnType<typeof import('./startFusedOp.js').findPasses> {
  try {
    // (Within `try`, no bundler warns of an import.meta that it does not know.)
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
    const { findPasses } = require('./startFusedOp.js') as typeof import('./startFusedOp.js');
    return findPasses(backend);
  } catch (error) {
    // Node before 22.12, but for 20.19 and later of 20, a flag that turns it off, or jest.
    const noRequire = (error as NodeJS.ErrnoException).code === 'ERR_REQUIRE_ESM';
    const advice = noRequire
      ? 'this process cannot require() ES modules; call load() of softseg/node before the first loss'
      : "a bundle does not have softseg's op; leave softseg out of it (`external`)";
    return { passes: null, advice };
  }
}

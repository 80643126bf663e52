import type { KernelBackend } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';

/**
 * This is `#nativePasses` of package.json except in Node, which alone has TensorFlow's native library: there it is
 * backend/nativePasses.ts.
 */
export const nativePasses: (backend: KernelBackend) => FusedPasses | null = () => null;

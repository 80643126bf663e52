import type { KernelBackend } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';

/**
 * package.json's imports make `#nativePasses` this file outside Node, where TensorFlow's native library does not exist.
 * In Node they make it backend/nativePasses.ts.
 */
export const nativePasses: (backend: KernelBackend) => FusedPasses | null = () => null;

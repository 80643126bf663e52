import type { KernelBackend } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';

/**
 * Outside Node, `#nativePasses` of package.json's imports is this file. In Node, which alone has TensorFlow's native
 * library, it is backend/nativePasses.ts.
 */
export const nativePasses: (backend: KernelBackend) => FusedPasses | null = () => null;

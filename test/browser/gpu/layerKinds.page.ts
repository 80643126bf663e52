/** The kinds of layers that tfjs can train, as the table in docs/gpus.md says. */
import { testLayerKinds } from '../../support/layerVerdicts.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl';
declare const TEST_KERNELS: 'fused' | 'composed';

testLayerKinds(TEST_BACKEND, TEST_KERNELS);

/** Selects the kernels: the fused ones if the current backend has them, otherwise the composed ones. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelBackend } from '@tensorflow/tfjs-core';
import { nativePasses } from '#nativePasses';
import { inFunction } from '../argumentError.js';
import { composedKernels } from './composed/kernels.js';
import { checkOneOf } from '../checks.js';
import { kernelsVariable, ownEnvironment, type KernelChoice } from '../environment.js';
import type { KernelKind, Kernels } from './contract.js';
import { cpuPasses } from './cpu/passes.js';
import { fusedKernels, registerFusedPasses } from './fused/kernels.js';
import type { FusedPasses } from './fused/passes.js';
import { wasmPasses } from './wasm/passes.js';
import { webglPasses } from './webgl/passes.js';
import { webgpuPasses } from './webgpu/passes.js';

export type { KernelChoice };

/** Undefined until it is first needed, so that an invalid variable does not make an import throw. */
let choice: KernelChoice | undefined;

function chosen(): KernelChoice {
  // For a page, a bundler can set the variable by replacing SOFTSEG_KERNELS with a value.
  const bundled = typeof SOFTSEG_KERNELS === 'undefined' ? {} : { SOFTSEG_KERNELS };
  return (choice ??= kernelsVariable({ ...ownEnvironment(), ...bundled }) ?? 'auto');
}

/**
 * Chooses the kernels that compute the losses' passes over pixels from now on. With `'auto'` they are fused kernels,
 * which are loops written for the passes, where the backend has them. With `'composed'` they are chains of tfjs's ops.
 * Values and gradients differ only by rounding, so this is for comparison. The choice at the start is `'auto'`, unless
 * the environment variable `SOFTSEG_KERNELS` is `composed`.
 *
 * @throws if `wanted` is neither, or if `SOFTSEG_KERNELS` has another value
 *
 * @example
 * ```ts
 * useKernels('composed');
 * kernelsInUse(); // 'composed'
 * useKernels('auto');
 * ```
 */
export function useKernels(wanted: KernelChoice): void {
  inFunction('useKernels', () => {
    checkOneOf('wanted', wanted, ['auto', 'composed']);
    chosen();
    choice = wanted;
  });
}

/**
 * The kernels that compute the losses' passes over pixels on the current backend: `'fused native'`, `'fused wasm'`
 * (also on the cpu backend), `'fused webgpu'`, `'fused webgl'`, or `'composed'`, which are chains of tfjs's ops and run
 * everywhere.
 *
 * On tfjs-node the first call, or the first loss, looks for softseg's op and starts it, as `load` would. If it is
 * missing or cannot run, a line on stderr says why and what to do.
 *
 * @throws if the environment variable `SOFTSEG_KERNELS` is neither `auto` nor `composed`
 */
export function kernelsInUse(): KernelKind {
  return currentKernels().name;
}

export function currentKernels(): Kernels {
  // A single expression that bundlers can evaluate: then they leave out the fused kernels, which nothing else needs.
  return typeof SOFTSEG_KERNELS !== 'undefined' && SOFTSEG_KERNELS === 'composed'
    ? composedKernels
    : (chosen() === 'auto' && fusedKernelsOf(tf.backend())) || composedKernels;
}

/** The environment variable's counterpart for bundlers, which can replace it with `'composed'`. */
declare const SOFTSEG_KERNELS: string | undefined;

/** The fused kernels of each backend object; a backend may be removed and another one made under the same name. */
const known = new WeakMap<KernelBackend, Kernels>();

/** Makes a backend use the given fused passes. */
export function useFusedPasses(backendName: string, backend: KernelBackend, passes: FusedPasses): void {
  known.set(backend, fusedKernels(registerFusedPasses(backendName, passes)));
}

/** Functions that make the passes. They return null at first if a browser compiles the module in the background. */
const makers: Record<string, (backend: KernelBackend) => FusedPasses | null> = {
  wasm: wasmPasses,
  cpu: cpuPasses,
  webgpu: webgpuPasses,
  webgl: webglPasses,
  tensorflow: nativePasses,
};

function fusedKernelsOf(backend: KernelBackend): Kernels | undefined {
  const before = known.get(backend);
  if (before) return before;
  const name = tf.getBackend();
  const passes = makers[name]?.(backend);
  if (passes) useFusedPasses(name, backend, passes);
  return known.get(backend);
}

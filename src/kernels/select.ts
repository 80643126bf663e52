/** Which kernels run: the fused ones where the current backend has them, else the composed ones. */
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
import { webgpuPasses } from './webgpu/passes.js';

export type { KernelChoice };

/** Undefined until somebody asks for it: an import never throws. */
let choice: KernelChoice | undefined;

function chosen(): KernelChoice {
  // A bundler that puts a value in place of SOFTSEG_KERNELS sets the variable for a page.
  const bundled = typeof SOFTSEG_KERNELS === 'undefined' ? {} : { SOFTSEG_KERNELS };
  return (choice ??= kernelsVariable({ ...ownEnvironment(), ...bundled }) ?? 'auto');
}

/**
 * Chooses what computes the losses' passes over pixels from now on: `'auto'` (at the start, unless the environment
 * variable `SOFTSEG_KERNELS` is `composed`), a loop written for it where the backend has one; or `'composed'`, a chain of
 * tfjs's ops. Values and gradients are the same but for rounding, so this is for comparison.
 *
 * @throws if `wanted` is neither, or `SOFTSEG_KERNELS` is something else
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
 * What computes the losses' passes over pixels on the current backend: `'fused native'`, `'fused wasm'` (also on the cpu
 * backend), `'fused webgpu'`, or `'composed'`, a chain of tfjs's ops that runs everywhere.
 *
 * On tfjs-node the first call, or the first loss, looks for softseg's op and starts it, as `load` would. Where it is
 * missing or cannot run, a line on stderr says why and what to do.
 *
 * @throws if the environment variable `SOFTSEG_KERNELS` is neither `auto` nor `composed`
 */
export function kernelsInUse(): KernelKind {
  return currentKernels().name;
}

export function currentKernels(): Kernels {
  // One expression, which bundlers can decide: nothing else needs the fused kernels, so they leave them out.
  return typeof SOFTSEG_KERNELS !== 'undefined' && SOFTSEG_KERNELS === 'composed'
    ? composedKernels
    : (chosen() === 'auto' && fusedKernelsOf(tf.backend())) || composedKernels;
}

/** The environment variable's counterpart for bundlers, which can put `'composed'` in its place. */
declare const SOFTSEG_KERNELS: string | undefined;

/** By backend, because one may be removed and another made under the same name. */
const known = new WeakMap<KernelBackend, Kernels>();

/** Makes fused passes what runs on a backend. */
export function useFusedPasses(backendName: string, backend: KernelBackend, passes: FusedPasses): void {
  known.set(backend, fusedKernels(registerFusedPasses(backendName, passes)));
}

/** Where they give null there may be passes later: some browsers make a module in the background. */
const makers: Record<string, (backend: KernelBackend) => FusedPasses | null> = {
  wasm: wasmPasses,
  cpu: cpuPasses,
  webgpu: webgpuPasses,
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

import type { KernelKind } from '../kernels/contract.js';
import { show } from '../checks.js';
import { ownEnvironment } from '../environment.js';
import { candidates, loadCore, type Started } from './startBackend.js';
import {
  backendChoices,
  backendVariable,
  isBackendChoice,
  wrongVariables,
  type BackendChoice,
} from './system/environment.js';
import { BackendError, messageOf } from './system/errors.js';
import { startFusedKernels } from './startFusedOp.js';
import { aboutKernels } from './provision/probe.js';

/** The backend that `load` has started. */
export interface Engine extends Started {
  /**
   * The kernels that compute the losses' passes over pixels: fused ones, which are loops of softseg's own, or composed
   * ones, which chain tfjs's ops (the same values, slower).
   */
  kernels: KernelKind;
  /** Why each better backend was passed over, or why fused kernels are missing, and what to do: one line for each. */
  reasons: string[];
}

/**
 * Starts the best tfjs backend that runs here, on the copy of tfjs-core that you import, and returns which it is:
 * `cuda` (TensorFlow on an NVIDIA GPU), else `native` (TensorFlow on the processor), else `wasm`, else `cpu` (plain
 * JavaScript). It downloads nothing. If `softseg install-native` has installed TensorFlow's library in this user's
 * cache, `load` links it into node_modules where the link is missing.
 *
 * With a `choice`, only that backend is tried. If it cannot run, `load` throws a BackendError with the reason, and the
 * backend that was set before stays set. The environment variable `SOFTSEG_BACKEND` does the same where the code gives
 * no choice. An invalid value of one of softseg's variables is an error in either case.
 *
 * tfjs-node and tfjs-node-gpu cannot both be loaded in one process: whichever is loaded first is the native backend.
 *
 * @example
 * ```ts
 * const engine = await load();
 * // { backend: 'tensorflow', device: 'cpu', version: '2.21.0', kernels: 'fused native',
 * //   reasons: ['cuda: no NVIDIA driver is visible on this machine; install the driver, ...'] }
 * await load('wasm');
 * ```
 */
export async function load(choice?: BackendChoice): Promise<Engine> {
  const { wanted, by } = resolveChoice(choice);
  const tf = await loadCore();
  const before = tf.getBackend();
  const reasons: string[] = [];
  for (const name of backendChoices) {
    if (wanted && name !== wanted) {
      reasons.push(`${name}: not tried, because ${by} asks for ${wanted}`);
      continue;
    }
    try {
      return await withKernels(await candidates[name](), reasons);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
      if (!wanted) continue;
      // Loading a native package sets its backend.
      if (before && tf.getBackend() !== before) await tf.setBackend(before);
      throw new BackendError(`${by}: ${wanted} cannot run here: ${messageOf(error)}`, messageOf(error));
    }
  }
  throw new BackendError(`load: no backend can run here: ${reasons.join(' | ')}`);
}

async function withKernels(started: Started, reasons: string[]): Promise<Engine> {
  const missing = await startFusedKernels(started);
  const { kernelsInUse } = await import('../kernels/select.js'); // it imports tfjs-core, which may be missing
  const kernels = kernelsInUse();
  if (missing && kernels === 'composed') reasons.push(aboutKernels + missing);
  return { ...started, kernels, reasons };
}

function resolveChoice(choice: BackendChoice | undefined): { wanted?: BackendChoice; by: string } {
  // A wrong environment is an error even if the code gives a choice.
  const [wrong] = Object.values(wrongVariables(ownEnvironment()));
  if (wrong !== undefined) throw new BackendError(`load: ${wrong}`);
  if (choice !== undefined && !isBackendChoice(choice)) {
    throw new BackendError(`load: a backend is one of ${backendChoices.join(', ')}, got ${show(choice)}`);
  }
  const wanted = choice ?? backendVariable(ownEnvironment());
  return { wanted, by: choice ? `load('${choice}')` : `SOFTSEG_BACKEND=${wanted}` };
}

// Run in a child process by probing.ts.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import { BackendError, messageOf } from './errors.js';
import { load } from './load.js';
import { findPackage } from './packages.js';
import type { ProbeAnswer } from './probing.js';
import { prepareForTfjsNode } from './shim.js';
import { backendChoices, loadCore, type BackendChoice } from './candidates.js';

interface TfjsNode {
  matMul: typeof Core.matMul;
  backend(): { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
}

const [mode, what = ''] = process.argv.slice(2);
const answer = await (mode === 'package' ? probePackage(what) : probeBackend(what as BackendChoice)).catch(
  (error): ProbeAnswer => ({ runs: false, why: error instanceof BackendError ? error.reason : messageOf(error) }),
);
process.send?.(answer, () => process.exit());

async function probeBackend(choice: BackendChoice): Promise<ProbeAnswer> {
  if (!backendChoices.includes(choice)) throw new Error(`unknown backend: ${choice}`);
  const engine = await load(choice);
  const tf = await loadCore();
  // The whole of tfjs, if it is there, registers the gradients of tfjs's own ops.
  if (!tf.getGradient('Conv2D')) findPackage('@tensorflow/tfjs')?.load();
  demand(await plainGradient(tf), [2, 4, 6]);
  if (tf.getGradient('Conv2D')) demand(await convolutionGradient(tf), [10, 10, 10, 10]);
  return { runs: true, ...engine };
}

/** The gradient of sum(x^2). */
async function plainGradient(tf: typeof Core): Promise<number[]> {
  const square = tf.customGrad((x, save) => {
    (save as Core.GradSaveFunc)([x as Core.Tensor]);
    return {
      value: tf.sum(tf.mul(x as Core.Tensor, x as Core.Tensor)),
      gradFunc: (dy: Core.Tensor, saved: Core.Tensor[]) => tf.mul(dy, tf.mul(2, saved[0] as Core.Tensor)),
    };
  });
  return [
    ...(await tf
      .grad(square)(tf.tensor1d([1, 2, 3]))
      .data()),
  ];
}

/** The gradient of a convolution's sum with respect to its 2x2 filter: sums of windows, here of 1 + 2 + 3 + 4. */
async function convolutionGradient(tf: typeof Core): Promise<number[]> {
  const image = tf.tensor4d([1, 2, 1, 3, 4, 3, 1, 2, 1], [1, 3, 3, 1]);
  const filter = tf.ones<Core.Rank.R4>([2, 2, 1, 1]);
  const gradient = tf.grad((f) => tf.sum(tf.conv2d(image, f as Core.Tensor4D, 1, 'valid')))(filter);
  return [...(await gradient.data())];
}

async function probePackage(folder: string): Promise<ProbeAnswer> {
  prepareForTfjsNode();
  const tf = createRequire(join(folder, 'package.json'))(folder) as TfjsNode;
  demand([...tf.matMul([[1, 2]], [[3], [4]]).dataSync()], [11]);
  const { binding, isUsingGpuDevice } = tf.backend();
  const device = isUsingGpuDevice ? 'cuda' : 'cpu';
  return { runs: true, backend: 'tensorflow', device, version: binding.TF_Version, reasons: [] };
}

function demand(got: number[], wanted: number[]): void {
  if (got.length === wanted.length && got.every((value, i) => Math.abs(value - (wanted[i] ?? NaN)) < 1e-4)) return;
  throw new Error(`it computes wrongly: ${got.join(' ')} instead of ${wanted.join(' ')}`);
}

// probe.ts runs this file in a child process, which tries a backend and sends back what it found.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import { loadCore } from './startBackend.js';
import { isBackendChoice } from './system/environment.js';
import { BackendError, messageOf } from './system/errors.js';
import { load } from './load.js';
import { loadOp, type RunningTensorflow } from './loadOp.js';
import { findPackage } from './system/packages.js';
import { aboutKernels, ANSWERS, BEGUN, type ProbeAnswer } from './provision/probe.js';
import { prepareForTfjsNode } from './patchNodeUtil.js';

interface TfjsNode {
  matMul: typeof Core.matMul;
  backend(): RunningTensorflow & { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
}

type Runs = ProbeAnswer & { runs: true };

await tell(BEGUN);
const [mode, what = '', op] = process.argv.slice(2);
const answer = await (mode === 'package' ? probePackage(what, op) : probeBackend(what)).catch((error): ProbeAnswer => ({
  runs: false,
  why: error instanceof BackendError ? error.reason : messageOf(error),
}));
await tell(answer);
process.exit();

async function tell(what: ProbeAnswer | typeof BEGUN): Promise<void> {
  if (process.send) await new Promise((sent) => process.send?.(what, sent));
  else writeSync(ANSWERS, `${JSON.stringify(what)}\n`);
}

/** Tries fused kernels. The result without them is sent first, in case they end the process. */
async function withFused(known: Runs, attempt: () => void | Promise<void>): Promise<Runs> {
  const without = (why: string): Runs => ({
    ...known,
    kernels: 'composed',
    reasons: [...known.reasons, aboutKernels + why],
  });
  await tell(without('the process that tried them ended'));
  try {
    await attempt();
    return known;
  } catch (error) {
    return without(messageOf(error));
  }
}

async function probeBackend(choice: string): Promise<ProbeAnswer> {
  if (!isBackendChoice(choice)) throw new Error(`unknown backend: ${choice}`);
  const engine = await load(choice);
  const tf = await loadCore();
  // The package @tensorflow/tfjs, if it is installed, registers the gradients of tfjs's own ops.
  if (!tf.getGradient('Conv2D')) findPackage('@tensorflow/tfjs')?.load();
  demand(await plainGradient(tf), [2, 4, 6]);
  if (tf.getGradient('Conv2D')) demand(await convolutionGradient(tf), [10, 10, 10, 10]);
  const known: Runs = { runs: true, ...engine };
  if (known.kernels === 'composed') return known;
  return withFused(known, async () => demand(await lossGradient(tf), [0.4, -0.12, 0.12, 0.12, -0.12]));
}

async function probePackage(folder: string, path?: string): Promise<ProbeAnswer> {
  prepareForTfjsNode();
  const tf = createRequire(join(folder, 'package.json'))(folder) as TfjsNode;
  demand([...tf.matMul([[1, 2]], [[3], [4]]).dataSync()], [11]);
  const backend = tf.backend();
  const device = backend.isUsingGpuDevice ? 'cuda' : 'cpu';
  const version = backend.binding.TF_Version;
  const known: Runs = { runs: true, backend: 'tensorflow', device, version, kernels: 'composed', reasons: [] };
  if (!path || device === 'cuda') return known;
  return withFused({ ...known, kernels: 'fused native' }, () => void loadOp(path, backend));
}

/** The IoU loss and its gradient for two pixels of two classes, with probabilities of 3/4 and 1/4. */
async function lossGradient(tf: typeof Core): Promise<number[]> {
  const { iouLoss } = await import('../losses/iou.js');
  const ln3 = Math.log(3);
  const labels = tf.tensor3d([1, 0, 0, 1], [1, 2, 2]);
  const logits = tf.tensor3d([ln3, 0, 0, ln3], [1, 2, 2]);
  const { value, grad } = tf.valueAndGrad((z) => tf.sum(iouLoss(labels, z)))(logits);
  return [...(await value.data()), ...(await grad.data())];
}

/** The gradient of sum(x^2). */
async function plainGradient(tf: typeof Core): Promise<number[]> {
  const { withGradient } = await import('../ops/withGradient.js');
  const square = (x: Core.Tensor) =>
    withGradient(
      x,
      (x) => ({ value: tf.sum(tf.mul(x, x)), saved: [x] }),
      (dy, [x]) => tf.mul(dy, tf.mul(2, x)),
    );
  const gradient = tf.grad(square)(tf.tensor1d([1, 2, 3]));
  return [...(await gradient.data())];
}

/** The gradient of a convolution's sum with respect to its 2x2 filter: each element is the sum of a 2x2 window. */
async function convolutionGradient(tf: typeof Core): Promise<number[]> {
  const image = tf.tensor4d([1, 2, 1, 3, 4, 3, 1, 2, 1], [1, 3, 3, 1]);
  const filter = tf.ones<Core.Rank.R4>([2, 2, 1, 1]);
  const gradient = tf.grad((f) => tf.sum(tf.conv2d(image, f as Core.Tensor4D, 1, 'valid')))(filter);
  return [...(await gradient.data())];
}

function demand(got: number[], wanted: number[]): void {
  if (got.length === wanted.length && got.every((value, i) => Math.abs(value - (wanted[i] ?? NaN)) < 1e-4)) return;
  throw new Error(`it computes wrong values: ${got.join(' ')} instead of ${wanted.join(' ')}`);
}

import { createRequire } from 'node:module';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sumSet } from '../kernels/contract.js';
import type { FusedPass, FusedPasses } from '../kernels/fused/passes.js';
import { tensorflowPasses, type TensorflowBackend } from '../kernels/tensorflow/passes.js';

export interface RunningTensorflow extends TensorflowBackend {
  readSync(dataId: object): ArrayLike<number>;
}

/** Loads softseg's op and tries it. Throws if it does not load, or computes wrong values. */
export function loadOp(op: string, backend: RunningTensorflow): FusedPasses {
  createRequire(op)(op);
  const passes = tensorflowPasses(backend);
  tryPasses(passes, backend);
  return passes;
}

/** Runs each pass on two pixels of two classes, with probabilities of 3/4 and 1/4, and compares the known results. */
function tryPasses(passes: FusedPasses, backend: RunningTensorflow): void {
  const made: TensorInfo[] = [];
  const tensor = (values: number[], shape: number[]): TensorInfo => {
    const info = {
      dataId: backend.write(Float32Array.from(values), shape, 'float32'),
      shape,
      dtype: 'float32' as const,
    };
    made.push(info);
    return info;
  };
  const demand = (what: string, result: TensorInfo, wanted: number[]) => {
    const got = Array.from(backend.readSync(result.dataId));
    (result as TensorInfo & { dispose(): void }).dispose();
    const right = got.length === wanted.length && got.every((value, i) => Math.abs(value - wanted[i]!) < 1e-5);
    if (!right) throw new Error(`it computes wrong values: ${what} of ${got.join(' ')} instead of ${wanted.join(' ')}`);
  };
  const pass: FusedPass = {
    samples: 1,
    pixels: 2,
    classes: 2,
    classesFirst: false,
    labelKind: 'float32',
    activation: 'softmax',
    sharpness: 1,
    entropy: { kind: 'categorical', labelSmoothing: 0, posWeight: null, subtractEntropy: false, focal: null },
  };
  const ln3 = Math.log(3);
  try {
    const inputs = {
      labels: tensor([1, 0, 0, 1], [2, 2]),
      predictions: tensor([ln3, 0, 0, ln3], [2, 2]),
      weights: null,
    };
    demand('sums', passes.sums(inputs, pass, sumSet(['intersection', 'predicted'])), [0.75, 0.75, 1, 1]);
    const dy = tensor([1, 1], [1, 1, 2]);
    const gradient = passes.sumsGradient(inputs, pass, sumSet(['intersection']), dy, 'predictions');
    demand('a gradient', gradient, [0.1875, -0.1875, -0.1875, 0.1875]);
    const entropy = Math.log(4 / 3);
    demand('cross-entropies', passes.entropyMap(inputs, pass, [1, 1]), [entropy, entropy]);
    const each = tensor([1, 1], [1, 2]);
    const map = passes.entropyMapGradient(inputs, pass, [1, 1], each, 'predictions');
    demand('the gradient of cross-entropies', map, [-0.25, 0.25, 0.25, -0.25]);
  } finally {
    for (const { dataId } of made) backend.disposeData(dataId);
  }
}

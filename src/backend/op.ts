import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sumSet } from '../kernels/contract.js';
import type { FusedPass, FusedPasses } from '../kernels/fused/passes.js';
import { tensorflowPasses, type TensorflowBackend } from '../kernels/tensorflow/passes.js';
import { homeOf, recipe, type NativePackage } from './binding.js';
import { opSources } from './paths.js';
import { findPackage } from './packages.js';
import type { Library } from './pinnedWheels.js';

// softseg's own op for TensorFlow: native/*.cc, compiled for the machine it runs on.

/**
 * Never -ffast-math: it folds away how exp rounds. Without traps and errno, which nobody reads, loops with divisions and
 * conditions become vector loops.
 */
export const opFlags = [
  '-O3',
  '-std=c++17',
  '-fPIC',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-pthread',
  '-DNAPI_VERSION=8',
];
export const forThisProcessor = '-march=native';

/** The C++ files that are compiled, and what they include. */
export const opFiles = (): string[] => (existsSync(opSources) ? readdirSync(opSources).sort() : []);

/** Where the cache keeps the op made of these sources, for a processor like this one and this library. */
export function cachedOp(cache: string, library: Pick<Library, 'key'>, features = processor()): string {
  const hash = createHash('sha256').update(JSON.stringify([recipe, opFlags, forThisProcessor, features]));
  for (const file of opFiles()) hash.update(`\n${file}\n`).update(readFileSync(join(opSources, file)));
  return join(cache, `softseg-op-${hash.digest('hex').slice(0, 12)}-${library.key}`, 'softseg_op.node');
}

/** What decides which instructions it knows: a cache may be shared by machines that differ. */
function processor(): string {
  try {
    const features = /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
    if (features) return features;
  } catch {
    // not Linux
  }
  return cpus()[0]?.model ?? '';
}

/**
 * The op that goes with an installed package's binding; undefined if softseg did not make that, or has no op for it.
 *
 * @internal
 */
export function installedOp(name: NativePackage): string | undefined {
  const found = findPackage(name);
  const home = found && homeOf(found);
  const op = home && cachedOp(home.cache, home.library);
  return op && existsSync(op) ? op : undefined;
}

export interface RunningTensorflow extends TensorflowBackend {
  readSync(dataId: object): ArrayLike<number>;
}

/** Loads the op and tries it. Throws if it does not load, or computes wrongly. */
export function startOp(op: string, backend: RunningTensorflow): FusedPasses {
  createRequire(op)(op);
  const passes = tensorflowPasses(backend);
  tryPasses(passes, backend);
  return passes;
}

/** Two pixels of two classes, with probabilities of 3/4 and 1/4. */
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
    if (!right) throw new Error(`it computes wrongly: ${what} of ${got.join(' ')} instead of ${wanted.join(' ')}`);
  };
  const pass: FusedPass = {
    samples: 1,
    pixels: 2,
    classes: 2,
    classesFirst: false,
    labelKind: 'float32',
    activation: 'softmax',
    sharpness: 1,
    entropy: { kind: 'categorical', labelSmoothing: 0, posWeight: null, subtractEntropy: false },
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

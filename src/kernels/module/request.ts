/** Requests to the module. Every pass, and every gradient of one, is one request. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { bitsOf, sumSet } from '../contract.js';
import type { FusedInputs, FusedLabelKind, FusedPass, FusedPasses } from '../fused/passes.js';

type Operation = 'overlapSums' | 'entropyMap' | 'overlapGradient';

/** N samples, P pixels, C classes, S sums. */
export interface Request {
  operation: Operation;
  inputs: FusedInputs;
  pass: FusedPass;
  /** S bits of `Sum` in native/overlap.h. */
  sums: number;
  /** Upstream gradients as a tensor [S,N,C], or coefficients as C numbers that are the same for every sample. */
  factors: TensorInfo | readonly number[] | null;
  /** The upstream gradient [N,P] of a map. */
  pixelDy: TensorInfo | null;
  /** The input that a gradient is taken with respect to: 0 for predictions, 1 for labels. */
  wrt: number;
  /** Shape of the result. */
  shape: number[];
}

/**
 * With more classes than this, composed kernels run. The module needs some 330 bytes of scratch memory per class, and
 * addresses have 32 bits: with several million classes the number of bytes would overflow.
 */
export const MOST_CLASSES = 2 ** 20;

/** Makes passes, and gradients of passes, that are each computed by one call of `run`. */
export function passesThrough(run: (request: Request) => TensorInfo): Omit<FusedPasses, 'name'> {
  const nothing = { sums: 0, factors: null, pixelDy: null, wrt: 0 };
  return {
    takes: ({ classes }) => classes <= MOST_CLASSES,
    sums(inputs, pass, sums) {
      const shape = [sums.length, pass.samples, pass.classes];
      return run({ ...nothing, operation: 'overlapSums', inputs, pass, sums: bitsOf(sums), shape });
    },
    sumsGradient(inputs, pass, sums, dy, wrt) {
      const operation = 'overlapGradient';
      const { shape } = inputs.predictions;
      const request = { operation, inputs, pass, sums: bitsOf(sums), factors: dy, shape } as const;
      return run({ ...nothing, ...request, wrt: Number(wrt === 'labels') });
    },
    entropyMap(inputs, pass, coefficients) {
      const shape = [pass.samples, pass.pixels];
      return run({ ...nothing, operation: 'entropyMap', inputs, pass, sums: entropy, factors: coefficients, shape });
    },
    entropyMapGradient(inputs, pass, coefficients, dy, wrt) {
      const operation = 'overlapGradient';
      const { shape } = inputs.predictions;
      const request = { operation, inputs, pass, sums: entropy, factors: coefficients, pixelDy: dy, shape } as const;
      return run({ ...nothing, ...request, wrt: Number(wrt === 'labels') });
    },
  };
}

const entropy = bitsOf(sumSet(['crossEntropy']));

/** The number of sums, S. */
export function sumCount({ sums }: Request): number {
  let count = 0;
  for (let bits = sums; bits; bits &= bits - 1) count++;
  return count;
}

const labelKinds: readonly FusedLabelKind[] = ['float32', 'int32', 'bool', 'indices'];
const activations: readonly FusedPass['activation'][] = ['softmax', 'sigmoid', 'none'];
const entropyKinds: readonly FusedPass['entropy']['kind'][] = ['categorical', 'binary'];

/** Bytes of native/overlap.h's struct `Pass`, rounded up so that what follows stays aligned. */
export const PASS_BYTES = 64;

/** Writes the struct `Pass` of native/overlap.h to the address `at`, a multiple of 4. */
export function writePass(
  memory: ArrayBufferLike,
  at: number,
  { pass, sums }: Request,
  classStride: number,
  posWeight: number,
): void {
  const { classes, labelKind, activation, sharpness, entropy } = pass;
  new Int32Array(memory, at, 7).set([
    classes,
    classStride,
    labelKinds.indexOf(labelKind),
    activations.indexOf(activation),
    entropyKinds.indexOf(entropy.kind),
    Number(entropy.subtractEntropy),
    sums,
  ]);
  new Float32Array(memory, at + 28, 2).set([sharpness, entropy.labelSmoothing]);
  new Uint32Array(memory, at + 36, 1)[0] = posWeight;
}

/** Writes the factors of a sample. If they are a tensor, `dy` holds its values. */
export function writeFactors(
  to: Float32Array,
  { factors, pass }: Request,
  sample: number,
  dy: ArrayLike<number>,
): void {
  if (factors === null) return;
  if (isList(factors)) return to.set(factors);
  const { samples, classes } = pass;
  for (let i = 0, row = 0; i < to.length; i += classes, row++)
    for (let c = 0; c < classes; c++) to[i + c] = dy[(row * samples + sample) * classes + c]!;
}

export const isList = (factors: Request['factors']): factors is readonly number[] => Array.isArray(factors);

/** Bytes per label. */
export const labelBytes = (kind: FusedLabelKind): number => (kind === 'bool' ? 1 : 4);

/** Number of labels of a sample. */
export const labelsOfSample = ({ labelKind, pixels, classes }: FusedPass): number =>
  labelKind === 'indices' ? pixels : pixels * classes;

/** Rounds a number of bytes up to whole cache lines. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Writes the sums [S,C] of a sample to their places in [S,N,C]. */
export function writeSums(to: Float32Array, { pass }: Request, sample: number, sums: ArrayLike<number>): void {
  const { samples, classes } = pass;
  for (let i = 0, row = 0; i < sums.length; i += classes, row++)
    for (let c = 0; c < classes; c++) to[(row * samples + sample) * classes + c] = sums[i + c]!;
}

/** The passes as the module knows them: one request, whatever is asked for. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { bitsOf, sumSet } from '../contract.js';
import type { FusedInputs, FusedLabelKind, FusedPass, FusedPasses } from '../fused/passes.js';

type Operation = 'overlapSums' | 'entropyMap' | 'overlapGradient';

/** N samples, P pixels, C classes, S sums. */
export interface Request {
  operation: Operation;
  inputs: FusedInputs;
  pass: FusedPass;
  /** Bits of `Sum` in native/overlap.h, S of them. */
  sums: number;
  /** S·C numbers for each sample, upstream gradients or coefficients: a tensor [S,N,C], or the same [C] for each. */
  factors: TensorInfo | readonly number[] | null;
  /** [N,P]. */
  pixelDy: TensorInfo | null;
  /** 0 for predictions, 1 for labels. */
  wrt: number;
  /** Of the result. */
  shape: number[];
}

/**
 * With more, composed kernels run. The module asks for some 330 bytes of scratch memory per class, and an address has 32
 * bits: a few million classes more, and the number of bytes would wrap around.
 */
export const MOST_CLASSES = 2 ** 20;

/** Passes that are each one call of `run`. */
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

/** S. */
export function sumCount({ sums }: Request): number {
  let count = 0;
  for (let bits = sums; bits; bits &= bits - 1) count++;
  return count;
}

const labelKinds: readonly FusedLabelKind[] = ['float32', 'int32', 'bool', 'indices'];
const activations: readonly FusedPass['activation'][] = ['softmax', 'sigmoid', 'none'];
const entropyKinds: readonly FusedPass['entropy']['kind'][] = ['categorical', 'binary'];

/** Of native/overlap.h's `Pass`, rounded up to what keeps the rest aligned. */
export const PASS_BYTES = 64;

/** Writes a `Pass` to a multiple of 4. */
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

/** Writes the factors of a sample; `dy` has the values of those that are a tensor. */
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

/** Of one label. */
export const labelBytes = (kind: FusedLabelKind): number => (kind === 'bool' ? 1 : 4);

/** Labels of one sample. */
export const labelsOfSample = ({ labelKind, pixels, classes }: FusedPass): number =>
  labelKind === 'indices' ? pixels : pixels * classes;

/** A number of bytes as whole lines of the cache. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Puts the sums [S,C] of a sample where they belong in [S,N,C]. */
export function writeSums(to: Float32Array, { pass }: Request, sample: number, sums: ArrayLike<number>): void {
  const { samples, classes } = pass;
  for (let i = 0, row = 0; i < sums.length; i += classes, row++)
    for (let c = 0; c < classes; c++) to[(row * samples + sample) * classes + c] = sums[i + c]!;
}

/** A call of a pass: its tensors and numbers in the form that the programs read, and what is disposed at its end. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedInputs, FusedPass } from '../fused/passes.js';
import { NO_NUMBERS, runProgram, unpacked, withTemporaries, type Uniforms, type WebglBackend } from './backend.js';
import type { ProgramSpec } from './pixels.js';

export type Inputs = Record<string, TensorInfo | null>;

export interface Call {
  /** For programs without the input `stats`. */
  spec: ProgramSpec;
  /** The tensor with one value in each texel. */
  flat(x: TensorInfo): TensorInfo;
  /** `runProgram` on the tensors of the pass and others. */
  run(
    code: string,
    outputShape: [number, number],
    others: Inputs,
    numbers?: Partial<Uniforms>,
    packed?: 'output',
  ): TensorInfo;
  /** The result of a program that only later programs of this call need. */
  keep(made: TensorInfo): TensorInfo;
}

export function withCall<T>(
  backend: WebglBackend,
  { labels, predictions, weights }: FusedInputs,
  pass: FusedPass,
  half: boolean,
  coefficients: readonly number[] | null,
  body: (call: Call) => T,
): T {
  const { samples, pixels, classes, sharpness, entropy } = pass;
  const { labelSmoothing, kind, posWeight, focal } = entropy;
  const uniforms: Uniforms = {
    ...NO_NUMBERS,
    samples,
    pixels,
    sharpness,
    keep: 1 - labelSmoothing,
    share: labelSmoothing / (kind === 'categorical' ? classes : 2),
    gamma: focal?.gamma ?? 0,
    alpha: focal?.alpha ?? 0,
  };
  return withTemporaries(backend, (keep) => {
    const flat = (x: TensorInfo) => unpacked(backend, x, keep);
    const list = (numbers: readonly number[] | null) =>
      numbers && keep(backend.makeTensorInfo([numbers.length], 'float32', Float32Array.from(numbers)));
    const inputs = {
      labels: flat(labels),
      predictions: flat(predictions),
      weights: weights && flat(weights),
      positives: list(kind === 'binary' ? posWeight : null),
      coefficients: list(coefficients),
    };
    return body({
      spec: { pass, weighted: weights !== null, half, kept: false },
      flat,
      keep,
      run: (code, outputShape, others, numbers, packed) =>
        runProgram(backend, code, outputShape, { ...inputs, ...others }, { ...uniforms, ...numbers }, packed),
    });
  });
}

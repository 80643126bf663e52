/** Shared by the tests of the fused passes on webgl, which look into the backend and call the passes themselves. */
import * as tf from '@tensorflow/tfjs-core';
import type { FusedInputs, FusedPass, FusedPasses } from '../../../src/kernels/fused/passes.js';
import { webglPasses } from '../../../src/kernels/webgl/passes.js';
import { inputsOf, type Problem } from '../../contract/problems.js';

interface WebglBackend extends tf.KernelBackend {
  texData: { get(dataId: object): { isPacked: boolean; slice: object | null } };
  /** Compiled programs by their code and the shapes that they were compiled for. */
  binaryCache: Record<string, unknown>;
  runWebGLProgram(...all: unknown[]): unknown;
}

export const backend = () => tf.backend() as WebglBackend;

export const fused = (): FusedPasses => webglPasses(tf.backend())!;

export function passOf({ attributes, samples, pixels, classes, place, labelKind }: Problem): FusedPass {
  return { ...attributes, samples, pixels, classes, classesFirst: place === 'first', labelKind };
}

export function fusedInputsOf(problem: Problem): FusedInputs {
  const { labels, predictions, weights } = inputsOf(problem);
  return { labels, predictions, weights };
}

/** The result of a pass as a tensor. */
export const tensorOf = (result: tf.TensorInfo): tf.Tensor => tf.engine().makeTensorFromTensorInfo(result);

/** The number of programs that `run` runs the second time; the first one also brings tensors to the GPU. */
export function programsOf(run: () => tf.TensorInfo): number {
  tf.dispose(tensorOf(run()));
  const own = backend();
  const before = own.runWebGLProgram;
  let count = 0;
  own.runWebGLProgram = (...all) => {
    count++;
    return before.apply(own, all);
  };
  try {
    tf.dispose(tensorOf(run()));
  } finally {
    own.runWebGLProgram = before;
  }
  return count;
}

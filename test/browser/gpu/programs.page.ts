/** Counts the programs that a GPU runs for a loss and its gradient, and the values that they read and write. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { kernelsInUse, useKernels } from '../../../src/index.js';
import { REGION_LOSSES, type LossName } from '../../support/described.js';
import { lossNamed } from '../../support/oracle.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl';

interface Count {
  programs: number;
  /** Values read and written, as a multiple of the size of the predictions. */
  moved: number;
}

const shape = [2, 64, 64, 4];
/**
 * The most values that a pass and its gradient may move. On webgpu each reads labels and logits once. On webgl a
 * program before it reads them for the softmax, and another one unpacks the labels.
 */
const mostMoved = { webgpu: 5.5, webgl: 16 }[TEST_BACKEND];
/**
 * The sums and their total, the loss, the gradient of the loss, and that of the sums. On webgl each pass has another
 * one for the softmax, and unpacks the labels, which tf.softmax has packed.
 */
const mostPrograms = { webgpu: 5, webgl: 9 }[TEST_BACKEND];
const run = { webgpu: 'runWebGPUProgram', webgl: 'runWebGLProgram' }[TEST_BACKEND];

/** Counts the second run, because the first one also brings tensors to the GPU. */
function count(step: () => tf.Tensor): Count {
  tf.dispose(step());
  const backend = tf.backend() as unknown as Record<string, (...all: unknown[]) => tf.TensorInfo>;
  const before = backend[run]!;
  const result = { programs: 0, moved: 0 };
  const sizeOf = (tensors: tf.TensorInfo[]) =>
    tensors.reduce((sum, tensor) => sum + tf.util.sizeFromShape(tensor.shape), 0);
  backend[run] = function (program, inputs, ...rest) {
    const output = before.call(this, program, inputs, ...rest);
    result.programs++;
    result.moved += sizeOf([...(inputs as tf.TensorInfo[]), output]) / tf.util.sizeFromShape(shape);
    return output;
  };
  try {
    tf.dispose(step());
  } finally {
    backend[run] = before;
  }
  return result;
}

/** The count with the kernels in use, and the count with composed kernels. */
function counts(name: LossName, options: Record<string, unknown>): { own: Count; composed: Count } {
  const labels = tf.softmax(tf.randomNormal(shape));
  const logits: tf.Tensor = tf.randomNormal(shape);
  const step = () => tf.grad((z) => lossNamed(name)(labels, z, options))(logits);
  const own = count(step);
  const chosen = kernelsInUse() === 'composed' ? 'composed' : 'auto';
  useKernels('composed');
  try {
    return { own, composed: count(step) };
  } finally {
    useKernels(chosen);
  }
}

const REGION = REGION_LOSSES.map((name) => [name, {}] as const);
const CASES: (readonly [LossName, Record<string, unknown>])[] = [
  ...REGION,
  ['crossEntropyLoss', {}],
  ['binaryCrossEntropyLoss', {}],
  ['comboLoss', {}],
  ['focalLoss', {}],
  ['unifiedFocalLoss', {}],
  ['iouLoss', { classWeights: [1, 2, 0.5, 1], absent: 'penalize' }],
  ['diceLoss', { aggregate: 'batch', smooth: 1 }],
  ['tverskyLoss', { reduction: 'sum', gamma: 0.75 }],
];

/** With ignoreLabel, ops find the pixels that do not count; on webgl they pack and unpack tensors. */
const mostForInputs = { webgpu: 8, webgl: 20 }[TEST_BACKEND];

/** Kinds of inputs, as the labels, logits and options of a call. */
const INPUTS: Record<string, () => [labels: tf.Tensor, logits: tf.Tensor, options: object]> = {
  'a mask': () => [tf.softmax(normal(shape)), normal(shape), { mask: tf.ones(shape.slice(0, 3)) }],
  'class indices': () => [indices(4), normal(shape), {}],
  'class indices and ignoreLabel': () => [indices(4), normal(shape), { ignoreLabel: 3 }],
  'one class and a mask of integers': () => [indices(2), normal([2, 64, 64, 1]), {}],
  'classes first': () => [tf.fill([2, 4, 64, 64], 0.25), normal([2, 4, 64, 64]), { axis: 1 }],
  'class weights': () => [tf.softmax(normal(shape)), normal(shape), { classWeights: [1, 2, 3, 4] }],
};
const normal = (shape: number[]): tf.Tensor => tf.randomNormal(shape);
const indices = (classes: number) => tf.randomUniform(shape.slice(0, 3), 0, classes, 'int32');

describe('programs with other inputs', () => {
  test.each(Object.keys(INPUTS))('%s', (kind) => {
    if (kernelsInUse() === 'composed') return;
    const programs = (['iouLoss', 'comboLoss', 'crossEntropyLoss'] as const).map((name) => {
      const [labels, logits, options] = INPUTS[kind]!();
      return count(() => tf.grad((z) => lossNamed(name)(labels, z, options))(logits)).programs;
    });
    console.info(`${TEST_BACKEND} with ${kind}: ${programs.join(', ')} programs`);
    expect(Math.max(...programs)).toBeLessThanOrEqual(mostForInputs);
  });
});

describe('programs and tensors moved', () => {
  test.each(CASES)('%s with its gradient, and %j', (name, options) => {
    const { own, composed } = counts(name, options);
    const show = ({ programs, moved }: Count) => `${programs} programs, ${moved.toFixed(1)} tensors`;
    console.info(`${TEST_BACKEND} ${name}: ${kernelsInUse()} ${show(own)}; composed ${show(composed)}`);
    expect(composed.programs).toBeGreaterThan(20);
    if (kernelsInUse() === 'composed') return;
    expect(own.programs).toBeLessThanOrEqual(mostPrograms);
    expect(own.moved).toBeLessThan(mostMoved);
    expect(own.moved).toBeLessThan(composed.moved / 4);
  });
});

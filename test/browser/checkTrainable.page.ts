/** checkTrainable in a page, on GPUs too, where it must not read anything back. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkTrainable } from '../../src/training/index.js';
import { messageOf, withoutKernels } from '../support/kernels.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl' | 'wasm';

/** A small U-Net. It has no max pooling, whose gradient tfjs's wasm backend gets wrong. */
function network(): tf.LayersModel {
  const { layers } = tf;
  const conv = (name: string) => layers.conv2d({ name, filters: 4, kernelSize: 3, padding: 'same' });
  const apply = (layer: tf.layers.Layer, ...xs: tf.SymbolicTensor[]) =>
    layer.apply(xs.length === 1 ? xs[0]! : xs) as tf.SymbolicTensor;
  const inputs = tf.input({ shape: [null, null, 1] });
  const wide = apply(layers.batchNormalization(), apply(conv('down'), inputs));
  const small = apply(
    layers.dropout({ rate: 0.2 }),
    apply(layers.averagePooling2d({}), apply(layers.prelu({ sharedAxes: [1, 2] }), wide)),
  );
  const large = apply(
    layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 2, padding: 'same', name: 'up' }),
    small,
  );
  return tf.model({ inputs, outputs: apply(conv('last'), apply(layers.concatenate(), wide, large)) });
}

/** Fails if a tensor is read back from the GPU meanwhile. (Kernels of wasm read sizes.) */
function readingNothing<T>(run: () => T): T {
  if (TEST_BACKEND === 'wasm') return run();
  const backend = tf.backend() as tf.KernelBackend;
  const { readSync } = backend;
  backend.readSync = () => {
    throw new Error('something was read back');
  };
  try {
    return run();
  } finally {
    backend.readSync = readSync;
  }
}

test('a network that trains passes, and stays as it is', async () => {
  const model = network();
  const weights = () => Promise.all(model.weights.map(async (weight) => [...(await weight.read().data())]));
  const before = await weights();
  const { numTensors } = tf.memory();
  expect(readingNothing(() => messageOf(() => checkTrainable(model)))).toBeNull();
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(await weights()).toEqual(before);
  model.dispose();
});

test('a kernel that is missing is named with its layers, and nothing is left behind', () => {
  const model = network();
  const { numTensors } = tf.memory();
  const message = withoutKernels([tf.Conv2DBackpropFilter], () =>
    readingNothing(() => messageOf(() => checkTrainable(model))),
  );
  expect(message).toContain(`checkTrainable: tfjs cannot train this model on the ${TEST_BACKEND} backend:\n`);
  expect(message).toContain('down (Conv2D), up (Conv2DTranspose), last (Conv2D): the kernel Conv2DBackpropFilter is');
  expect(message).toContain(TEST_BACKEND === 'wasm' ? 'call enableWasmTraining()' : 'or another backend (');
  expect(tf.memory().numTensors).toBe(numTensors);
  model.dispose();
});

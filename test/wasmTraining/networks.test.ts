/** Networks of the layers that enableWasmTraining is about, which are trained for a few steps. */
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { enableWasmTraining } from '../../src/index.js';

beforeAll(enableWasmTraining);

type Layer = { apply(x: tf.SymbolicTensor | tf.SymbolicTensor[]): unknown };
const on = (x: tf.SymbolicTensor | tf.SymbolicTensor[], layer: Layer) => layer.apply(x) as tf.SymbolicTensor;

let seed = 0;
const start = () => tf.initializers.glorotNormal({ seed: ++seed });

/** A U-Net of separable convolutions, with a stride, dilations, and a transposed convolution. */
function separableNetwork(): tf.LayersModel {
  const separable = (filters: number, strides = 1) =>
    tf.layers.separableConv2d({
      filters,
      kernelSize: 3,
      strides,
      depthMultiplier: 2,
      padding: 'same',
      activation: 'relu',
      depthwiseInitializer: start(),
      pointwiseInitializer: start(),
    });
  const inputs = tf.input({ shape: [8, 8, 2] });
  const top = on(inputs, separable(4));
  const halved = on(on(top, separable(6, 2)), tf.layers.batchNormalization());
  const pooled = on(halved, tf.layers.maxPooling2d({ poolSize: 2 }));
  const wide = on(pooled, tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: start() }));
  const dilated = { filters: 6, kernelSize: 3, dilationRate: 2, padding: 'same', activation: 'relu' } as const;
  const far = on(wide, tf.layers.conv2d({ ...dilated, kernelInitializer: start() }));
  const transposed = { filters: 4, kernelSize: 2, strides: 2, kernelInitializer: start() } as const;
  const up = on(far, tf.layers.conv2dTranspose(transposed));
  const joined = on([on(up, tf.layers.upSampling2d({ size: [2, 2] })), top], tf.layers.concatenate());
  const outputs = on(joined, tf.layers.conv2d({ filters: 1, kernelSize: 1, kernelInitializer: start() }));
  return tf.model({ inputs, outputs });
}

/** A U-Net of volumes. */
function volumeNetwork(): tf.LayersModel {
  const convolve = (filters: number, kernelSize: number) =>
    tf.layers.conv3d({ filters, kernelSize, padding: 'same', activation: 'elu', kernelInitializer: start() });
  const inputs = tf.input({ shape: [4, 4, 4, 2] });
  const top = on(inputs, convolve(3, 3));
  const bottom = on(on(top, tf.layers.maxPooling3d({ poolSize: 2 })), convolve(4, 3));
  const transposed = { filters: 3, kernelSize: 2, strides: 2, kernelInitializer: start() } as const;
  const joined = on([on(bottom, tf.layers.conv3dTranspose(transposed)), top], tf.layers.concatenate());
  return tf.model({ inputs, outputs: on(joined, tf.layers.conv3d({ filters: 1, kernelSize: 1 })) });
}

test.each([
  ['separable convolutions', separableNetwork, [6, 8, 8, 2]],
  ['volumes', volumeNetwork, [6, 4, 4, 4, 2]],
] as const)('a network of %s learns', async (_, make, shape) => {
  const model = make();
  const optimizer = tf.train.adam(0.03);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const x = tf.randomNormal([...shape], 0, 1, 'float32', 1);
  // (The sign of the first channel.)
  const y = tf.tidy(() =>
    tf.step(
      tf.slice(
        x,
        shape.map(() => 0),
        [...shape.slice(0, -1), 1],
      ),
    ),
  );
  const before = tf.memory().numTensors;
  const { history } = await model.fit(x, y, { epochs: 25, batchSize: 3, shuffle: false, verbose: 0 });
  const losses = history.loss as number[];
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  // The optimizer makes its two moments of each weight, and one count of steps, in the first step.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2 * model.trainableWeights.length + 1);
  model.dispose();
  optimizer.dispose();
  tf.dispose([x, y]);
});

test('a tf.layers.conv2d with a dilationRate can be trained if its activation is relu or elu', () => {
  const train = (activation: 'relu' | 'elu' | 'linear' | 'sigmoid') => {
    const layer = tf.layers.conv2d({ filters: 2, kernelSize: 3, dilationRate: 2, activation });
    try {
      return tf.grad((x) => layer.apply(x) as tf.Tensor)(tf.ones([1, 6, 6, 1])).shape;
    } finally {
      // tfjs keeps what has been saved for a gradient that throws.
      for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved);
      layer.dispose();
    }
  };
  expect([train('relu'), train('elu')]).toEqual([
    [1, 6, 6, 1],
    [1, 6, 6, 1],
  ]);
  const refusal = 'Error in gradient of fused conv2D: dilation rates greater than 1';
  expect(() => train('linear')).toThrow(refusal);
  expect(() => train('sigmoid')).toThrow(refusal);
});

test('calling it again changes nothing', () => {
  const registered = () => [
    ...tf.getKernelsForBackend('wasm').map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
    ...[tf.Conv2D, tf.Conv3D, tf.DepthwiseConv2dNative, tf.Conv3DBackpropInputV2].map((name) => tf.getGradient(name)),
  ];
  const before = registered();
  enableWasmTraining();
  const after = registered();
  expect(after.length).toBe(before.length);
  after.forEach((one, i) => (Array.isArray(one) ? expect(one).toEqual(before[i]) : expect(one).toBe(before[i])));
});

/** A U-Net trains on textures of float16 about as well as in float32. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { diceLoss } from '../../../src/index.js';
import { iouScore } from '../../../src/metrics/index.js';
import { microBatches, minimizePieces } from '../../../src/training/index.js';
import { randomNumbers } from '../../support/random.js';

const [COUNT, SIZE] = [4, 24];

/** Discs of many sizes on a noisy background. */
function images(): { xs: tf.Tensor; ys: tf.Tensor } {
  const random = randomNumbers(2);
  const discs = Array.from({ length: COUNT * SIZE * SIZE }, (_, k) => {
    const [n, i, j] = [Math.floor(k / SIZE / SIZE), Math.floor(k / SIZE) % SIZE, k % SIZE];
    return Number((i - 10 - n) ** 2 + (j - 13 + n) ** 2 < 20 + 10 * n);
  });
  const noisy = discs.map((x) => x + 1.2 * (random() - 0.5));
  const shape = [COUNT, SIZE, SIZE, 1];
  return { xs: tf.tensor(noisy, shape), ys: tf.tensor(discs, shape) };
}

function network(): tf.LayersModel {
  let seed = 0;
  const conv = (filters: number, activation?: 'relu') =>
    tf.layers.conv2d({
      filters,
      kernelSize: 3,
      padding: 'same',
      kernelInitializer: tf.initializers.glorotUniform({ seed: ++seed }),
      ...(activation && { activation }),
    });
  const input = tf.input({ shape: [SIZE, SIZE, 1] });
  const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
    layer.apply(x) as tf.SymbolicTensor;
  const fine = apply(conv(6, 'relu'), input);
  const coarse = apply(conv(8, 'relu'), apply(tf.layers.maxPooling2d({ poolSize: 2 }), fine));
  const joined = apply(tf.layers.concatenate(), [fine, apply(tf.layers.upSampling2d({}), coarse)]);
  return tf.model({ inputs: input, outputs: apply(conv(1), apply(conv(6, 'relu'), joined)) });
}

/** The IoU of a network after training on a backend. */
async function trained(backend: string, lossScale: number): Promise<number> {
  await tf.setBackend(backend);
  const model = network();
  // The default epsilon of 1e-7 is 0 in float16.
  const optimizer = tf.train.adam(0.02, 0.9, 0.999, 1e-4);
  const data = images();
  for (let step = 0; step < 30; step++) {
    tf.dispose(minimizePieces(optimizer, diceLoss, model, microBatches(data, COUNT / 2), { lossScale }));
  }
  const score = tf.tidy(() => iouScore(data.ys, model.predict(data.xs) as tf.Tensor));
  const [value] = await score.data();
  tf.dispose([score, ...Object.values(data)]);
  model.dispose();
  optimizer.dispose();
  return value!;
}

test('with diceLoss', async () => {
  const full = await trained('cpu', 1);
  const half = await trained('webgl', 16);
  console.info(`IoU after training: ${half} on float16 textures, ${full} in float32`);
  expect(full).toBeGreaterThan(0.8);
  expect(Math.abs(half - full)).toBeLessThan(0.02);
});

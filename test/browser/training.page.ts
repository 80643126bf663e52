/** A page trains a network, keeps it in the browser, and continues with it. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { diceLoss } from '../../src/index.js';
import { compileSaved, namedLoss, saveModel } from '../../src/training/index.js';

const size = 16;

/** Discs on a noisy background. */
function images(count: number): { x: tf.Tensor4D; y: tf.Tensor4D } {
  const discs = Array.from({ length: count * size * size }, (_, k) => {
    const [n, i, j] = [Math.floor(k / size / size), Math.floor(k / size) % size, k % size];
    return Number((i - 6 - (n % 4)) ** 2 + (j - 9 + (n % 3)) ** 2 < 20);
  });
  const y = tf.tensor4d(discs, [count, size, size, 1]);
  return { x: tf.add(y, tf.randomNormal(y.shape, 0, 0.3, 'float32', 1)), y };
}

function network(): tf.Sequential {
  const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [size, size, 1],
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: seeded(1),
      }),
      tf.layers.conv2d({ filters: 1, kernelSize: 3, padding: 'same', kernelInitializer: seeded(2) }),
    ],
  });
}

const loss = (labels: tf.Tensor, logits: tf.Tensor) => diceLoss(labels, logits);

test('a convolutional network trains with fit, and comes back unchanged from IndexedDB', async () => {
  const { x, y } = images(8);
  const model = network();
  const optimizer = tf.train.adam(0.03);
  model.compile({ optimizer, loss });
  const { history } = await model.fit(x, y, { epochs: 15, batchSize: 4, shuffle: false, verbose: 0 });
  const losses = history['loss'] as number[];
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);

  await model.save('indexeddb://softseg-test');
  const restored = await tf.loadLayersModel('indexeddb://softseg-test');
  await tf.io.removeModel('indexeddb://softseg-test');
  const weights = await Promise.all(model.getWeights().map((w) => w.data()));
  const same = await Promise.all(restored.getWeights().map((w) => w.data()));
  expect(same.map((w) => [...w])).toEqual(weights.map((w) => [...w]));
  const [before, after] = [model, restored].map((m) => loss(y, m.predict(x) as tf.Tensor));
  expect((await after!.data())[0]).toBe((await before!.data())[0]);
  for (const owner of [model, restored, optimizer]) owner.dispose();
});

test('a run saved to IndexedDB with its loss and optimizer continues like one that was never saved', async () => {
  const { x, y } = images(8);
  const [whole, other] = [network(), network()];
  const optimizers = [tf.train.adam(0.03), tf.train.adam(0.03)] as const;
  const named = () => namedLoss('comboLoss', { aggregate: 'batch', sharpness: 1.5 });
  whole.compile({ optimizer: optimizers[0], loss: named() });
  other.compile({ optimizer: optimizers[1], loss: named() });
  const step = async (model: tf.LayersModel) => (await model.trainOnBatch(x, y)) as number;
  const losses = [await step(whole), await step(whole), await step(whole), await step(whole)];
  for (const expected of losses.slice(0, 2)) expect(await step(other)).toBeCloseTo(expected, 5);

  await saveModel(other, 'indexeddb://softseg-run', { state: { step: 1 } });
  const restored = await tf.loadLayersModel('indexeddb://softseg-run');
  await tf.io.removeModel('indexeddb://softseg-run');
  const compiled = compileSaved(restored);
  const [restoredLoss] = Object.values(compiled.losses) as ReturnType<typeof named>[];
  expect(restoredLoss!.options).toEqual({ aggregate: 'batch', sharpness: 1.5 });
  expect(compiled.state).toEqual({ step: 1 });
  expect(restored.optimizer.iterations).toBe(2);
  for (const expected of losses.slice(2)) expect(await step(restored)).toBeCloseTo(expected, 5);
  for (const owner of [whole, other, restored, restored.optimizer, ...optimizers]) owner.dispose();
});

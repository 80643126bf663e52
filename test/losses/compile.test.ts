/** The losses in tfjs-layers: passed directly, and configured by a lambda. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { lossNamed, LOSSES, type Loss } from '../support/oracle.js';
import { randomDistribution, randomArray } from '../support/random.js';
import { toTensor } from '../support/compare.js';

async function lossesOfFit(loss: Loss): Promise<number[]> {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        inputShape: [6, 4],
        units: 8,
        activation: 'tanh',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      }),
      tf.layers.dense({ units: 3, kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }) }),
    ],
  });
  const optimizer = tf.train.adam(0.03);
  const x = toTensor(randomArray([8, 6, 4], 1, -1, 1));
  const y = toTensor(randomDistribution([8, 6, 3], 2, 2));
  model.compile({ optimizer, loss: (t, p) => loss(t, p) });
  const { history } = await model.fit(x, y, { epochs: 15, batchSize: 4, shuffle: false, verbose: 0 });
  model.dispose();
  optimizer.dispose();
  tf.dispose([x, y]);
  return history['loss'] as number[];
}

describe.each(LOSSES)('%s', (name) => {
  test('trains through compile and fit, and leaves no tensor', async () => {
    const before = tf.memory().numTensors;
    const losses = await lossesOfFit((t, p) => lossNamed(name)(t, p, { classWeights: [1, 2, 1] }));
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('can be passed to compile directly, as loss and as metric', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3 })] });
    const optimizer = tf.train.sgd(0.1);
    const loss = lossNamed(name);
    model.compile({ optimizer, loss, metrics: [loss] });
    const x = tf.ones([2, 4]);
    const y = tf.fill([2, 3], 1 / 3);
    const expected = loss(y, model.predict(x) as tf.Tensor).dataSync()[0]!;
    const [value, metric] = model.evaluate(x, y) as tf.Scalar[];
    expect(value!.dataSync()[0]).toBeCloseTo(expected, 5);
    expect(metric!.dataSync()[0]).toBeCloseTo(expected, 5);
    model.dispose();
    optimizer.dispose();
  });
});

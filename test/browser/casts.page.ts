/** Results of tf.cast, which on webgpu are float32 tensors that still hold integers. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, iouLoss, overlap } from '../../src/index.js';
import { ConfusionMatrix, MeanIou } from '../../src/metrics/index.js';

const shape = [2, 9, 15, 3];
const pattern = (every: number, size: number) => Array.from({ length: size }, (_, i) => Number(i % every === 0));
const ones = (every: number, sizes: number[]) => tf.tensor(pattern(every, tf.util.sizeFromShape(sizes)), sizes);
/** The same values, cast from bool. */
const cast = (x: tf.Tensor) => tf.cast(tf.greater(x, 0.5), 'float32');
const logits = (): tf.Tensor =>
  tf.tensor(
    Array.from({ length: 2 * 9 * 15 * 3 }, (_, i) => Math.sin(i * i)),
    shape,
  );

describe.each<[string, () => tf.Tensor, () => tf.Tensor]>([
  ['labels', () => ones(3, shape), () => ones(4, shape.slice(0, 3))],
  ['labels with channels first', () => tf.transpose(ones(3, shape), [0, 3, 1, 2]), () => ones(4, [2, 9, 15])],
])('%s and a mask that come from tf.cast', (name, labels, mask) => {
  const axis = name.endsWith('first') ? 1 : -1;
  const z = () => (axis === 1 ? tf.transpose(logits(), [0, 3, 1, 2]) : logits());

  test('have the same sums and losses as other tensors', async () => {
    checkValues('never');
    const run = async (t: tf.Tensor, w: tf.Tensor) => {
      const { intersection, valid } = overlap(t, z(), { mask: w, axis });
      const loss = iouLoss(t, z(), { mask: w, axis });
      const scores = await new MeanIou({ axis, hard: true }).updateAsync(t, z(), { mask: w });
      const matrix = await new ConfusionMatrix({ axis }).updateAsync(t, z(), { mask: w });
      const tensors = await Promise.all([intersection, valid!, loss].map((x) => x.array()));
      return [...tensors, scores.result(), matrix.counts()];
    };
    const expected = await run(labels(), mask());
    expect(expected[2]).toBeGreaterThan(0);
    expect(await run(cast(labels()), cast(mask()))).toEqual(expected);
  });
});

/** The losses on textures of float16, compared with float32 on the cpu backend. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { kernelsInUse } from '../../../src/index.js';
import { lossNamed } from '../../support/oracle.js';
import { PASS_LOSSES, type LossName } from '../../support/described.js';
import { randomNumbers } from '../../support/random.js';

declare const TEST_CASES: 'all' | 'pairwise';

interface Result {
  value: number;
  gradient: Float32Array;
}

/** Logits of a network that is right for most pixels, and labels with regions of every class. */
function scene([samples, height, width, classes]: Shape, confidence: number) {
  const random = randomNumbers(3);
  const [logits, labels]: [number[], number[]] = [[], []];
  for (let pixel = 0; pixel < samples * height * width; pixel++) {
    const [i, j] = [Math.floor(pixel / width) % height, pixel % width];
    const region = (Math.floor((3 * i) / height) + 2 * Math.floor((3 * j) / width)) % Math.max(classes, 2);
    const right = random() < 0.8;
    for (let c = 0; c < classes; c++) {
      const t = classes === 1 ? Number(region === 1) : Number(c === region);
      labels.push(t);
      logits.push((right ? confidence * (2 * t - 1) : 0) + 2 * random() - 1);
    }
  }
  return { labels: Float32Array.from(labels), logits: Float32Array.from(logits) };
}

type Shape = [samples: number, height: number, width: number, classes: number];

/** With a scale of the loss, gradients of many pixels are large enough for float16. */
async function resultOn(
  backend: string,
  name: LossName,
  shape: Shape,
  confidence: number,
  scale: number,
): Promise<Result> {
  const { labels, logits } = scene(shape, confidence);
  await tf.setBackend(backend);
  const { value, grad } = tf.tidy(() => {
    const t = tf.tensor(labels, shape);
    const loss = (z: tf.Tensor) => tf.mul(lossNamed(name)(t, z), scale);
    return tf.valueAndGrad(loss)(tf.tensor(logits, shape));
  });
  const result = { value: (await value.data())[0]!, gradient: (await grad.data()) as Float32Array };
  tf.dispose([value, grad]);
  return result;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    ab += x * b[i]!;
    aa += x * x;
    bb += b[i]! * b[i]!;
  });
  return ab / Math.sqrt(aa * bb);
}

const SMALL: Shape[] = [
  [2, 4, 4, 1],
  [2, 4, 4, 4],
  [1, 4, 4, 21],
  [2, 64, 64, 4],
];
const LARGE: Shape[] = [
  [2, 64, 64, 1],
  [1, 64, 64, 21],
  [1, 512, 512, 1],
  [1, 512, 512, 4],
];
const SHAPES = TEST_CASES === 'all' ? [...SMALL, ...LARGE] : SMALL;

test('the fused kernels run', () => expect(kernelsInUse()).toBe('fused webgl'));

describe.each(PASS_LOSSES)('%s', (name) => {
  test.each(SHAPES)('[%i, %i, %i, %i]', async (...shape) => {
    const scale = shape[1] > 64 ? 1024 : 1;
    for (const confidence of [2, 100]) {
      const own = await resultOn('webgl', name, shape, confidence, scale);
      const expected = await resultOn('cpu', name, shape, confidence, scale);
      expect(Math.abs(own.value - expected.value) / scale).toBeLessThan(5e-3 * Math.max(1, expected.value / scale));
      expect(cosine(own.gradient, expected.gradient)).toBeGreaterThan(0.99);
    }
  });
});

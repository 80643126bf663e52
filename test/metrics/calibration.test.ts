/** Which bin a confidence is in: [k/B, (k + 1)/B), the edges rounded to float32, the last bin closed. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { CalibrationError, expectedCalibrationError } from '../../src/metrics/index.js';

/** The float32 next below a value > 0. */
function below(value: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0]!--;
  return new Float32Array(bits.buffer)[0]!;
}

/** The weight of each bin, of these confidences. */
function weights(confidences: readonly number[], bins: number): number[] {
  return tf.tidy(() => {
    const p = tf.tensor(confidences, [1, confidences.length, 1], 'float32');
    const scores = new CalibrationError({ activation: 'none', bins }).update(tf.zerosLike(p), p);
    return scores.reliability()[0]!.map(({ weight }) => weight);
  });
}

const BINS = [...Array.from({ length: 63 }, (_, i) => i + 2), 99, 100, 101, 128, 255, 256];

describe('the bins of calibration', () => {
  test('have their lower edges in them, for every edge of every number of bins', () => {
    for (const bins of BINS) {
      const edges = Array.from({ length: bins }, (_, k) => Math.fround(k / bins));
      expect({ bins, weights: weights(edges, bins) }).toEqual({ bins, weights: edges.map(() => 1) });
    }
  });

  test('have what is just below an edge in the lower bin', () => {
    for (const bins of BINS) {
      const edges = Array.from({ length: bins }, (_, k) => below((k + 1) / bins));
      expect({ bins, weights: weights(edges, bins) }).toEqual({ bins, weights: edges.map(() => 1) });
    }
  });

  test('have 1 in the last, and 0 and what rounding carries out of [0, 1] at the ends', () => {
    for (const bins of [2, 3, 15, 100]) {
      const ends = Array.from({ length: bins }, (_, k) => (k === 0 ? 3 : k === bins - 1 ? 2 : 0));
      expect(weights([0, -0, -1e-7, 1, 1 + 1e-6], bins)).toEqual(ends);
    }
  });

  test('are those of the function, too', () => {
    // In float32 13/22 · 22 is below 13. In one bin with 12.5/22 the two would be off by their mean less 1/2.
    const p = tf.tensor([13 / 22, 12.5 / 22], [1, 2, 1]);
    const t = tf.tensor([1, 0], [1, 2, 1]);
    const error = expectedCalibrationError(t, p, { activation: 'none', bins: 22 });
    expect(error.dataSync()[0]).toBeCloseTo((9 / 22 + 12.5 / 22) / 2, 6);
  });
});

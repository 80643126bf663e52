/** The bin of a confidence is [k/B, (k + 1)/B), with edges rounded to float32 and the last bin closed. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { CalibrationError, expectedCalibrationError } from '../../src/metrics/index.js';

/** The largest float32 below a positive value. */
function below(value: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0]!--;
  return new Float32Array(bits.buffer)[0]!;
}

/** The weight of each bin for these confidences. */
function weights(confidences: readonly number[], bins: number): number[] {
  return tf.tidy(() => {
    const p = tf.tensor(confidences, [1, confidences.length, 1], 'float32');
    const scores = new CalibrationError({ activation: 'none', bins }).update(tf.zerosLike(p), p);
    return scores.reliability()[0]!.map(({ weight }) => weight);
  });
}

const BINS = [...Array.from({ length: 63 }, (_, i) => i + 2), 99, 100, 101, 128, 255, 256];

describe('the bins of calibration', () => {
  test('include their lower edges, for every edge of every number of bins', () => {
    for (const bins of BINS) {
      const edges = Array.from({ length: bins }, (_, k) => Math.fround(k / bins));
      expect({ bins, weights: weights(edges, bins) }).toEqual({ bins, weights: edges.map(() => 1) });
    }
  });

  test('do not include the next float32 below their lower edge', () => {
    for (const bins of BINS) {
      const edges = Array.from({ length: bins }, (_, k) => below((k + 1) / bins));
      expect({ bins, weights: weights(edges, bins) }).toEqual({ bins, weights: edges.map(() => 1) });
    }
  });

  test('put 1 into the last bin, and values rounded out of [0, 1] into the end bins', () => {
    for (const bins of [2, 3, 15, 100]) {
      const ends = Array.from({ length: bins }, (_, k) => (k === 0 ? 3 : k === bins - 1 ? 2 : 0));
      expect(weights([0, -0, -1e-7, 1, 1 + 1e-6], bins)).toEqual(ends);
    }
  });

  test('are the same in expectedCalibrationError', () => {
    // In float32 13/22 · 22 is below 13. If both values were in one bin, they would be off by their mean less 1/2.
    const p = tf.tensor([13 / 22, 12.5 / 22], [1, 2, 1]);
    const t = tf.tensor([1, 0], [1, 2, 1]);
    const error = expectedCalibrationError(t, p, { activation: 'none', bins: 22 });
    expect(error.dataSync()[0]).toBeCloseTo((9 / 22 + 12.5 / 22) / 2, 6);
  });
});

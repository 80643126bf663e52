import { describe, expect, test } from '@jest/globals';
import {
  binaryCrossEntropyLoss,
  centralDifference,
  comboLoss,
  cosineSchedule,
  crossEntropyLoss,
  diceLoss,
  exponentialSchedule,
  indices,
  iouLoss,
  item,
  linearSchedule,
  map,
  mergeOverlaps,
  ndarray,
  overlap,
  powerSharpen,
  scalar,
  softLabelsFromMasks,
  softLabelsFromVotes,
  softOneHot,
  softThreshold,
  straightThroughOneHot,
  straightThroughThreshold,
  sum,
  tverskyLoss,
  type NdArray,
} from './index.js';

function expectClose(actual: NdArray, expected: readonly number[], tolerance = 1e-12) {
  expect(actual.data.length).toBe(expected.length);
  expected.forEach((value, i) => expect(Math.abs(actual.data[i]! - value)).toBeLessThanOrEqual(tolerance));
}

const close = (actual: NdArray, expected: number, tolerance?: number) => expectClose(actual, [expected], tolerance);

// One sample, two pixels, two classes.
const soft = ndarray([
  [
    [0.3, 0.7],
    [1, 0],
  ],
]);
const guess = ndarray([
  [
    [0.5, 0.5],
    [0.75, 0.25],
  ],
]);
const given = { activation: 'none' } as const;

describe('the sums', () => {
  test('equal those of two pixels added up by hand', () => {
    const table = overlap(soft, guess, given);
    expectClose(table.intersection, [0.15 + 0.75, 0.35]);
    expectClose(table.predicted, [1.25, 0.75]);
    expectClose(table.labelled, [1.3, 0.7]);
    expectClose(table.difference, [0.2 + 0.25, 0.2 + 0.25]);
    expectClose(table.predictedSquared, [0.25 + 0.5625, 0.25 + 0.0625]);
    expectClose(table.labelledSquared, [1.09, 0.49]);
    expectClose(table.crossEntropy, [-0.3 * Math.log(0.5) - Math.log(0.75), -0.7 * Math.log(0.5)]);
    expectClose(table.valid, [2]);
  });

  test('are weighted by the mask, and ignore pixels of weight 0', () => {
    const broken = ndarray([
      [
        [0.5, 0.5],
        [NaN, Infinity],
      ],
    ]);
    const table = overlap(soft, broken, { ...given, mask: ndarray([[3, 0]]) });
    expectClose(table.intersection, [0.45, 1.05]);
    expectClose(table.valid, [3]);
  });

  test('of two halves add up to those of the whole', () => {
    const left = overlap(soft, guess, { ...given, mask: ndarray([[1, 0]]) });
    const right = overlap(soft, guess, { ...given, mask: ndarray([[0, 1]]) });
    const merged = mergeOverlaps(left, right);
    expect(merged).toEqual(overlap(soft, guess, given));
  });
});

describe('region losses', () => {
  const labels = ndarray([[[1], [1], [0], [0]]]);
  const predictions = ndarray([[[0.8], [0.4], [0.2], [0]]]);

  test('equal the textbook losses on hard labels in both overlap forms', () => {
    for (const form of ['metric', 'product'] as const) {
      const options = { ...given, overlap: form };
      close(iouLoss(labels, predictions, options), 1 - 1.2 / (1.4 + 2 - 1.2));
      close(diceLoss(labels, predictions, options), 1 - 2.4 / 3.4);
      close(tverskyLoss(labels, predictions, { ...options, alpha: 0.3, beta: 0.7 }), 1 - 1.2 / (1.2 + 0.06 + 0.56));
      close(diceLoss(labels, predictions, { ...options, squared: true }), 1 - 2.4 / (0.64 + 0.16 + 0.04 + 2));
      close(iouLoss(labels, predictions, { ...options, smooth: 1 }), 1 - 2.2 / 3.2);
    }
  });

  test('are zero at p = t on soft labels only in the metric form', () => {
    const activated = { ...given, overlap: 'product' } as const;
    close(iouLoss(soft, soft, given), 0, 1e-15);
    close(diceLoss(soft, soft, given), 0, 1e-15);
    close(tverskyLoss(soft, soft, given), 0, 1e-15);
    close(diceLoss(soft, soft, { ...given, squared: true }), 0, 1e-15);
    close(diceLoss(soft, soft, activated), (1 - (2 * 1.09) / 2.6 + 1 - (2 * 0.49) / 1.4) / 2);
    // In the metric form, the intersections min(p, t) add up to 0.3 + 0.75 and 0.5.
    expectClose(iouLoss(soft, guess, { ...given, reduction: 'none' }), [1 - 1.05 / 1.5, 1 - 0.5 / 0.95]);
  });

  test('skip an absent class, penalize it or apply the formula', () => {
    const one = indices([[0, 0]]);
    const values = (absent: 'skip' | 'penalize' | 'smooth') =>
      diceLoss(one, guess, { ...given, absent, smooth: 1, reduction: 'none' });
    const present = 1 - (2 * 1.25 + 1) / (1.25 + 2 + 1);
    expectClose(values('skip'), [present, 0]);
    expectClose(values('penalize'), [present, 0.375]);
    expectClose(values('smooth'), [present, 1 - 1 / 1.75]);
    close(diceLoss(one, guess, { ...given, smooth: 1 }), present);
    close(diceLoss(one, guess, { ...given, smooth: 1, absent: 'penalize' }), (present + 0.375) / 2);
    close(diceLoss(one, guess, { activation: (z) => z, smooth: 1 }), present);
  });

  test('penalize an absent class under sigmoid', () => {
    close(iouLoss(ndarray([[[0], [0]]]), ndarray([[[0], [0]]])), 0.5);
    close(iouLoss(ndarray([[[0, 0]]]), ndarray([[[0, 0]]]), { activation: 'sigmoid' }), 0.5);
  });

  test('take weighted means over classes, and means over the samples that have a term', () => {
    const two = indices([
      [0, 1],
      [9, 9],
    ]);
    const both = ndarray(
      [guess.data, guess.data].flatMap((data) => [...data]),
      [2, 2, 2],
    );
    const options = { ...given, classWeights: [1, 3] };
    const first = 1 - 0.5 / (1.25 + 1 - 0.5);
    const second = 1 - 0.25 / (0.75 + 1 - 0.25);
    expectClose(iouLoss(two, both, { ...options, reduction: 'none' }), [first, 3 * second, 0, 0]);
    expectClose(iouLoss(two, both, { ...options, reduction: 'sample' }), [(first + 3 * second) / 4, 0]);
    close(iouLoss(two, both, { ...options, reduction: 'sum' }), first + 3 * second);
    close(iouLoss(two, both, options), (first + 3 * second) / 4);
    close(iouLoss(two, both, { ...options, classes: [1] }), second);
    close(iouLoss(two, both, { ...options, ignoreLabel: 9 }), (first + 3 * second) / 4);
    const together = [1 - 0.5 / (2.5 + 1 - 0.5), 1 - 0.25 / (1.5 + 1 - 0.25)];
    expectClose(iouLoss(two, both, { ...given, aggregate: 'batch', reduction: 'none' }), together);
  });

  test('are a power with gamma, and 0 without any pixel', () => {
    close(tverskyLoss(labels, predictions, { ...given, gamma: 0.5 }), Math.sqrt(1 - 2.4 / 3.4));
    close(
      iouLoss(
        map(labels, () => 0),
        map(labels, () => 0),
        { ...given, absent: 'smooth' },
      ),
      0,
    );
    close(iouLoss(labels, predictions, { ...given, mask: ndarray([[0, 0, 0, 0]]) }), 0);
    close(iouLoss(ndarray([[[-1], [-1]]]), ndarray([[[5], [NaN]]]), { ignoreLabel: -1 }), 0);
  });
});

describe('cross-entropies', () => {
  test('equal the definition', () => {
    const softmaxed = [1 / (1 + Math.E), Math.E / (1 + Math.E)] as const;
    const logits = ndarray([[2, 3]]);
    const labels = ndarray([[0.25, 0.75]]);
    const expected = -0.25 * Math.log(softmaxed[0]) - 0.75 * Math.log(softmaxed[1]);
    close(crossEntropyLoss(labels, logits), expected);
    close(crossEntropyLoss(labels, logits, { subtractEntropy: true }), expected - entropy(0.25) - entropy(0.75));
    close(crossEntropyLoss(labels, logits, { classWeights: [0, 2] }), -1.5 * Math.log(softmaxed[1]));
    const smoothed = -0.3 * Math.log(softmaxed[0]) - 0.7 * Math.log(softmaxed[1]);
    close(crossEntropyLoss(labels, logits, { labelSmoothing: 0.2 }), smoothed);
    close(crossEntropyLoss(labels, ndarray([[1, 1.5]]), { sharpness: 2 }), expected);
    const minimum = map(labels, (t) => Math.log(t));
    close(crossEntropyLoss(labels, minimum, { subtractEntropy: true }), 0);
  });

  test('are the mean over classes in the binary form', () => {
    const labels = ndarray([[0.25, 1]]);
    const logits = ndarray([[0, Math.log(3)]]); // p = 0.5, 0.75
    const [first, second] = [Math.log(2), -Math.log(0.75)];
    const sigmoid = { activation: 'sigmoid' } as const;
    close(binaryCrossEntropyLoss(labels, logits), (first + second) / 2);
    close(crossEntropyLoss(labels, logits, sigmoid), (first + second) / 2);
    close(binaryCrossEntropyLoss(labels, ndarray([[0.5, 0.75]]), given), (first + second) / 2);
    close(binaryCrossEntropyLoss(labels, logits, { classWeights: [1, 4] }), (first + 4 * second) / 2);
    close(binaryCrossEntropyLoss(labels, logits, { classWeights: [1, 4], classes: [1] }), 4 * second);
    close(binaryCrossEntropyLoss(labels, logits, { posWeight: [3, 2] }), (1.5 * first + 2 * second) / 2);
    const smoothed = -0.95 * Math.log(0.75) - 0.05 * Math.log(0.25);
    close(binaryCrossEntropyLoss(labels, logits, { labelSmoothing: 0.1 }), (first + smoothed) / 2);
    const divergence = first - entropy(0.25) - entropy(0.75) + second;
    close(binaryCrossEntropyLoss(labels, logits, { subtractEntropy: true }), divergence / 2);
  });

  test('are exact for logits that saturate', () => {
    close(crossEntropyLoss(ndarray([[0, 1]]), ndarray([[1e4, -1e4]])), 2e4);
    close(crossEntropyLoss(ndarray([[1, 0]]), ndarray([[1e4, -1e4]])), 0);
    close(crossEntropyLoss(ndarray([[1, 0]]), ndarray([[1, -Infinity]])), 0);
    close(crossEntropyLoss(ndarray([[0, 1]]), ndarray([[1, -Infinity]])), 1e9 + 1);
    close(binaryCrossEntropyLoss(ndarray([[0], [1]]), ndarray([[1e4], [-1e4]])), 1e4);
    close(binaryCrossEntropyLoss(ndarray([[1], [0]]), ndarray([[1e4], [-Infinity]])), 0);
  });

  test('divide by the weight of the pixels that count', () => {
    const labels = indices([
      [0, 1],
      [1, 7],
    ]);
    const logits = ndarray(new Float32Array(8), [2, 2, 2]);
    const options = {
      ignoreLabel: 7,
      mask: ndarray([
        [1, 3],
        [2, 1],
      ]),
    };
    const unit = Math.log(2);
    const none = crossEntropyLoss(labels, logits, { ...options, reduction: 'none' });
    expect(none.shape).toEqual([2, 2]);
    expectClose(none, [unit, 3 * unit, 2 * unit, 0]);
    expectClose(crossEntropyLoss(labels, logits, { ...options, reduction: 'sample' }), [unit, unit]);
    close(crossEntropyLoss(labels, logits, { ...options, reduction: 'sum' }), 6 * unit);
    close(crossEntropyLoss(labels, logits, { ...options, classWeights: [1, 0] }), unit / 6);
  });

  test('stay finite at probabilities of 0', () => {
    close(crossEntropyLoss(ndarray([[1, 0]]), ndarray([[0, 1]]), given), 12 * Math.LN10);
    close(crossEntropyLoss(ndarray([[0]]), ndarray([[1]]), given), 12 * Math.LN10);
  });

  test('take the class axis into account', () => {
    const last = ndarray([
      [
        [1, 2, 4],
        [0, 5, 1],
      ],
    ]);
    const first = ndarray([
      [
        [1, 0],
        [2, 5],
        [4, 1],
      ],
    ]);
    const labels = indices([[2, 0]]);
    expect(crossEntropyLoss(labels, first, { axis: 1 })).toEqual(crossEntropyLoss(labels, last));
    expect(iouLoss(labels, first, { axis: -2 })).toEqual(iouLoss(labels, last));
  });
});

test('comboLoss is the weighted sum of its terms', () => {
  const iou = item(iouLoss(soft, guess));
  const crossEntropy = item(crossEntropyLoss(soft, guess));
  close(comboLoss(soft, guess), iou + crossEntropy);
  close(comboLoss(soft, guess, { weights: { iou: 2, crossEntropy: 0.5 } }), 2 * iou + 0.5 * crossEntropy);
});

describe('relaxations', () => {
  test('powerSharpen gives the published values', () => {
    const values = ndarray([0.1304, 0.5134, 0.7426, 0.7159, 0.5705]);
    expectClose(powerSharpen(values, 1), [0.1304, 0.5134, 0.7426, 0.7159, 0.5705]);
    expectClose(powerSharpen(values, 2), [0.017, 0.2636, 0.9337, 0.5125, 0.3254], 1e-4);
    expectClose(powerSharpen(values, 3), [0.0022, 0.1353, 0.9829, 0.3669, 0.1857], 1e-4);
    expectClose(powerSharpen(values, 5), [3.7761e-5, 3.5664e-2, 9.9887e-1, 1.8803e-1, 6.0419e-2], 1e-4);
    expectClose(powerSharpen(values, 10), [1.4259e-9, 1.2719e-3, 1, 3.5355e-2, 3.6504e-3], 1e-4);
  });

  test('the mean of powerSharpen over p = 1..19 has the published gradient', () => {
    const mean = (values: NdArray) => {
      const powers = Array.from({ length: 19 }, (_, i) => i + 1);
      return sum(powers.map((power) => sum(powerSharpen(values, power).data))) / (19 * values.data.length);
    };
    const gradient = centralDifference(mean, ndarray([0.2, 0.4, 0.6, 0.8]));
    expectClose(gradient, [0.0206, 0.0365, 0.0822, 0.0206], 5e-5);
  });

  test('soft and hard choices agree as the sharpness grows', () => {
    const logits = ndarray([
      [1, 3, 2],
      [0, 0, -1],
    ]);
    expectClose(straightThroughOneHot(logits), [0, 1, 0, 1, 0, 0]);
    expectClose(straightThroughOneHot(logits, { axis: 0 }), [1, 1, 1, 0, 0, 0]);
    expectClose(softOneHot(logits, { sharpness: 100 }), [0, 1, 0, 0.5, 0.5, 0], 1e-12);
    expectClose(straightThroughThreshold(logits), [1, 1, 1, 0, 0, 0]);
    expectClose(softThreshold(scalar(1), { sharpness: Math.log(3) }), [0.75]);
  });

  test('votes become soft labels', () => {
    expectClose(
      softLabelsFromVotes(
        ndarray([
          [93, 7],
          [0, 0],
        ]),
      ),
      [0.93, 0.07, -1, -1],
    );
    expectClose(softLabelsFromVotes(ndarray([[93, 7]]), { smoothing: 1 }), [94 / 102, 8 / 102]);
    expectClose(softLabelsFromVotes(ndarray([93, 7]), { annotators: 100, smoothing: 1 }), [94 / 102, 8 / 102]);
    const annotators = ndarray([[4], [0]]);
    expectClose(
      softLabelsFromVotes(
        ndarray([
          [1, 3],
          [0, 0],
        ]),
        { annotators, missing: -9 },
      ),
      [0.25, 0.75, -9, -9],
    );
  });

  test('masks become soft labels', () => {
    const masks = ndarray([
      [1, 0, 255],
      [1, 255, 255],
      [0, 0, 255],
    ]);
    expectClose(softLabelsFromMasks(masks, { absentLabel: 255 }), [2 / 3, 0, -1]);
    expectClose(softLabelsFromMasks(masks, { absentLabel: 255, smoothing: 1 }), [3 / 5, 1 / 4, 1 / 2]);
    const maps = indices([
      [2, 0],
      [1, 0],
    ]);
    const labels = softLabelsFromMasks(maps, { classes: 3, annotatorAxis: -1 });
    expect(labels.shape).toEqual([2, 3]);
    expectClose(labels, [0.5, 0, 0.5, 0.5, 0.5, 0]);
  });

  test('schedules start, end and stay constant at the right steps', () => {
    const range = { from: 1, to: 16, steps: 4 };
    const at = (schedule: (step: number) => number) => [-1, 0, 2, 4, 9].map(schedule);
    expectClose(ndarray(at(linearSchedule(range))), [1, 1, 8.5, 16, 16]);
    expectClose(ndarray(at(exponentialSchedule(range))), [1, 1, 4, 16, 16]);
    expectClose(ndarray(at(cosineSchedule(range))), [1, 1, 8.5, 16, 16]);
    expect(cosineSchedule(range)(1)).toBeCloseTo(16 - 7.5 * (1 + Math.SQRT1_2));
  });
});

test('central differences give the gradient of softmax cross-entropy, which is p - t', () => {
  const labels = ndarray([[0.2, 0.3, 0.5]]);
  const logits = ndarray([[1, -1, 0.5]]);
  const expected = [...softOneHot(logits).data].map((p, c) => p - labels.data[c]!);
  expectClose(
    centralDifference((z) => crossEntropyLoss(labels, z), logits),
    expected,
    1e-9,
  );
  const one = centralDifference((z) => crossEntropyLoss(labels, z), logits, 1e-6, [1]);
  expect([...one.data].map(Number.isNaN)).toEqual([true, false, true]);
});

function entropy(t: number): number {
  return -t * Math.log(t);
}

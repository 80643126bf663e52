/**
 * The contract of the passes, src/kernels/contract.ts: values, gradients to predictions and to labels, and second
 * derivatives, on every backend with its fused kernels and with composed ones.
 */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { PASS_SUMS, sumSet, type PassAttributes } from '../../src/kernels/contract.js';
import { layoutOf } from '../../src/kernels/layout.js';
import { currentKernels } from '../../src/kernels/select.js';
import type { NdArray } from '../reference/index.js';
import { casesOf, pairwise, product } from '../support/combinations.js';
import { expectClose, expectFinite } from '../support/compare.js';
import {
  attributesOf,
  expectedGradient,
  expectedMap,
  expectedSums,
  inputsOf,
  makeProblem,
  plain,
  someNumbers,
  tensorInLayout,
  totalOfMap,
  totalOfSums,
  type LabelKind,
  type Place,
  type Problem,
  type Side,
  type Weights,
} from './problems.js';

declare const TEST_KERNELS: 'fused' | 'composed';
/** 'some' where a case takes seconds: on GPUs that are a processor. Every option is there all the same. */
declare const TEST_SIZES: 'all' | 'some';
/** 'pairwise' in the quick suite. */
declare const TEST_CASES: 'all' | 'pairwise';

/** The tolerance of values: composed ops add up float32, fused ones partly double. */
const valueTolerance = TEST_KERNELS === 'fused' ? 2e-6 : 1e-5;
const tolerance = 1e-5;
/** Second derivatives are composed everywhere, and those of the oracle are differences of differences. */
const secondTolerance = 5e-5;
/** So much noise is in the latter where they ought to be 0. */
const secondFloor = 1e-6;

const activations = ['softmax', 'sigmoid', 'none'] as const;
const labelKinds: LabelKind[] = ['float32', 'int32', 'bool', 'indices'];
const weightKinds: Weights[] = ['all pixels', 'a mask', 'weights'];
/** Around vectors of 4, 8 and 16 lanes, and where tiles become narrow. */
const classCounts = TEST_SIZES === 'all' ? [1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 49] : [1, 3, 49];
/** Around the rows of a tile, 16 and 64. */
const pixelCounts = TEST_SIZES === 'all' ? [1, 17, 65, 131] : [1, 17, 131];
const places: Place[] = ['last', 'first', 'between'];

/** Equal where the expected value is no NaN. */
function expectCloseWhereKnown(actual: tf.Tensor, expected: NdArray, tolerance: number, floor = 0): void {
  expect(actual.shape).toEqual(expected.shape);
  const known = [...expected.data.keys()].filter((i) => !Number.isNaN(expected.data[i]));
  const values = actual.dataSync();
  const only = (from: ArrayLike<number>) => ({
    shape: [known.length],
    data: Float64Array.from(known, (i) => from[i]!),
  });
  expect(known.length).toBeGreaterThan(0);
  const worst = known.reduce((most, i) => Math.max(most, Math.abs(values[i]! - expected.data[i]!)), 0);
  if (!(worst <= floor)) expectClose(only(values), only(expected.data), tolerance);
}

/** Everything that is promised for a problem. */
function expectContract(problem: Problem, { second = false } = {}): void {
  const { samples, pixels, classes, attributes, labelKind } = problem;
  const { sums, entropyMap } = currentKernels();
  const inputs = inputsOf(problem);
  const { labels, predictions } = inputs;
  const coefficients = someNumbers(classes, 5);
  const dySums = someNumbers(PASS_SUMS.length * samples * classes, 6);
  const dyMap = someNumbers(samples * pixels, 7);
  const passes = [
    {
      run: (t: tf.Tensor, z: tf.Tensor) => sums({ ...inputs, labels: t, predictions: z }, attributes, PASS_SUMS),
      expected: expectedSums(problem),
      dy: tf.tensor3d(dySums, [PASS_SUMS.length, samples, classes]),
      total: totalOfSums(problem, dySums),
    },
    {
      run: (t: tf.Tensor, z: tf.Tensor) =>
        entropyMap({ ...inputs, labels: t, predictions: z }, attributes, coefficients),
      expected: expectedMap(problem, coefficients),
      dy: tf.tensor2d(dyMap, [samples, pixels]),
      total: totalOfMap(problem, coefficients, dyMap),
    },
  ];
  const sides: Side[] = labelKind === 'float32' ? ['predictions', 'labels'] : ['predictions'];
  const direction = someNumbers(samples * pixels * classes, 8);
  const along = tensorInLayout(problem, direction);

  for (const { run, expected, dy, total } of passes) {
    expectClose(run(labels, predictions), expected, valueTolerance);
    const gradient = (side: Side, t: tf.Tensor, z: tf.Tensor) =>
      side === 'predictions' ? tf.grad((x) => run(t, x))(z, dy) : tf.grad((x) => run(x, z))(t, dy);
    for (const side of sides) {
      expectCloseWhereKnown(gradient(side, labels, predictions), expectedGradient(problem, total, side), tolerance);
      if (!second) continue;
      // tf.grad throws for what a result does not depend on, as the labels where a pass is linear in them.
      const slope = (t: tf.Tensor, z: tf.Tensor, x: tf.Tensor) =>
        tf.add(tf.sum(tf.mul(gradient(side, t, z), along)), tf.mul(tf.sum(x), 0));
      for (const by of sides) {
        const actual =
          by === 'predictions'
            ? tf.grad((x) => slope(labels, x, x))(predictions)
            : tf.grad((x) => slope(x, predictions, x))(labels);
        expectCloseWhereKnown(
          actual,
          expectedGradient(problem, total, by, { side, direction }),
          secondTolerance,
          secondFloor,
        );
      }
    }
  }
}

const cases = casesOf(
  product({
    activation: activations,
    labelKind: labelKinds,
    weights: weightKinds,
    classes: classCounts,
    pixels: pixelCounts,
  })
    // Softmax over one class is always 1, and is refused.
    .filter(({ activation, classes }) => classes > 1 || activation !== 'softmax')
    .map((one) => ({ ...one, place: places[(one.classes + pixelCounts.indexOf(one.pixels)) % places.length]! })),
  Object.values,
);

describe('kinds and sizes', () => {
  const name = '$activation, labels $labelKind, $weights, $classes classes, $pixels pixels, classes $place';
  test.each(cases)(name, ({ activation, labelKind, weights, classes, pixels, place }) => {
    const attributes = attributesOf(activation, classes);
    tf.tidy(() => {
      const problem = makeProblem({ samples: 2, pixels, classes, labelKind, weights, place, attributes });
      expectContract(problem, { second: pixels === (classes > 9 ? 1 : 17) });
    });
  });
});

describe('terms of the cross-entropy', () => {
  const entropies: [string, PassAttributes['activation'], PassAttributes['entropy']][] = [
    ['smoothed labels, softmax', 'softmax', { ...plain('categorical'), labelSmoothing: 0.2 }],
    ['less the entropy, softmax', 'softmax', { ...plain('categorical'), labelSmoothing: 0.1, subtractEntropy: true }],
    ['smoothed labels, sigmoid', 'sigmoid', { ...plain('binary'), labelSmoothing: 0.2 }],
    ['less the entropy, sigmoid', 'sigmoid', { ...plain('binary'), subtractEntropy: true }],
    ['weights of positives, sigmoid', 'sigmoid', { ...plain('binary'), posWeight: [3, 0.5, 0, 1, 2] }],
    [
      'categorical of given probabilities',
      'none',
      { ...plain('categorical'), labelSmoothing: 0.1, subtractEntropy: true },
    ],
    [
      'binary of given probabilities',
      'none',
      { ...plain('binary'), posWeight: [3, 0.5, 0, 1, 2], labelSmoothing: 0.1 },
    ],
    ['focal, softmax', 'softmax', { ...plain('categorical'), focal: { gamma: 2, alpha: null } }],
    [
      'focal of smoothed labels, softmax',
      'softmax',
      { ...plain('categorical'), labelSmoothing: 0.1, focal: { gamma: 1.2, alpha: null } },
    ],
    [
      'focal with balance, sigmoid',
      'sigmoid',
      { ...plain('binary'), posWeight: [3, 0.5, 0, 1, 2], focal: { gamma: 1.5, alpha: 0.25 } },
    ],
    ['focal of given probabilities', 'none', { ...plain('binary'), focal: { gamma: 1, alpha: 0.7 } }],
  ];
  // A page with webgpu on the processor ends after some hundred tests.
  const chosen = TEST_SIZES === 'all' ? casesOf : pairwise;
  const kinds = chosen(product({ term: entropies, labelKind: labelKinds, place: places }), ({ term, ...others }) => [
    term[0],
    ...Object.values(others),
  ]);
  test.each(kinds)(
    '$term.0, labels $labelKind, classes $place',
    ({ term: [, activation, entropy], labelKind, place }) => {
      tf.tidy(() => {
        const attributes = { activation, sharpness: activation === 'none' ? 1 : 0.7, entropy };
        const size = { samples: 3, pixels: 21, classes: 5 };
        expectContract(makeProblem({ ...size, labelKind, weights: 'weights', place, attributes }), { second: true });
      });
    },
  );
});

/** Sizes that a pass computes in pieces. Those after the third take long on GPUs that are a processor. */
const severalPieces = [
  [1, 4097, 3, 'last'],
  [3, 4096, 1, 'last'],
  [2, 300, 130, 'last'],
  [1, 8191, 3, 'first'],
  [2, 70, 1024, 'last'],
  [1, 67, 1024, 'first'],
  [1500, 3, 2, 'last'],
] as const;

describe('sizes that take several pieces', () => {
  const quickly = TEST_SIZES === 'some' && TEST_CASES === 'pairwise';
  test.each(severalPieces.slice(0, quickly ? 3 : undefined))(
    '%i samples, %i pixels, %i classes, classes %s',
    (samples, pixels, classes, place) => {
      const attributes = attributesOf(classes === 1 ? 'sigmoid' : 'softmax', classes);
      const kinds: LabelKind[] = classes > 100 ? ['indices'] : ['float32', 'indices'];
      for (const labelKind of kinds) {
        const problem = makeProblem({ samples, pixels, classes, labelKind, weights: 'weights', place, attributes });
        const inputs = inputsOf(problem);
        const sums = currentKernels().sums(inputs, attributes, PASS_SUMS);
        expectClose(sums, expectedSums(problem), valueTolerance);
        if (classes > 100) return;
        const dy = someNumbers(sums.size, 3);
        const gradient = tf.grad((z) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS));
        const expected = expectedGradient(problem, totalOfSums(problem, dy), 'predictions');
        expectCloseWhereKnown(gradient(inputs.predictions, tf.tensor(dy, sums.shape)), expected, tolerance);
      }
    },
  );

  test('the gradient of 1,024 classes is that of the softmax', () => {
    const attributes = attributesOf('softmax', 1024);
    const size = { samples: 1, pixels: 33, classes: 1024, labelKind: 'indices', weights: 'all pixels' } as const;
    const inputs = inputsOf(makeProblem({ ...size, place: 'last', attributes }));
    const loss = (z: tf.Tensor) =>
      currentKernels().sums({ ...inputs, predictions: z }, attributes, sumSet(['crossEntropy']));
    const { predictions, labels } = inputs;
    const t = tf.cast(tf.oneHot(labels as tf.Tensor2D, 1024), 'float32');
    expectClose(
      tf.grad((z) => tf.sum(loss(z)))(predictions),
      tf.mul(tf.sub(tf.softmax(tf.mul(predictions, 1.5)), t), 1.5),
      tolerance,
    );
  });
});

describe('extremes', () => {
  const rows: [string, number[]][] = [
    ['±1e4', [1e4, -1e4, 0]],
    ['all 1e4', [1e4, 1e4, 1e4]],
    ['all -1e4', [-1e4, -1e4, -1e4]],
    ['-Infinity on one class', [-Infinity, 1, 2]],
  ];
  const labelRows = [[1, 0, 0], [0, 1, 0], [0.2, 0.3, 0.5]]; // prettier-ignore
  describe.each(['softmax', 'sigmoid'] as const)('%s', (activation) => {
    test.each(rows)('logits of %s: finite sums and gradients, as in float64', (_, z) => {
      for (const t of labelRows) {
        const attributes = { ...attributesOf(activation, 3), sharpness: 1 };
        const problem: Problem = {
          samples: 1,
          pixels: 1,
          classes: 3,
          labelKind: 'float32',
          weights: 'all pixels',
          place: 'last',
          attributes,
          all: [[{ predictions: z, labels: t.map(Math.fround), weight: 1 }]],
          shape: [1, 1, 3],
          axis: 2,
        };
        const inputs = inputsOf(problem);
        const run = (z: tf.Tensor) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS);
        expectClose(run(inputs.predictions), expectedSums(problem), 1e-5);
        expectFinite(tf.grad((z) => tf.sum(run(z)))(inputs.predictions));
      }
    });
  });

  test.each(['softmax', 'sigmoid'] as const)('the largest floats are finite under %s', (activation) => {
    const attributes = { ...attributesOf(activation, 3), sharpness: 1 };
    const size = { samples: 1, pixels: 1, classes: 3, labelKind: 'float32', weights: 'all pixels' } as const;
    const inputs = inputsOf(makeProblem({ ...size, place: 'last', attributes }));
    const run = (z: tf.Tensor) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS);
    const z = tf.tensor([3e38, -3e38, 0], [1, 1, 3]);
    expectFinite(run(z));
    expectFinite(tf.grad((z) => tf.sum(run(z)))(z));
  });

  test('NaN and Inf where a pixel does not count meet nothing, and those that count go on', () => {
    const attributes = attributesOf('softmax', 3);
    const size = { samples: 1, pixels: 40, classes: 3, labelKind: 'float32', weights: 'a mask' } as const;
    for (const place of places) {
      const problem = makeProblem({ ...size, place, attributes });
      const masked = problem.all[0]!.findIndex(({ weight }) => weight === 0);
      const counted = problem.all[0]!.findIndex(({ weight }) => weight > 0);
      const expected = expectedSums(problem);
      const run = (broken: number, values: number[]) => {
        const all = problem.all.map((sample) =>
          sample.map((pixel, i) => (i === broken ? { ...pixel, predictions: values, labels: values } : pixel)),
        );
        const inputs = inputsOf({ ...problem, all });
        const sums = (z: tf.Tensor) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS);
        return { sums: sums(inputs.predictions), gradient: tf.grad((z) => tf.sum(sums(z)))(inputs.predictions) };
      };
      const ignored = run(masked, [NaN, Infinity, -Infinity]);
      expectClose(ignored.sums, expected, tolerance);
      expectFinite(ignored.gradient);
      const seen = run(counted, [NaN, 0, 0]).sums;
      expect([...seen.dataSync()].some(Number.isNaN)).toBe(true);
    }
  });

  test('sums over a million pixels keep the digits of float32', () => {
    const pixels = 1 << 20;
    const value = Math.fround(0.1);
    const p = tf.fill([1, pixels, 1], value);
    const layout = layoutOf([1, pixels, 1], 2);
    const inputs = { labels: p, labelKind: 'soft', predictions: p, weights: null, layout } as const;
    const sums = currentKernels()
      .sums(inputs, attributesOf('none', 1), sumSet(['intersection', 'predicted']))
      .dataSync();
    expect(Math.abs(sums[0]! / (value * value * pixels) - 1)).toBeLessThan(TEST_KERNELS === 'fused' ? 2e-7 : 1e-6);
    expect(Math.abs(sums[1]! / (value * pixels) - 1)).toBeLessThan(TEST_KERNELS === 'fused' ? 2e-7 : 1e-6);
  });
});

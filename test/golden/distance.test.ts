// Values and gradients of scipy and MONAI, recorded by distance.py.
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import golden from './distance.json' with { type: 'json' };

interface Input {
  shape: number[];
  dtype: 'int32' | 'float32';
  data: number[];
}

interface Case {
  library: 'scipy' | 'monai';
  ours: string;
  options: object;
  /** The call of the library. */
  call: string;
  /** The names of inputs. */
  labels: string;
  predictions: string | null;
  value: (number | string)[];
  gradient?: number[];
}

type Loss = (labels: tf.Tensor, predictions: tf.Tensor, options: object) => tf.Tensor;

const inputs = golden.inputs as Record<string, Input>;
const cases = golden.cases as Case[];

function input(name: string): tf.Tensor {
  const { shape, dtype, data } = inputs[name]!;
  return tf.tensor(data, shape, dtype);
}

/** The tensor as soft labels: ones and zeros, which a loss reads with a class axis even if there is one class. */
const floats = (name: string) => tf.cast(input(name), 'float32');

function expectValues(actual: tf.Tensor, expected: readonly (number | string)[], tolerance = 1e-5): void {
  const values = actual.dataSync();
  expect(values.length).toBe(expected.length);
  const numbers = expected.map(Number);
  const infinities = { nan: NaN, inf: Infinity };
  const largest = numbers.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  expected.forEach((text, i) => {
    if (typeof text === 'string') expect(values[i]).toBe(infinities[text as 'nan' | 'inf']);
    else expect(Math.abs(values[i]! - text)).toBeLessThanOrEqual(tolerance * largest);
  });
}

const named = (...names: string[]) =>
  cases
    .filter(({ ours }) => names.includes(ours))
    .map((each) => [`${each.ours} of ${each.labels} ${JSON.stringify(each.options)} is ${each.call}`, each] as const);

test('every recorded case is tested and has a value', () => {
  const tested = [DISTANCES, LOSSES, SKELETONS, SCORES].flatMap((list) => named(...list));
  expect(tested.length).toBe(cases.length);
  expect(cases.every(({ value }) => value.length > 0)).toBe(true);
});

const DISTANCES = ['distanceTransform', 'signedDistance'];
const LOSSES = ['boundaryLoss', 'hausdorffLoss', 'clDiceLoss', '0.75 diceLoss + 0.25 clDiceLoss'];
const SKELETONS = ['softSkeleton'];
const SCORES = ['hausdorffDistance', 'averageSurfaceDistance', 'normalizedSurfaceDice'];

describe(`distances equal those of scipy ${golden.versions.scipy}`, () => {
  test.each(named(...DISTANCES))('%s', (_, { ours, options, labels, value }) => {
    const map = ours === 'signedDistance' ? softseg.signedDistance : softseg.distanceTransform;
    // The recorded values were computed in float64 and rounded to float32.
    expectValues(map(input(labels), options), value, 1e-7);
  });
});

describe(`losses equal those of MONAI ${golden.versions.monai}, with scipy's distances`, () => {
  const ownLosses: Record<string, Loss> = {
    boundaryLoss: softseg.boundaryLoss,
    hausdorffLoss: softseg.hausdorffLoss,
    clDiceLoss: softseg.clDiceLoss,
    '0.75 diceLoss + 0.25 clDiceLoss': (labels, predictions, options) => {
      const dice = softseg.diceLoss(labels, predictions, { ...options, overlap: 'product', smooth: 1 });
      return tf.add(tf.mul(dice, 0.75), tf.mul(softseg.clDiceLoss(labels, predictions, options), 0.25));
    },
  };
  // Labels of some cases are not distributions over the classes, which MONAI does not mind.
  beforeEach(() => softseg.checkValues('never'));

  test.each(named(...LOSSES))('%s', (_, { ours, options, labels, predictions, value, gradient }) => {
    const loss = (z: tf.Tensor) => ownLosses[ours]!(floats(labels), z, options);
    const z = floats(predictions!);
    expectValues(loss(z), value);
    expectValues(tf.grad((x) => tf.sum(loss(x)))(z), gradient!);
  });
});

describe(`skeletons and their gradients, also with ties, equal those of MONAI ${golden.versions.monai}`, () => {
  test.each(named(...SKELETONS))('%s', (_, { options, labels, value, gradient }) => {
    const x = floats(labels);
    const skeleton = (values: tf.Tensor) => softseg.softSkeleton(values, options);
    expectValues(skeleton(x), value);
    const factors = tf.reshape(tf.range(1, x.size + 1), x.shape);
    expectValues(tf.grad((values) => tf.sum(tf.mul(skeleton(values), factors)))(x), gradient!);
  });
});

describe(`surface scores equal those of MONAI ${golden.versions.monai}`, () => {
  const scores: Record<string, Loss> = {
    hausdorffDistance: softseg.hausdorffDistance,
    averageSurfaceDistance: softseg.averageSurfaceDistance,
    normalizedSurfaceDice: softseg.normalizedSurfaceDice,
  };
  test.each(named(...SCORES))('%s', (_, { ours, options, labels, predictions, value }) => {
    const score = scores[ours]!(floats(labels), tf.cast(input(predictions!), 'bool'), options);
    // MONAI's percentile between two infinities is NaN; the last sample has no prediction of the last class.
    const hasPercentile = 'percentile' in options && value.length === 6;
    expectValues(score, hasPercentile ? [...value.slice(0, 5), 'inf'] : value);
  });
});

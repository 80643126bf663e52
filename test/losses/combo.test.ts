/** comboLoss with terms that have passes of their own. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import { comboLoss, signedDistance, type ComboTerm } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { descriptionNamed, valuesOf } from '../support/described.js';
import { randomArray, randomIndices, randomLogits } from '../support/random.js';

type AnyLoss = (labels: tf.Tensor, predictions: tf.Tensor, options?: object) => tf.Tensor;

const labels = () => toTensor(randomIndices([2, 5, 4], 1, 3));
const logits = () => toTensor(randomLogits([2, 5, 4, 3], 2));
const mask = () => tf.cast(tf.greater(toTensor(randomArray([2, 5, 4], 3, 0, 1)), 0.3), 'float32');

const TERMS: [ComboTerm, object][] = [
  ['unifiedFocal', { lambda: 0.3, delta: 0.7, smooth: 0.1 }],
  ['lovaszHinge', { aggregate: 'batch' }],
  ['lovaszSoftmax', { sharpness: 2 }],
  ['boundary', { spacing: [2, 1] }],
  ['hausdorff', { alpha: 1.5, spacing: 0.5 }],
  ['clDice', { iterations: 2, smooth: 0.5 }],
];

describe.each(TERMS)('%s', (term, own) => {
  const loss = softseg[`${term}Loss` as keyof typeof softseg] as AnyLoss;

  test('is added with its weight and its own options, in value and gradient', () => {
    const [t, z] = [labels(), logits()];
    const options = { mask: mask(), classWeights: [1, 2, 0.5] };
    const region = ['aggregate', 'smooth'].filter((name) => name in own);
    const ofDice = Object.fromEntries(Object.entries(own).filter(([name]) => [...region, 'sharpness'].includes(name)));
    const expected = (x: tf.Tensor) =>
      tf.add(
        tf.mul((softseg.diceLoss as AnyLoss)(t, x, { ...options, ...ofDice }), 2),
        tf.mul(loss(t, x, { ...options, ...own }), 0.25),
      );
    const actual = (x: tf.Tensor) => comboLoss(t, x, { ...options, ...own, weights: { dice: 2, [term]: 0.25 } });
    expectClose(actual(z), expected(z));
    expectClose(tf.grad(actual)(z), tf.grad(expected)(z));
  });

  test('gives one value per sample with reduction sample, and leaves no tensor', () => {
    const [t, z] = [labels(), logits()];
    const before = tf.memory().numTensors;
    const { aggregate: _, ...options } = own as { aggregate?: string };
    const value = comboLoss(t, z, { ...options, weights: { iou: 1, [term]: 1 }, reduction: 'sample' });
    expect(value.shape).toEqual([2]);
    value.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('boundary and hausdorff work together, with maps for one and a spacing for the other', () => {
  const [t, z] = [labels(), logits()];
  const distances = signedDistance(t, { classes: 3, spacing: 2 });
  const both = comboLoss(t, z, { weights: { boundary: 1, hausdorff: 1 }, distances, spacing: 2 });
  const apart = tf.add(softseg.boundaryLoss(t, z, { distances }), softseg.hausdorffLoss(t, z, { spacing: 2 }));
  expectClose(both, apart);
});

test.each([
  [{ iterations: 2 }, "option 'iterations' goes with the terms clDice; weights has iou, crossEntropy"],
  [
    { alpha: 1, weights: { tversky: 1, hausdorff: 1 } },
    "option 'alpha' means one thing to tversky and another to hausdorff: use terms, each with options of its own",
  ],
  [
    { weights: { crossEntropy: 1, boundary: 1 }, reduction: 'none' as const },
    "reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got crossEntropy, boundary",
  ],
])('%o is an error', (options, message) => {
  expect(() => comboLoss(labels(), logits(), options)).toThrow(`comboLoss: ${message}`);
});

/**
 * A valid value for each option of comboLoss with three exclusive classes: one that its rule allows, or one listed
 * here.
 */
const VALUES: Record<string, () => unknown> = {
  ...byRules(),
  activation: () => 'sigmoid',
  sharpness: () => 2,
  axis: () => -1,
  mask,
  ignoreLabel: () => 2,
  classWeights: () => [1, 2, 3],
  classes: () => [1],
  absent: () => 'smooth',
  aggregate: () => 'batch',
  overlap: () => 'product',
  smooth: () => 1,
  reduction: () => 'sum',
  squared: () => true,
  log: () => true,
  weighting: () => 'simple',
  alpha: () => 0.5,
  beta: () => 0.25,
  gamma: () => 0.5,
  labelSmoothing: () => 0.1,
  subtractEntropy: () => true,
  posWeight: () => 2,
  hardest: () => 0.5,
  lambda: () => 0.25,
  delta: () => 0.75,
  distances: () => toTensor(randomLogits([2, 5, 4, 3], 5)),
  spacing: () => 0.5,
  iterations: () => 1,
};

function byRules(): Record<string, () => unknown> {
  const rules = Object.entries(descriptionNamed('comboLoss').options).filter(([, rule]) => rule.kind !== 'other');
  return Object.fromEntries(rules.map(([option, rule]) => [option, () => valuesOf(rule)[0]]));
}

/** The option names that a function says it takes. */
function optionsOf(call: (options: object) => unknown): string[] {
  try {
    call({ unknown: 1 });
  } catch (error) {
    return (error as Error).message.split('it takes ')[1]!.split(', ');
  }
  throw new Error('no error');
}

const ALL_TERMS = tf.tidy(() =>
  optionsOf((weights) => comboLoss(tf.zeros([1, 2]), tf.zeros([1, 2]), { weights })),
) as ComboTerm[];

describe.each(ALL_TERMS)('comboLoss of %s alone', (term) => {
  const loss = softseg[`${term}Loss` as keyof typeof softseg] as AnyLoss;

  test('takes the options of that loss and no others, with the same value', () => {
    const [t, z] = [labels(), logits()];
    const known = optionsOf((options) => loss(t, z, options));
    const ofCombo = optionsOf((options) => comboLoss(t, z, options)).filter(
      (name) => !['weights', 'terms'].includes(name),
    );
    expect(Object.keys(VALUES).sort()).toEqual(ofCombo.sort());
    for (const [option, value] of Object.entries(VALUES)) {
      const options = { [option]: value() };
      const combo = () => comboLoss(t, z, { weights: { [term]: 1 }, ...options });
      let expected: tf.Tensor | null = null;
      try {
        expected = loss(t, z, options);
      } catch {
        expect(combo).toThrow(/^(comboLoss|[a-zA-Z]+Loss): /);
      }
      if (expected) expectClose(combo(), expected);
      if (!known.includes(option)) expect(expected).toBeNull();
    }
  });
});

describe('factors too large for float32', () => {
  test('are refused, alone and in products', () => {
    const [t, z] = [labels(), logits()];
    const calls: [object, string][] = [
      [{ weights: { iou: 1e308 } }, 'weights.iou must be at most 1000000000000000000 in size'],
      [{ classWeights: [1e300, 1, 1] }, 'classWeights[0] must be at most 1000000000000000000 in size'],
      [{ classWeights: [1e-40, 1, 1] }, 'classWeights[0] must be 0 or at least 1e-18'],
      [{ smooth: 1e39 }, 'smooth must be at most 1000000000000000000 in size'],
      [{ sharpness: 1e-50 }, 'sharpness must be at least 1e-18 above 0'],
      [
        { weights: { iou: 1e10 }, classWeights: [1e10, 1, 1] },
        'the product of weights.iou, classWeights and posWeight',
      ],
      [
        { weights: { binaryCrossEntropy: 1e10 }, posWeight: 1e10 },
        'the product of weights.binaryCrossEntropy, classWeights and posWeight must be at most 1000000000000000000',
      ],
    ];
    for (const [options, message] of calls) expect(() => comboLoss(t, z, options)).toThrow(`comboLoss: ${message}`);
    expect(() => softseg.binaryCrossEntropyLoss(t, z, { posWeight: 1e10, classWeights: [1, 1, 1e10] })).toThrow(
      'binaryCrossEntropyLoss: the product of posWeight and classWeights of class 2 must be at most',
    );
  });

  test('are refused, but those at the bound give finite losses and gradients', () => {
    const [t, z] = [labels(), toTensor(randomLogits([2, 5, 4, 3], 2))];
    for (const term of ALL_TERMS) {
      const loss = softseg[`${term}Loss` as keyof typeof softseg] as AnyLoss;
      const known = optionsOf((options) => loss(t, z, options));
      const each: [string, unknown][] = [
        ['sharpness', 1e18],
        ['sharpness', 1e-18],
        ['classWeights', [1e18, 1e18, 1e18]],
        ['classWeights', [1e-18, 1e-18, 1e-18]],
        ['smooth', 1e18],
        ['smooth', 1e-18],
        ['posWeight', 1e18],
        ['beta', 1e18],
        ['spacing', 1e18],
        ...(term === 'focal' ? [] : ([['alpha', 1e18]] as [string, unknown][])),
        ...(term === 'unifiedFocal' ? [] : ([['gamma', 1e18]] as [string, unknown][])),
      ];
      for (const [name, value] of each) {
        if (!known.includes(name)) continue;
        let result: tf.Tensor | undefined;
        try {
          result = loss(t, z, { [name]: value });
        } catch (error) {
          expect((error as Error).message).toMatch(/^[a-zA-Z]+: .*(float32|must be at most 1000000000000000000)/);
          continue;
        }
        const gradient = tf.grad((x) => loss(t, x, { [name]: value }))(z);
        const finite = [result, gradient].every((x) => x.dataSync().every(Number.isFinite));
        expect({ term, name, value, finite }).toEqual({ term, name, value, finite: true });
      }
    }
  });
});

describe('binaryCrossEntropy makes all terms read the predictions with sigmoid, together with', () => {
  /** Class 1 is absent in the second sample, which costs a different amount with each activation. */
  const absent = () => tf.where(tf.equal(sample(), 1), tf.zerosLike(labels()), labels());
  const sample = () =>
    tf.tensor(
      Array.from({ length: 40 }, (_, i) => Number(i >= 20)),
      [2, 5, 4],
      'int32',
    );
  const names = Object.entries(softseg)
    .filter(([, value]) => typeof value === 'function' && 'description' in value)
    .map(([name]) => name.replace(/Loss$/, ''))
    .filter((name) => name !== 'combo' && name !== 'binaryCrossEntropy' && name !== 'lovaszHinge');

  test.each(names)('%s', (name) => {
    const loss = softseg[`${name}Loss` as keyof typeof softseg] as AnyLoss;
    const [t, z] = [absent(), logits()];
    const expected = tf.add(loss(t, z, { activation: 'sigmoid' }), softseg.binaryCrossEntropyLoss(t, z));
    const terms = [{ loss: `${name}Loss` as `${ComboTerm}Loss` }, { loss: softseg.binaryCrossEntropyLoss }];
    expectClose(comboLoss(t, z, { weights: { [name]: 1, binaryCrossEntropy: 1 } }), expected);
    expectClose(comboLoss(t, z, { terms }), expected);
  });

  test('diceLoss, computed from a table', () => {
    const [t, z] = [absent(), logits()];
    const weights = { dice: 1, binaryCrossEntropy: 1 };
    const table = softseg.overlap(t, z, { activation: 'sigmoid' });
    expectClose(softseg.lossFromOverlap(comboLoss, table, { weights }), comboLoss(t, z, { weights }));
  });
});

describe('terms with options of their own', () => {
  const mine = softseg.defineLoss({
    name: 'mine',
    options: { power: { kind: 'number', default: 2, least: 0 }, hard: { kind: 'flag', default: false } },
    loss: (t, z, { power = 2 }) => tf.pow(softseg.diceLoss(t, z), power),
  });
  const dice = softseg.diceLoss;

  const OF_MINE = 'terms[1] (mine) has no option reduction';
  const largest = 1e18;

  test.each<[Parameters<typeof comboLoss>[2], string]>([
    [{ terms: [{ loss: mine }, { loss: dice, classWeights: [1] }] }, 'terms[1] (diceLoss): classWeights must be'],
    [
      { terms: [{ loss: dice, weight: largest, classWeights: [2, 1, 1] }] },
      'terms[0] (diceLoss): the product of weight, classWeights and posWeight must be at most',
    ],
    [{ terms: [{ loss: dice, smooth: -1 }] }, 'terms[0] (diceLoss): smooth must be a number >= 0, got -1'],
    [
      { terms: [{ loss: dice }, { loss: mine }], reduction: 'sample' },
      `reduction must be 'mean' or 'sum', got 'sample': ${OF_MINE}`,
    ],
    [
      { terms: [{ loss: dice }, { loss: mine }], reduction: 'none' },
      `reduction must be 'mean' or 'sum', got 'none': ${OF_MINE}`,
    ],
  ])('are named in errors: %#', (options, message) => {
    expect(() => comboLoss(labels(), logits(), options)).toThrow(`comboLoss: ${message}`);
  });

  test("follow the rules of a user's loss, which also hold without comboLoss", () => {
    const [t, z] = [labels(), logits()];
    const message = 'mine: power must be a number >= 0, got -1';
    expect(() => mine(t, z, { power: -1 })).toThrow(message);
    expect(() => comboLoss(t, z, { terms: [{ loss: mine, power: -1 }] })).toThrow(message);
    expect(() => mine(t, z, { hard: 1 as unknown as boolean })).toThrow('mine: hard must be true or false, got 1');
    expectClose(comboLoss(t, z, { terms: [{ loss: mine, power: 1, weight: 3 }] }), tf.mul(dice(t, z), 3));
  });
});

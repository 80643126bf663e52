/** comboLoss with `terms`, in which each loss has its own options, and losses defined by users. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import {
  comboLoss,
  defineLoss,
  defineRegionLoss,
  lossFromOverlap,
  overlap,
  type TermOptions,
} from '../../src/index.js';
import { currentKernels } from '../../src/kernels/select.js';
import { expectClose, toTensor } from '../support/compare.js';
import type { Loss } from '../support/oracle.js';
import { distanceLoss, agreementLoss } from '../support/ownLosses.js';
import { randomArray, randomDistribution, randomIndices, randomLogits } from '../support/random.js';

const SHAPE = [2, 5, 4, 3];
const soft = () => toTensor(randomDistribution(SHAPE, 1, 3));
const indices = () => toTensor(randomIndices([2, 5, 4], 1, 3));
const logits = () => toTensor(randomLogits(SHAPE, 2));
const mask = () => tf.cast(tf.greater(toTensor(randomArray([2, 5, 4], 3, 0, 1)), 0.3), 'float32');

interface Row {
  terms: TermOptions[];
  masked?: true;
  /** Options about the inputs, which all terms share. */
  shared?: object;
  hard?: boolean;
  /** The number of passes over the pixels that the value takes. */
  passes?: number;
}

const ROWS: Record<string, Row> = {
  'the loss of nnU-Net': {
    terms: [{ loss: softseg.diceLoss, classes: [1, 2], aggregate: 'batch' }, { loss: softseg.crossEntropyLoss }],
    passes: 1,
  },
  'names of losses': {
    terms: [
      { loss: 'diceLoss', squared: true },
      { loss: 'iouLoss', weight: 0.5 },
    ],
    passes: 1,
  },
  'one loss twice': {
    terms: [
      { loss: softseg.tverskyLoss, alpha: 0.3, beta: 0.7 },
      { loss: softseg.tverskyLoss, alpha: 0.7, beta: 0.3, weight: 2 },
    ],
    passes: 1,
  },
  'options of one name': {
    terms: [
      { loss: softseg.tverskyLoss, gamma: 1.5 },
      { loss: softseg.focalLoss, gamma: 1, weight: 0.5 },
    ],
  },
  'cross-entropies of two kinds': {
    terms: [
      { loss: softseg.crossEntropyLoss, labelSmoothing: 0.1 },
      { loss: softseg.crossEntropyLoss, weight: 0.5 },
      { loss: softseg.diceLoss },
    ],
    passes: 2,
  },
  'equal cross-entropies with other weights of classes': {
    terms: [
      { loss: softseg.crossEntropyLoss, classWeights: [1, 2, 3] },
      { loss: softseg.crossEntropyLoss, weight: 0.25, classes: [1] },
    ],
    passes: 1,
  },
  'the binary cross-entropy of classes that overlap': {
    terms: [
      { loss: softseg.binaryCrossEntropyLoss, posWeight: [1, 2, 3] },
      { loss: softseg.diceLoss, absent: 'smooth' },
    ],
    shared: { activation: 'sigmoid' },
    passes: 1,
  },
  'the hardest pixels': { terms: [{ loss: softseg.crossEntropyLoss, hardest: 0.5 }, { loss: softseg.diceLoss }] },
  'a hinge': {
    terms: [
      { loss: softseg.lovaszHingeLoss, classes: [1] },
      { loss: softseg.diceLoss, weight: 2 },
    ],
    shared: { activation: 'sigmoid' },
    hard: true,
  },
  'maps of distances': {
    terms: [{ loss: softseg.boundaryLoss, spacing: [1, 2], weight: 0.01 }, { loss: softseg.iouLoss }],
    hard: true,
  },
  'unified focal': { terms: [{ loss: softseg.unifiedFocalLoss, delta: 0.7 }, { loss: softseg.mccLoss }] },
  'a region loss of the user': {
    terms: [
      { loss: agreementLoss, share: 0.25, classes: [1, 2] },
      { loss: softseg.crossEntropyLoss, weight: 0.5 },
    ],
    passes: 1,
  },
  'any loss of the user': { terms: [{ loss: distanceLoss, power: 3, weight: 4 }, { loss: softseg.diceLoss }] },
  'a weight of 0': { terms: [{ loss: softseg.diceLoss, weight: 0 }, { loss: softseg.crossEntropyLoss }] },
  'inputs of their own': {
    terms: [{ loss: softseg.diceLoss }, { loss: softseg.crossEntropyLoss }],
    shared: { sharpness: 2 },
    masked: true,
    passes: 1,
  },
};

type AnyLoss = Loss & softseg.Described;

const lossOf = (given: unknown) => (typeof given === 'string' ? softseg[given as 'diceLoss'] : given) as AnyLoss;

/** Σ weight·loss, with a separate call for each loss. */
const sumOf =
  ({ terms }: Row, shared: object): Loss =>
  (t, z) =>
    tf.addN(
      terms.map(({ loss, weight = 1, ...own }) => {
        const f = lossOf(loss);
        const known = Object.entries(shared).filter(([name]) => name in f.description.options);
        return tf.mul(f(t, z, { ...Object.fromEntries(known), ...own }), weight);
      }),
    );

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

describe.each(Object.entries(ROWS))('comboLoss of %s', (_, row) => {
  const { terms, passes } = row;
  const shared = () => ({ ...row.shared, ...(row.masked && { mask: mask() }) });
  const labels = () => (row.hard ? tf.cast(tf.oneHot(indices(), 3), 'float32') : soft());

  test('is the weighted sum of the losses with their own options, in value and gradients', () => {
    const [t, z, options] = [labels(), logits(), shared()];
    const [combo, expected] = [
      (a: tf.Tensor, b: tf.Tensor) => comboLoss(a, b, { ...options, terms }),
      sumOf(row, options),
    ];
    expectClose(combo(t, z), expected(t, z));
    expectClose(tf.grad((x) => combo(t, x))(z), tf.grad((x) => expected(t, x))(z));
    if (row.hard) return;
    expectClose(tf.grad((x) => combo(x, z))(t), tf.grad((x) => expected(x, z))(t));
  });

  test('is also that sum with reduction sample, where no term adds up the batch', () => {
    if (terms.some(({ aggregate }) => aggregate === 'batch')) {
      expect(() => comboLoss(labels(), logits(), { ...shared(), terms, reduction: 'sample' })).toThrow(
        "comboLoss: terms[0] (diceLoss): reduction 'sample' needs aggregate 'image'",
      );
      return;
    }
    const [t, z, options] = [labels(), logits(), { ...shared(), reduction: 'sample' as const }];
    const value = comboLoss(t, z, { ...options, terms });
    expect(value.shape).toEqual([2]);
    expectClose(value, sumOf(row, options)(t, z));
  });

  test(`takes ${passes ?? 'some'} passes over the pixels, and leaves no tensor`, () => {
    const sums = jest.spyOn(currentKernels(), 'sumsInUnits');
    const entropies = jest.spyOn(currentKernels(), 'entropyMap');
    const [t, z, options] = [labels(), logits(), shared()];
    try {
      const before = tf.memory().numTensors;
      comboLoss(t, z, { ...options, terms }).dispose();
      expect(tf.memory().numTensors).toBe(before);
      if (passes !== undefined) expect(sums.mock.calls.length + entropies.mock.calls.length).toBe(passes);
      tf.grad((x) => comboLoss(t, x, { ...options, terms }))(z).dispose();
      expect(tf.memory().numTensors).toBe(before);
    } finally {
      sums.mockRestore();
      entropies.mockRestore();
    }
  });
});

describe('reduction none', () => {
  test('gives the sum of matrices if all terms give matrices', () => {
    const [t, z] = [soft(), logits()];
    const row: Row = {
      terms: [
        { loss: softseg.diceLoss, squared: true },
        { loss: agreementLoss, weight: 2 },
      ],
    };
    const value = comboLoss(t, z, { terms: row.terms, reduction: 'none' });
    expect(value.shape).toEqual([2, 3]);
    expectClose(value, sumOf(row, { reduction: 'none' })(t, z));
  });

  test('gives the sum of maps if all terms give maps', () => {
    const [t, z] = [soft(), logits()];
    const row: Row = { terms: [{ loss: softseg.crossEntropyLoss, labelSmoothing: 0.1 }, { loss: softseg.focalLoss }] };
    const value = comboLoss(t, z, { terms: row.terms, reduction: 'none' });
    expect(value.shape).toEqual([2, 5, 4]);
    expectClose(value, sumOf(row, { reduction: 'none' })(t, z));
  });
});

/** A loss whose value has a shape of its own. */
const mapLoss = defineLoss({ name: 'mapLoss', options: {}, loss: (t, z) => tf.sub(t, z) });

const dice = { loss: softseg.diceLoss };
const anyLoss = 'must be a loss of softseg, its name, or a loss made by defineLoss or defineRegionLoss, got';
const REFUSED: [object, string][] = [
  [{ terms: [] }, 'terms must be a list such as [{ loss: diceLoss }, { loss: crossEntropyLoss, weight: 0.5 }], got []'],
  [{ terms: 'diceLoss' }, 'terms must be a list such as'],
  [{ terms: { dice: 1 } }, 'terms must be a list such as'],
  [{ terms: [softseg.diceLoss] }, 'terms[0] must be an object such as { loss: diceLoss, weight: 0.5 }, got '],
  [{ terms: [dice, null] }, 'terms[1] must be an object such as { loss: diceLoss, weight: 0.5 }, got null'],
  [{ terms: [[dice]] }, 'terms[0] must be an object such as'],
  [{ terms: [{ weight: 1 }] }, `terms[0].loss ${anyLoss} undefined`],
  [{ terms: [{ loss: 'dice' }] }, `terms[0].loss ${anyLoss} "dice"`],
  [{ terms: [{ loss: 'comboLoss' }] }, `terms[0].loss ${anyLoss} "comboLoss"`],
  [{ terms: [{ loss: 'toStringLoss' }] }, `terms[0].loss ${anyLoss} "toStringLoss"`],
  [{ terms: [{ loss: (t: tf.Tensor) => t }] }, `terms[0].loss ${anyLoss} `],
  [{ terms: [dice, { ...dice, weight: -1 }] }, 'terms[1].weight must be a number >= 0, got -1'],
  [{ terms: [{ ...dice, weight: '1' }] }, 'terms[0].weight must be a number >= 0, got "1"'],
  [
    { terms: [{ ...dice, sharpness: 2 }] },
    'terms[0] (diceLoss): give sharpness next to terms: it is the same for all of them',
  ],
  [
    { terms: [{ ...dice, reduction: 'sum' }] },
    'terms[0] (diceLoss): give reduction next to terms: it is the same for all of them',
  ],
  [{ terms: [{ ...dice, gamma: 2 }] }, "terms[0] (diceLoss): unknown option 'gamma'; it takes classWeights, classes, "],
  [{ terms: [{ loss: agreementLoss, share: 2 }] }, 'terms[0] (agreementLoss): share must be a number in [0, 1], got 2'],
  [{ terms: [dice], weights: { dice: 1 } }, 'weights cannot be combined with terms: give each term its own weight'],
  [{ terms: [dice], classes: [1] }, 'with terms, give classes inside the terms that it is meant for'],
  [{ terms: [dice], squared: true }, 'with terms, give squared inside the terms that it is meant for'],
  [{ terms: [{ loss: mapLoss }] }, 'terms[0] (mapLoss) must give shape [], got [2,5,4,3]'],
  [
    { terms: [{ ...dice, weight: 1e10, classWeights: [1e10, 1, 1] }] },
    'terms[0] (diceLoss): the product of weight, classWeights and posWeight',
  ],
  [
    { terms: [dice, { loss: softseg.crossEntropyLoss }], reduction: 'none' },
    "reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got terms[0] (diceLoss), " +
      'terms[1] (crossEntropyLoss)',
  ],
  [{ weights: 3 }, 'weights must be an object such as { iou: 1, crossEntropy: 1 }, got 3'],
  [{ weights: [1] }, 'weights must be an object such as { iou: 1, crossEntropy: 1 }, got [1]'],
  [{ weights: { combo: 1 } }, "unknown term 'combo' in weights; it takes "],
  [{ nothing: 1 }, "unknown option 'nothing'; it takes "],
];

test.each(REFUSED)('comboLoss refuses %j', (options, message) => {
  const before = tf.memory().numTensors;
  const [t, z] = [soft(), logits()];
  expect(() => comboLoss(t, z, options)).toThrow(`comboLoss: ${message}`);
  tf.dispose([t, z]);
  expect(tf.memory().numTensors).toBe(before);
});

type FromOverlap = (loss: unknown, table: object, options?: object) => tf.Tensor;
const fromOverlap = lossFromOverlap as FromOverlap;

describe('lossFromOverlap', () => {
  const SUMS: [string, unknown, { activation?: 'sigmoid'; [option: string]: unknown }][] = [
    ['comboLoss', comboLoss, {}],
    ['comboLoss with weights', comboLoss, { weights: { dice: 1, tversky: 0.5 }, alpha: 0.3, aggregate: 'batch' }],
    [
      'comboLoss with terms',
      comboLoss,
      { terms: [{ loss: 'diceLoss', classes: [1, 2] }, { loss: 'crossEntropyLoss' }] },
    ],
    [
      'comboLoss with terms of the user',
      comboLoss,
      { terms: [{ loss: agreementLoss, share: 0.1 }, { loss: 'mccLoss' }] },
    ],
    ['binaryCrossEntropyLoss', softseg.binaryCrossEntropyLoss, { activation: 'sigmoid' }],
    [
      'binaryCrossEntropyLoss per sample',
      softseg.binaryCrossEntropyLoss,
      { activation: 'sigmoid', classWeights: [1, 2, 3], reduction: 'sample' },
    ],
    ['a region loss of the user', agreementLoss, { share: 0.3, reduction: 'none' }],
  ];

  test.each(SUMS)('of %s equals the loss itself', (_, loss, how) => {
    const [t, z, { activation }] = [soft(), logits(), how];
    const table = (x: tf.Tensor) => overlap(t, x, activation ? { activation } : {});
    const expected = (x: tf.Tensor) => (loss as Loss)(t, x, how);
    expectClose(fromOverlap(loss, table(z), how), expected(z));
    expectClose(tf.grad((x) => tf.sum(fromOverlap(loss, table(x), how)))(z), tf.grad((x) => tf.sum(expected(x)))(z));
    const known = table(z);
    const before = tf.memory().numTensors;
    fromOverlap(loss, known, how).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  const more = 'needs the pixels themselves with these options, not only sums, got';
  test.each<[string, unknown, object, string]>([
    ['no loss', 3, {}, 'loss must be a loss of softseg, or one made by defineRegionLoss, got 3'],
    ['a bare function', () => 0, {}, 'loss must be a loss of softseg, or one made by defineRegionLoss, got '],
    ['a loss of maps', softseg.boundaryLoss, {}, 'boundaryLoss needs the pixels themselves, not only sums'],
    ['any loss of the user', distanceLoss, {}, 'distanceLoss needs the pixels themselves, not only sums'],
    ['focalLoss', softseg.focalLoss, {}, `focalLoss ${more} {}`],
    ['the hardest', softseg.crossEntropyLoss, { hardest: 0.5 }, `crossEntropyLoss ${more} {"hardest":0.5}`],
    ['smoothed labels', softseg.crossEntropyLoss, { labelSmoothing: 0.1 }, `crossEntropyLoss ${more} `],
    [
      'weights of labels',
      softseg.binaryCrossEntropyLoss,
      { posWeight: 2, activation: 'sigmoid' },
      `binaryCrossEntropyLoss ${more} `,
    ],
    [
      'a term that needs more',
      comboLoss,
      { terms: [{ loss: 'diceLoss' }, { loss: 'focalLoss' }] },
      `comboLoss ${more} `,
    ],
    ['a term of maps', comboLoss, { weights: { dice: 1, boundary: 1 } }, `comboLoss ${more} `],
    ['options of pixels', softseg.diceLoss, { sharpness: 2 }, "unknown option 'sharpness'; it takes "],
    [
      'values of pixels',
      softseg.crossEntropyLoss,
      { reduction: 'none' },
      "reduction must be 'mean', 'sum' or 'sample', got 'none'",
    ],
    ['options that do not fit', softseg.diceLoss, { smooth: -1 }, 'smooth must be a number >= 0, got -1'],
  ])('refuses %s', (_, loss, options, message) => {
    const table = overlap(soft(), logits());
    expect(() => fromOverlap(loss, table, options)).toThrow(`lossFromOverlap: ${message}`);
  });
});

describe('definitions', () => {
  const loss = (t: tf.Tensor, z: tf.Tensor) => tf.mean(tf.sub(t, z));
  const value = () => 0;
  const own = { name: 'own', options: {} };
  type Define = (definition: unknown) => unknown;
  const [whole, region] = [defineLoss as Define, defineRegionLoss as Define];
  const kinds = "must be { kind: 'number' or 'flag' or 'choice' or 'other', ... }, got";

  test.each<[string, Define, unknown, string]>([
    ['no name', whole, { options: {}, loss }, 'defineLoss: name must be a string, got undefined'],
    ['an empty name', region, { name: '', options: {}, value }, 'defineRegionLoss: name must be a string, got ""'],
    ['no function', whole, own, 'defineLoss: loss must be a function, got undefined'],
    ['no formula', region, own, 'defineRegionLoss: value must be a function, got undefined'],
    [
      'another field',
      whole,
      { ...own, loss, value },
      "defineLoss: unknown option 'value'; it takes name, options, own, ",
    ],
    [
      'a field of the other',
      region,
      { ...own, value, loss },
      "defineRegionLoss: unknown option 'loss'; it takes name, ",
    ],
    ['no object', whole, 3, 'defineLoss: options must be an object, got 3'],
    [
      'no options',
      whole,
      { name: 'own', loss },
      'defineLoss: options must be an object with a rule for each option, got undefined',
    ],
    [
      'a list of options',
      region,
      { name: 'own', options: ['a'], value },
      'defineRegionLoss: options must be an object with a rule for each option, got ',
    ],
    [
      'a rule that is not an object',
      whole,
      { name: 'own', options: { a: 3 }, loss },
      `defineLoss: options.a ${kinds} {}`,
    ],
    [
      'an unknown kind',
      whole,
      { name: 'own', options: { a: { kind: 'integer' } }, loss },
      `defineLoss: options.a ${kinds} `,
    ],
    [
      'a number without least',
      whole,
      { name: 'own', options: { a: { kind: 'number', default: 1 } }, loss },
      'defineLoss: options.a.least must be a finite number, got undefined',
    ],
    [
      'a choice without values',
      whole,
      { name: 'own', options: { a: { kind: 'choice', values: 'ab' } }, loss },
      'defineLoss: options.a.values must be a list of strings, got "ab"',
    ],
    [
      'a choice of numbers',
      whole,
      { name: 'own', options: { a: { kind: 'choice', values: [1] } }, loss },
      'defineLoss: options.a.values must be a list of strings, got [1]',
    ],
    [
      'a range upside down',
      whole,
      { ...own, range: [1, 0], loss },
      'defineLoss: range must be [lowest, highest], got [1,0]',
    ],
    [
      'a range of one',
      region,
      { ...own, range: [1], value },
      'defineRegionLoss: range must be [lowest, highest], got [1]',
    ],
    [
      'an option of all region losses',
      region,
      { name: 'own', options: { smooth: { kind: 'flag', default: false } }, value },
      "defineRegionLoss: all region losses have the option 'smooth': give yours another name",
    ],
  ])('with %s are refused', (_, define, definition, message) => {
    expect(() => define(definition)).toThrow(message);
  });

  test('give losses whose descriptions hold the given values and the defaults', () => {
    expect(distanceLoss.name).toBe('distanceLoss');
    const { name, own: names, range, lowestAtLabels } = distanceLoss.description;
    expect([name, names, range, lowestAtLabels()]).toEqual([
      'distanceLoss',
      ['power', 'reduction'],
      [-Infinity, Infinity],
      false,
    ]);
    expect(agreementLoss.description.own).toEqual(['share']);
    expect(agreementLoss.description.range).toEqual([0, 1]);
    expect(Object.keys(agreementLoss.description.options)).toEqual(
      expect.arrayContaining(['share', 'classes', 'mask']),
    );
    expect(agreementLoss.description.lowestAtLabels()).toBe(true);
    expect(agreementLoss.description.lowestAtLabels({ overlap: 'product' } as never)).toBe(false);
  });

  test('give losses that refuse options without a rule, and results that are not tensors', () => {
    const [t, z] = [soft(), logits()];
    expect(() => distanceLoss(t, z, { gamma: 1 } as object)).toThrow(
      "distanceLoss: unknown option 'gamma'; it takes power, reduction",
    );
    expect(() => agreementLoss(t, z, { gamma: 1 } as object)).toThrow(
      "agreementLoss: unknown option 'gamma'; it takes ",
    );
    expect(() => agreementLoss(t, z, { share: -1 })).toThrow('agreementLoss: share must be a number in [0, 1], got -1');
    const none = defineLoss({ name: 'none', options: {}, loss: () => 0 as unknown as tf.Tensor });
    expect(() => none(t, z)).toThrow('none: the result of the loss must be a tf.Tensor, got 0');
  });

  test('give losses that check numbers, flags and choices by their rules', () => {
    expect(() => distanceLoss(soft(), logits(), { power: -1 })).toThrow(
      'distanceLoss: power must be a number >= 0, got -1',
    );
    const wrong = { reduction: 'most' } as object;
    expect(() => distanceLoss(soft(), logits(), wrong)).toThrow(
      "distanceLoss: reduction must be 'mean', 'sum', 'none', 'sample', got \"most\"",
    );
    const whole = defineLoss<{ count?: number; fast?: boolean }>({
      name: 'wholeLoss',
      options: {
        count: { kind: 'number', default: 1, least: 1, integer: true },
        fast: { kind: 'flag', default: false },
      },
      loss: (t) => tf.mean(t),
    });
    expect(() => whole(soft(), logits(), { count: 1.5 })).toThrow('wholeLoss: count must be an integer >= 1, got 1.5');
    expect(() => whole(soft(), logits(), { fast: 1 as never })).toThrow('wholeLoss: fast must be true or false, got 1');
  });
});

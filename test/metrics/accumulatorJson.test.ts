/**
 * The JSON of accumulators as a disk, or another person, gives it back. What was written is read back to the last bit;
 * anything else is an error that names fromJSON.
 */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { checkValues } from '../../src/index.js';
import * as metrics from '../../src/metrics/index.js';
import type { Accumulator, AccumulatorJson } from '../../src/metrics/index.js';
import { checkOf } from '../../src/metrics/accumulatorJson.js';
import { checkJson, type Json } from '../../src/training/saving/json.js';
import { HOSTILE } from '../checks/hostile.js';
import { damaged, wholeCorpus } from '../damage/damaged.js';
import { ndarray, type NdArray } from '../reference/index.js';
import type { Batch } from '../reference/metrics.js';
import * as support from './support.js';
import { images, update } from './support.js';

type Class = (new (options?: object) => Accumulator) & { fromJSON(json: unknown, own?: object): Accumulator };
type Kind = (typeof KINDS)[number];

const KINDS = [
  'MeanIou',
  'MeanDice',
  'MeanTversky',
  'MeanPrecision',
  'MeanRecall',
  'MeanBrier',
  'CalibrationError',
  'ConfusionMatrix',
] as const;
const classOf = (kind: Kind) => metrics[kind] as unknown as Class;
const means = KINDS.slice(0, 5);

const soft = (mask?: NdArray): Batch[] => images(support.soft(), support.logits(), mask);
const indices = (): Batch[] => images(support.someIndices(), support.logits());
const multilabel = (): Batch[] => images(support.multilabel(), support.logits());
const binary = (): Batch[] => images(support.binaryLabels(), support.binaryLogits());

/** Each kind of accumulator with options that together change everything it keeps, and data that suit them. */
const HISTORIES: [Kind, object, Batch[]][] = [
  ...means.flatMap((kind): [Kind, object, Batch[]][] => [
    [kind, {}, soft(support.mask())],
    [kind, { hard: true, aggregate: 'image', classes: [0, 1, 3], classWeights: [1, 2, 9, 0] }, indices()],
    [kind, { aggregate: 'class', overlap: 'product', activation: 'sigmoid', sharpness: 2 }, multilabel()],
    [kind, { hard: true, threshold: 0.3, absent: 'skip' }, binary()],
  ]),
  ['MeanTversky', { alpha: 1e9, beta: 0, aggregate: 'image' }, soft()],
  ['MeanBrier', {}, soft(support.mask())],
  ['MeanBrier', { classes: [1], activation: 'sigmoid', ignoreLabel: -1 }, multilabel()],
  ['CalibrationError', { bins: 3 }, soft(support.mask())],
  ['CalibrationError', { bins: 2, confidence: 'class', classes: [2, 0] }, soft()],
  ['CalibrationError', { bins: 4, axis: -1 }, binary()],
  ['ConfusionMatrix', {}, soft(support.mask())],
  ['ConfusionMatrix', { classNames: ['air', 'Wasser', '"\\\u00e9\u{1f30d}', ''] }, indices()],
  ['ConfusionMatrix', { threshold: 0.7, classCount: 2 }, binary()],
];

function seen([kind, options, batches]: (typeof HISTORIES)[number], count = 3): Accumulator {
  const accumulator = new (classOf(kind))(options);
  for (const batch of batches.slice(0, count)) update(accumulator, batch);
  return accumulator;
}

const named = HISTORIES.map((history) => [`${history[0]} ${JSON.stringify(history[1])}`, history] as const);

/** The accumulator that fromJSON makes of a text; null if it, or JSON.parse, refuses the text. */
function readBack(kind: Kind, text: string): Accumulator | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return null;
  }
  try {
    return classOf(kind).fromJSON(json);
  } catch (error) {
    expect((error as Error).message).toMatch(new RegExp(`^${kind}\\.fromJSON: `));
    return null;
  }
}

/**
 * The number of cases: the text does not depend on the backend, so one backend tries many cases and the others a few.
 */
const few = (many: number): number => (tf.getBackend() === 'cpu' ? many : 6);

describe.each(named)('%s', (_, history) => {
  const [kind, , batches] = history;

  test.each([0, 1, 3])('damage after %d batches is refused, or changes nothing', (count) => {
    const text = JSON.stringify(seen(history, count));
    expect(JSON.stringify(readBack(kind, text))).toBe(text);
    let refused = 0;
    for (const { what, bytes } of damaged(Buffer.from(text), { some: few(60) })) {
      const back = readBack(kind, Buffer.from(bytes).toString());
      if (back === null) refused++;
      else expect([what, JSON.stringify(back)]).toEqual([what, text]);
    }
    expect(refused).toBeGreaterThan(2 * few(60));
  });

  test('a changed digit is refused, unless the number is the same double', () => {
    const text = JSON.stringify(seen(history, 2));
    const digits = [...text.matchAll(/\d/g)].map(({ index }) => index);
    const refused: [number, number] = [0, 0];
    const step = wholeCorpus ? 1 : Math.ceil(digits.length / few(20));
    for (let k = 0; k < digits.length; k += step) {
      const at = digits[k]!;
      for (let digit = 0; digit < 10; digit++) {
        if (String(digit) === text[at]) continue;
        const changed = text.slice(0, at) + digit + text.slice(at + 1);
        const back = readBack(kind, changed);
        if (back !== null) expect([changed, JSON.stringify(back)]).toEqual([changed, text]);
        refused[back === null ? 1 : 0]++;
      }
    }
    // The last of seventeen digits can have several values for the same double.
    expect(refused[1]).toBeGreaterThan(2 * refused[0]);
  });

  test('continues from JSON without a difference in updates, merges and results', () => {
    const back = () => classOf(kind).fromJSON(JSON.parse(JSON.stringify(seen(history, 1))));
    const all = seen(history);
    const on = back();
    for (const batch of batches.slice(1)) update(on, batch);
    const other = seen([kind, history[1], batches.slice(1)]);
    for (const one of [on, back().merge(other), other.merge(back())]) {
      expect(JSON.stringify(one)).toBe(JSON.stringify(all));
      expect(one.result()).toEqual(all.result());
    }
  });

  test('accepts the object that toJSON gives, with options in another order, and shares no list with it', () => {
    const json = seen(history).toJSON();
    const options = Object.fromEntries(Object.entries(json.options).reverse());
    const back = classOf(kind).fromJSON({ ...json, options });
    expect(back.toJSON()).toEqual(json);
    for (const list of [...json.sums, ...Object.values(json.options)]) if (Array.isArray(list)) list.fill(7);
    expect(back.toJSON()).toEqual(seen(history).toJSON());
  });
});

test('sums of any size come back to the last bit', () => {
  const float = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(float, { maxLength: 12 }), fc.nat(12), (weights, cut) => {
      const sawn = (some: number[]): string => {
        const scores = new metrics.MeanBrier({ activation: 'none' });
        for (const weight of some) {
          const [t, p] = [ndarray([0], [1, 1, 1]), ndarray([0.7], [1, 1, 1])];
          update(scores, { labels: t, predictions: p, mask: ndarray([weight], [1, 1]) });
        }
        return JSON.stringify(scores);
      };
      const read = (text: string) => metrics.MeanBrier.fromJSON(JSON.parse(text) as AccumulatorJson);
      const [all, first, rest] = [weights, weights.slice(0, cut), weights.slice(cut)].map(sawn) as [
        string,
        string,
        string,
      ];
      expect(JSON.stringify(read(rest).merge(read(first)))).toBe(all);
      expect(JSON.stringify(read(all))).toBe(all);
    }),
    { numRuns: 200 },
  );
});

/** True if a check value can be computed for the change. */
function checkable(change: object): boolean {
  try {
    return JSON.stringify(change) !== '';
  } catch {
    return false;
  }
}

/** Reads JSON that was changed by hand and has the correct check value. */
function forged(history: (typeof HISTORIES)[number], change: object, count = 3): () => unknown {
  return () => {
    const json = { ...seen(history, count).toJSON(), ...change };
    return classOf(history[0]).fromJSON({ ...json, check: checkable(change) ? checkOf(json) : 0 });
  };
}

const iou: (typeof HISTORIES)[number] = ['MeanIou', {}, soft()];
const byImage: (typeof HISTORIES)[number] = ['MeanIou', { aggregate: 'image', classes: [0, 1] }, soft()];
const brier: (typeof HISTORIES)[number] = ['MeanBrier', {}, soft()];
const bins: (typeof HISTORIES)[number] = ['CalibrationError', { bins: 2 }, soft()];
const matrix: (typeof HISTORIES)[number] = ['ConfusionMatrix', {}, soft()];
/** The sums of a history with one of them replaced. */
const withSum = (history: (typeof HISTORIES)[number], i: number, sum: unknown) => {
  const { sums } = seen(history).toJSON();
  return { sums: sums.map((own, k) => (k === i ? sum : own)) };
};
const deep = () => {
  let list: unknown = [];
  for (let i = 0; i < 100_000; i++) list = [list];
  return list;
};
const classOption = { options: { classes: [0, 4] } };

describe('impossible JSON is refused although its check value is correct', () => {
  const CASES: [string, () => unknown, string][] = [
    [
      'classes beyond all memory',
      forged(iou, { classes: 1e9 }),
      'classes must be an integer in 1..1048576, got 1000000000',
    ],
    ['more classes than sums', forged(iou, { classes: 1e6 }), 'sums must be a list of 3000000 lists of numbers, got ['],
    ['classes of a matrix', forged(matrix, { classes: 4097 }), 'classes must be an integer in 2..4096, got 4097'],
    [
      'a single class of a matrix',
      forged(matrix, { classes: 1, sums: [[1]] }),
      'classes must be an integer >= 2, got 1',
    ],
    ['no class', forged(iou, { classes: 0, sums: [] }), 'classes must be an integer >= 1, got 0'],
    ['half a class', forged(iou, { classes: 4.5 }), 'classes must be an integer >= 1, got 4.5'],
    ['classes as text', forged(iou, { classes: '4' }), 'classes must be an integer >= 1, got "4"'],
    [
      'sums of null classes',
      forged(iou, { classes: null, samples: 0 }),
      'sums must be a list of 0 lists of numbers, got [',
    ],
    [
      'samples of null classes',
      forged(iou, { classes: null, sums: [] }),
      'samples must be 0 where classes is null, got 3',
    ],
    ['no samples', forged(iou, { samples: 0 }), 'samples must be an integer >= 1, got 0'],
    ['samples below 0', forged(iou, { samples: -3 }), 'samples must be an integer >= 1, got -3'],
    [
      'more samples than a double counts',
      forged(iou, { samples: 2 ** 53 }),
      'samples must be an integer >= 1, got 9007',
    ],
    ['a bigint', forged(iou, { samples: 3n }), 'samples must be an integer >= 1, got 3n'],
    ['a sum too few', forged(brier, { sums: [[1]] }), 'sums must be a list of 2 lists of numbers, got [[1]]'],
    ['deep lists', forged(brier, { sums: [[], []], options: { classes: deep() } }), 'option "classes" must be'],
    ['an option of null', forged(iou, { options: { hard: null } }), 'option "hard" must be a plain value or a list of'],
    [
      'an unknown option',
      forged(iou, { options: { smooth: 1 } }),
      "the options do not fit: MeanIou: unknown option 'smooth'",
    ],
    [
      'a wrong option',
      forged(iou, { options: { aggregate: 'all' } }),
      `the options do not fit: MeanIou: aggregate must be`,
    ],
    [
      'an inherited option',
      forged(iou, { options: JSON.parse('{"__proto__":1}') as object }),
      `unknown option '__proto__'`,
    ],
    [
      'an activation',
      forged(iou, { options: { activation: 'relu' } }),
      `activation must be 'softmax', 'sigmoid', 'none'`,
    ],
    ['a sharpness', forged(iou, { options: { sharpness: -1 } }), 'sharpness must be a number > 0, got -1'],
    ['an axis', forged(iou, { options: { axis: 0 } }), 'axis must be an integer other than 0, got 0'],
    ['an ignoreLabel', forged(iou, { options: { ignoreLabel: '1' } }), 'ignoreLabel must be a finite number, got "1"'],
    [
      'a threshold',
      forged(iou, { options: { hard: true, threshold: 0.5 } }),
      'threshold is for classes that may overlap',
    ],
    [
      'a class too many',
      forged(iou, classOption),
      `classes must be 'all' or a list of different class indices in 0..3`,
    ],
    ['a class of MeanBrier', forged(brier, classOption), `classes must be 'all' or a list of different class indices`],
    [
      'weights',
      forged(iou, { options: { classWeights: [1] } }),
      'classWeights must be a list of 4 numbers, one per class',
    ],
    ['class names', forged(matrix, { options: { classNames: ['a', 'b'] } }), 'expects 2 classes, got 4'],
    [
      'a threshold of a matrix',
      forged(matrix, { options: { threshold: 0.5 } }),
      'threshold goes with one class, got 0.5',
    ],
    [
      'top of one',
      forged(['CalibrationError', {}, binary()], { options: { confidence: 'top' } }),
      `confidence 'top' is for`,
    ],
    [
      'bins',
      forged(bins, { options: { bins: 1e9 } }),
      'the options do not fit: CalibrationError: bins must be an integer in',
    ],
    ['other bins', forged(bins, { options: { bins: 3 } }), 'sums must be a list of 9 lists of numbers, got ['],
    [
      'a sum below 0',
      forged(brier, withSum(brier, 0, [-1])),
      "sums[0], the squared errors, must lie in [0, 240], unless checkValues('never') allows other values, got -1",
    ],
    ['errors', forged(brier, withSum(brier, 0, [999])), 'sums[0], the squared errors, must lie in [0, 240], unless'],
    ['a weight below 0', forged(brier, { sums: [[], [-1]] }), 'sums[1], the weight of all pixels, must be >= 0'],
    ['a label sum', forged(iou, withSum(iou, 5, [-9])), 'sums[5] must be >= 0'],
    ['an intersection', forged(iou, withSum(iou, 9, [99])), 'sums[9], the intersection of class 1, must lie in [0, '],
    ['a bin', forged(bins, withSum(bins, 1, [99])), 'sums[1], the labels of bin 0, must lie in [0, '],
    ['a confidence', forged(bins, withSum(bins, 3, [])), 'sums[3], the confidence of bin 1, must lie in ['],
    ['a cell', forged(matrix, withSum(matrix, 6, [-1])), 'sums[6], a cell of the matrix, must be >= 0'],
    [
      'a count',
      forged(byImage, withSum(byImage, 4, [2.5])),
      'sums[4], which counts samples, must be a whole number in 0..3',
    ],
    [
      'counts',
      forged(byImage, withSum(byImage, 5, [4])),
      'sums[5], which counts samples, must be a whole number in 0..3',
    ],
    [
      'a class left out',
      forged(byImage, withSum(byImage, 6, [1])),
      'sums[6], which counts samples, must be a whole number in 0..0',
    ],
    [
      'the count of all',
      forged(byImage, withSum(byImage, 9, [2])),
      'sums[9], which counts samples, must be a whole number in 3..3',
    ],
    ['a score', forged(byImage, withSum(byImage, 8, [3.5])), 'sums[8] must lie in [0, 3]'],
    ['a score of none', forged(byImage, withSum(byImage, 2, [0.5])), 'sums[2] must be 0, because no sample counts'],
    ...(
      [
        ['Infinity', [Infinity]],
        ['NaN', [NaN]],
        ['null', [null]],
        ['text', ['1']],
        ['a bigint', [Object(1n)]],
        ['a typed array', Float64Array.of(1)],
        ['a number without a list', 1],
        ['a hole', new Array<number>(1)],
        ['0, which has no parts', [0]],
        ['parts that overlap', [1, 1]],
        ['parts in another order', [1e-30, 1]],
        ['more than float32 adds up to', [1e40]],
        ['more parts than there are', Array.from({ length: 41 }, (_, i) => 0.5 ** (53 * i))],
        ['a list that is deep', deep()],
      ] as [string, unknown][]
    ).map(([what, sum]): [string, () => unknown, string] => [
      `a sum that is ${what}`,
      forged(brier, withSum(brier, 1, sum)),
      'sums[1] must be a list of finite numbers that do not overlap, the largest first, as toJSON writes a sum, got ',
    ]),
  ];

  test.each(CASES)('%s', (_, run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(/^\w+\.fromJSON: /);
  });
});

describe('values that are not JSON are refused', () => {
  const json = () => seen(brier).toJSON();
  const read = (value: unknown) => metrics.MeanBrier.fromJSON(value as AccumulatorJson);
  const places: [string, (value: unknown) => unknown][] = [
    ['in place of all of it', (value) => value],
    ...['kind', 'version', 'options', 'classes', 'samples', 'sums', 'check', 'toJSON', '__proto__'].map(
      (field): (typeof places)[number] => [
        `as ${field}`,
        (value) => Object.defineProperty({ ...json() }, field, { value, enumerable: true }),
      ],
    ),
    ['as an option', (value) => ({ ...json(), options: { classes: value } })],
    ['in an option', (value) => ({ ...json(), options: { classes: [0, value] } })],
    ['as a sum', (value) => ({ ...json(), sums: [json().sums[0], value] })],
    ['in a sum', (value) => ({ ...json(), sums: [json().sums[0], [240, value]] })],
  ];

  test.each(places)('%s', (where, place) => {
    for (const [what, value] of HOSTILE) {
      const given = place(value());
      // These hold no options, and the accumulator has none either.
      const same = where === 'as options' && /without a prototype|data view|date|map/.test(what);
      if (same) expect(read(given).toJSON()).toEqual(json());
      else expect(() => read(given)).toThrow(/^MeanBrier\.fromJSON: /);
    }
  });

  test.each<[string, () => unknown, RegExp]>([
    ['the text', () => read(JSON.stringify(json())), /^MeanBrier\.fromJSON: .* got a string: pass JSON\.parse\(text\)/],
    ['an older version', () => read({ ...json(), version: 1 }), /^MeanBrier\.fromJSON: .* got version 1 of an older/],
    [
      'a method without its class',
      () => [json()].map(metrics.MeanBrier.fromJSON as () => unknown),
      /^fromJSON: is called as MeanIou\.fromJSON\(json\); as a function, pass \(json\) =>/,
    ],
  ])('%s, with advice', (_, call, message) => {
    expect(call).toThrow(message);
  });

  test('in place of a missing field', () => {
    for (const field of Object.keys(json())) {
      const { [field]: _, ...rest } = json() as Record<string, unknown>;
      expect(() => read(rest)).toThrow(/^MeanBrier\.fromJSON: /);
    }
  });

  test('unless they are read once: later answers of a proxy do not matter', () => {
    let reads = 0;
    const changing = (first: unknown, then: unknown) => (reads++ === 0 ? first : then);
    const { sums, samples } = json();
    const getter = Object.defineProperty(json(), 'samples', { get: () => changing(samples, 1e9), enumerable: true });
    expect(read(getter).samples).toBe(3);
    reads = 0;
    const list = new Proxy(sums[1]!, { get: (own, key) => (key === 'length' ? changing(1, 2 ** 32 - 1) : own[0]) });
    expect(read({ ...json(), sums: [sums[0], list] }).toJSON()).toEqual(json());
  });

  test('as an activation that is not a function', () => {
    const lost = new metrics.MeanIou({ activation: (z) => tf.softmax(z) }).toJSON();
    for (const activation of ['softmax', null, {}]) {
      expect(() => metrics.MeanIou.fromJSON(lost, { activation: activation as never })).toThrow(
        /^MeanIou\.fromJSON: activation must /,
      );
    }
  });
});

describe('an accumulator read from JSON counts only as far as doubles are exact', () => {
  const many = () => forged(brier, { samples: Number.MAX_SAFE_INTEGER - 2 })() as metrics.MeanBrier;

  test('by update and by merge', () => {
    const all = many();
    const before = JSON.stringify(all);
    const message = 'has seen 9007199254740989 samples, too many to count 3 more';
    expect(() => all.merge(seen(brier) as metrics.MeanBrier)).toThrow(`MeanBrier.merge: ${message}`);
    const [labels, predictions] = [support.soft(), support.logits()];
    expect(() => update(all, { labels, predictions })).toThrow(`MeanBrier.update: ${message}`);
    expect(JSON.stringify(all)).toBe(before);
    update(all, brier[2][0]!);
    expect(all.samples).toBe(Number.MAX_SAFE_INTEGER - 1);
  });

  test('without overflow of the largest sums', () => {
    const largest = Number.MAX_SAFE_INTEGER * 2 ** 127;
    const full = () => forged(brier, { samples: 2 ** 52, sums: [[], [largest / 2]] })() as metrics.MeanBrier;
    expect(
      full()
        .merge(forged(brier, { sums: [[], [2 ** 128]] })() as never)
        .result(),
    ).toBe(0);
    expect(() => forged(brier, { samples: 1, sums: [[], [2 ** 129]] })()).toThrow('sums[1] must be a list of finite');
  });
});

test('sums that only unchecked values can give are read back while values are not checked', () => {
  const options = { activation: 'none' } as const;
  checkValues('never');
  const scores = new metrics.MeanIou(options).update(tf.tensor([[[-3]]]), tf.tensor([[[2]]]));
  const json = JSON.parse(JSON.stringify(scores)) as AccumulatorJson;
  expect(metrics.MeanIou.fromJSON(json).toJSON()).toEqual(json);
  checkValues('first');
  expect(() => metrics.MeanIou.fromJSON(json)).toThrow('sums[1] must be >= 0, unless');
});

test('options that JSON cannot keep are refused by toJSON', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  for (const classWeights of [circular, Float32Array.of(1), [1n], [NaN], null]) {
    const scores = new metrics.MeanIou();
    Object.assign(scores['options'], { classWeights });
    expect(() => JSON.stringify(scores)).toThrow(
      'MeanIou.toJSON: option "classWeights" must be a plain value or a list',
    );
  }
});

test('a matrix of too many classes is refused before it is computed', () => {
  expect(() => new metrics.ConfusionMatrix().update(tf.zeros([1, 1], 'int32'), tf.zeros([1, 1, 4097]))).toThrow(
    'ConfusionMatrix.update: the number of classes must be an integer in 2..4096, got 4097',
  );
});

test('unset options are left out, so a checkpoint can hold the data as plain JSON', () => {
  const state: { scores: AccumulatorJson } = {
    scores: new metrics.MeanIou({ hard: true, activation: undefined, classes: [0] } as object).toJSON(),
  };
  checkJson('state', state satisfies Json);
  expect(metrics.MeanIou.fromJSON(state.scores).toJSON()).toEqual(state.scores);
});

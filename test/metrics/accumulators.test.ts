/** Scores over a data set: they equal the oracle, and do not depend on how the data set is divided. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import {
  CalibrationError,
  ConfusionMatrix,
  MeanBrier,
  MeanIou,
  MeanPrecision,
  MeanTversky,
  type Accumulator,
  type AccumulatorJson,
} from '../../src/metrics/index.js';
import * as oracle from '../reference/metrics.js';
import type { NdArray } from '../reference/index.js';
import { toTensor } from '../support/compare.js';
import * as support from './support.js';
import { images, meanOf, PROBLEMS, scoreFunction, SCORES, update } from './support.js';

/** Checks that numbers are close, and NaN where NaN is expected. */
function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.map(Number.isNaN)).toEqual(expected.map(Number.isNaN));
  actual.forEach((value, i) => Number.isNaN(value) || expect(value).toBeCloseTo(expected[i]!, 5));
}

const weights = { alpha: 0.3, beta: 0.8 };

describe.each(SCORES)('the mean %s', (name) => {
  const own = name === 'tversky' ? weights : {};

  test.each(PROBLEMS)('equals the oracle on %s', (_, labels, predictions, { mask, ...options }) => {
    for (const aggregate of ['dataset', 'image', 'class'] as const) {
      const all = { ...options, ...own, aggregate };
      const whole = { labels, predictions, ...(mask && { mask }) };
      const accumulator = new (meanOf(name))(all);
      update(accumulator, whole);
      const { mean, perClass } = oracle.meanScore(name, [whole], all);
      expect(accumulator.result()).toBeCloseTo(mean, 5);
      expectNear(accumulator.perClass(), perClass);
    }
  });
});

describe('the forms of the mean IoU', () => {
  const options = { hard: true };
  const data = { labels: support.someIndices(), predictions: support.logits() };

  test('by data set, by image and by class are three different numbers', () => {
    const results = (['dataset', 'image', 'class'] as const).map((aggregate) => {
      const scores = new MeanIou({ ...options, aggregate });
      update(scores, data);
      return scores.result();
    });
    expect(new Set(results.map((value) => value.toFixed(4))).size).toBe(3);
  });

  test('by image and by data set equal those of the function on one batch', () => {
    const [t, z] = [toTensor(data.labels), toTensor(data.predictions)];
    for (const name of SCORES) {
      for (const hard of [true, false]) {
        const byImage = new (meanOf(name))({ hard, aggregate: 'image' });
        const byDataset = new (meanOf(name))({ hard });
        byImage.update(t, z);
        byDataset.update(t, z);
        expect(byImage.result()).toBeCloseTo(scoreFunction(name)(t, z, { hard }).dataSync()[0]!, 6);
        const batch = scoreFunction(name)(t, z, { hard, aggregate: 'batch' });
        expect(byDataset.result()).toBeCloseTo(batch.dataSync()[0]!, 6);
      }
    }
  });

  test('count only the second of two exclusive classes, and 1 where it is absent, as Wang et al. do', () => {
    const scores = new MeanIou({ hard: true, aggregate: 'image', classes: [1], absent: 'count' });
    const right = tf.tensor([
      [
        [1, 0],
        [1, 0],
      ],
    ]);
    scores.update(tf.zeros([1, 2], 'int32'), right); // the class is absent
    scores.update(
      tf.zeros([1, 2], 'int32'),
      tf.tensor([
        [
          [1, 0],
          [0, 1],
        ],
      ]),
    ); // the class is predicted, but not labelled
    scores.update(
      tf.tensor([[0, 1]], [1, 2], 'int32'),
      tf.tensor([
        [
          [0, 1],
          [0, 1],
        ],
      ]),
    ); // one of two pixels
    expect(scores.result()).toBeCloseTo((1 + 0 + 0.5) / 3, 12);
  });
});

describe('MeanBrier, CalibrationError and ConfusionMatrix', () => {
  const data = { labels: support.soft(), predictions: support.logits(), mask: support.mask() };

  test('equal the oracle', () => {
    const brier = new MeanBrier();
    const top = new CalibrationError({ bins: 6 });
    const perClass = new CalibrationError({ bins: 6, confidence: 'class' });
    const matrix = new ConfusionMatrix();
    for (const scores of [brier, top, perClass, matrix]) for (const each of cut(data)) update(scores, each);
    const { labels, predictions, mask } = data;
    expect(brier.result()).toBeCloseTo(oracle.brierScore(labels, predictions, { mask }).data[0]!, 6);
    const error = (confidence: 'top' | 'class') =>
      oracle.expectedCalibrationError(labels, predictions, { mask, bins: 6, confidence }).data[0]!;
    expect(top.result()).toBeCloseTo(error('top'), 6);
    expect(perClass.result()).toBeCloseTo(error('class'), 6);
    expectNear(matrix.counts().flat(), oracle.confusionMatrix([data]).flat());
  });

  test('give the bins of a reliability diagram', () => {
    const scores = new CalibrationError({ activation: 'none', bins: 4 });
    scores.update(tf.tensor([[[0.1], [0.2], [0.9]]]), tf.tensor([[[0.25], [0.375], [1]]]), {
      mask: tf.tensor([[1, 3, 2]]),
    });
    const [bins] = scores.reliability();
    expect(bins!.map(({ weight }) => weight)).toEqual([0, 4, 0, 2]);
    expect(bins![0]).toEqual({ confidence: 0, label: 0, weight: 0 });
    expect(bins![1]!.confidence).toBeCloseTo((0.25 + 3 * 0.375) / 4, 6);
    expect(bins![1]!.label).toBeCloseTo((0.1 + 3 * 0.2) / 4, 6);
    expect(bins![3]!.confidence).toBe(1);
  });
});

function cut({ labels, predictions, mask }: { labels: NdArray; predictions: NdArray; mask?: NdArray }) {
  return images(labels, predictions, mask);
}

/** Every accumulator, with data that suit it. */
const EVERY: [string, () => Accumulator, { labels: NdArray; predictions: NdArray; mask?: NdArray }][] = [
  ...SCORES.flatMap((name) =>
    (['dataset', 'image', 'class'] as const).map((aggregate): (typeof EVERY)[number] => [
      `the mean ${name} by ${aggregate}`,
      () => new (meanOf(name))({ aggregate }),
      { labels: support.soft(), predictions: support.logits(), mask: support.mask() },
    ]),
  ),
  [
    'the mean IoU of hard predictions',
    () => new MeanIou({ hard: true }),
    { labels: support.someIndices(), predictions: support.logits() },
  ],
  ['MeanBrier', () => new MeanBrier(), { labels: support.soft(), predictions: support.logits() }],
  [
    'CalibrationError',
    () => new CalibrationError({ bins: 5 }),
    { labels: support.soft(), predictions: support.logits(), mask: support.mask() },
  ],
  [
    'CalibrationError per class',
    () => new CalibrationError({ bins: 5, confidence: 'class' }),
    { labels: support.soft(), predictions: support.logits() },
  ],
  ['ConfusionMatrix', () => new ConfusionMatrix(), { labels: support.soft(), predictions: support.logits() }],
  [
    'ConfusionMatrix of one class',
    () => new ConfusionMatrix(),
    { labels: support.binaryLabels(), predictions: support.binaryLogits() },
  ],
];

/** Everything that an accumulator holds, to the last bit. */
const state = (accumulator: Accumulator) => JSON.stringify(accumulator);

describe.each(EVERY)('%s', (_, make, data) => {
  const pieces = cut(data);
  const seen = (...batches: typeof pieces) => {
    const accumulator = make();
    for (const batch of batches) update(accumulator, batch);
    return accumulator;
  };

  test('is the same, bit for bit, for any order of the samples', () => {
    const [a, b, c] = pieces as [(typeof pieces)[0], (typeof pieces)[0], (typeof pieces)[0]];
    const expected = state(seen(a, b, c));
    for (const order of [
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ]) {
      expect(state(seen(...order))).toBe(expected);
    }
  });

  test('is the same, bit for bit, when merged from accumulators of parts', () => {
    const [a, b, c] = pieces as [(typeof pieces)[0], (typeof pieces)[0], (typeof pieces)[0]];
    const expected = state(seen(a, b, c));
    expect(state(seen(a, b).merge(seen(c)))).toBe(expected);
    expect(state(seen(c).merge(seen(a)).merge(seen(b)))).toBe(expected);
    expect(state(make().merge(seen(a, b, c)))).toBe(expected);
    expect(state(seen(a, b, c).merge(make()))).toBe(expected);
  });

  test('is the same for one batch as for its samples', () => {
    const [whole, parts] = [seen(data), seen(...pieces)];
    expect(whole.samples).toBe(3);
    expect(parts.samples).toBe(3);
    const sums = (accumulator: Accumulator) => accumulator.toJSON().sums.map((sum) => sum.reduce((a, b) => a + b, 0));
    const [all, added] = [sums(whole), sums(parts)];
    all.forEach((sum, i) => expect(Math.abs(sum - added[i]!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(sum))));
  });

  test('continues after JSON, bit for bit', () => {
    const [a, ...rest] = pieces as [(typeof pieces)[0]];
    const { fromJSON } = make().constructor as unknown as { fromJSON(json: unknown): Accumulator };
    const back = fromJSON.call(make().constructor, JSON.parse(state(seen(a))));
    expect(back.constructor).toBe(make().constructor);
    expect(back.result()).toEqual(seen(a).result());
    for (const each of rest) update(back, each);
    expect(state(back)).toBe(state(seen(...pieces)));
    expect(state(fromJSON.call(make().constructor, JSON.parse(state(make()))))).toBe(state(make()));
  });

  test('does not change the accumulator it merges, and can be merged with itself', () => {
    const other = seen(...pieces);
    const before = state(other);
    make().merge(other);
    expect(state(other)).toBe(before);
    expect(state(other.merge(other))).toBe(state(seen(...pieces, ...pieces)));
  });

  test('gives the same with updateAsync as with update', async () => {
    const accumulator = make();
    for (const { labels, predictions, mask } of pieces) {
      const tensors = [toTensor(labels), toTensor(predictions)] as const;
      await accumulator.updateAsync(...tensors, mask ? { mask: toTensor(mask) } : {});
    }
    expect(state(accumulator)).toBe(state(seen(...pieces)));
  });

  test('reads nothing synchronously in updateAsync, as WebGPU needs', async () => {
    const { labels, predictions } = pieces[0]!;
    const tensors = [toTensor(labels), toTensor(predictions)] as const;
    const accumulator = make();
    const { dataSync } = tf.Tensor.prototype;
    tf.Tensor.prototype.dataSync = () => {
      throw new Error('read at once');
    };
    try {
      await accumulator.updateAsync(...tensors);
    } finally {
      tf.Tensor.prototype.dataSync = dataSync;
    }
    expect(accumulator.samples).toBe(1);
  });

  test('is empty at first and after a reset', () => {
    expect(state(seen(...pieces).reset())).toBe(state(make()));
    const results = [make().result()].flatMap((result) =>
      typeof result === 'number' ? [result] : Object.values(result as Record<string, number>),
    );
    expect(results.every(Number.isNaN)).toBe(true);
    expect(make().samples).toBe(0);
  });

  test('ignores samples in which every pixel is masked', () => {
    const masked = { ...pieces[0]!, mask: { shape: [1, 4, 5], data: new Float64Array(20) } };
    const sums = (accumulator: Accumulator) => JSON.stringify(accumulator.toJSON().sums);
    expect(sums(seen(masked, ...pieces.slice(1)))).toBe(sums(seen(...pieces.slice(1))));
  });

  test('refuses predictions of NaN, and does not change', () => {
    const accumulator = seen(pieces[0]!);
    const broken = { ...pieces[1]!.predictions, data: pieces[1]!.predictions.data.map((z, i) => (i === 7 ? NaN : z)) };
    const run = () => update(accumulator, { ...pieces[1]!, predictions: broken, mask: ones() });
    expect(run).toThrow('predictions must not be NaN, got NaN at sample 0');
    checkValues('never');
    expect(run).toThrow('hold NaN or Infinity: a sum is NaN');
    checkValues('first');
    expect(state(accumulator)).toBe(state(seen(pieces[0]!)));
  });

  test('refuses class indices out of range, and does not change', async () => {
    const accumulator = seen(pieces[0]!);
    const classes = data.predictions.shape[3]!;
    const { predictions } = pieces[1]!;
    const most = classes === 1 ? 1 : classes - 1;
    for (const wrong of [-1, most + 1, 255]) {
      const labels = { ...ones(), dtype: 'int32' as const, data: ones().data.map((one, i) => (i === 7 ? wrong : one)) };
      const message = `class indices in labels must lie in 0..${most}, got ${wrong}`;
      expect(() => update(accumulator, { predictions, labels })).toThrow(`${accumulator.kind}.update: ${message}`);
      await expect(accumulator.updateAsync(toTensor(labels), toTensor(predictions))).rejects.toThrow(message);
      expect(state(accumulator)).toBe(state(seen(pieces[0]!)));
      const mask = { ...ones(), data: ones().data.map((one, i) => (i === 7 ? 0 : one)) };
      update(seen(pieces[0]!), { predictions, labels, mask });
    }
  });

  test('leaves no tensor behind, also when it throws', async () => {
    const [t, z] = [toTensor(data.labels), toTensor(data.predictions)];
    const [mask, broken] = [tf.ones([3, 4, 5]), tf.fill(z.shape, NaN)];
    const before = tf.memory().numTensors;
    const accumulator = make().update(t, z).update(t, z, { mask });
    await accumulator.updateAsync(t, z);
    accumulator.result();
    expect(() => accumulator.update(t, z, { mask: z })).toThrow('mask');
    expect(() => accumulator.update(t, broken, { mask })).toThrow('NaN');
    await expect(accumulator.updateAsync(t, broken, { mask })).rejects.toThrow('NaN');
    await expect(accumulator.updateAsync(t, z, { mask: z })).rejects.toThrow('mask');
    expect(tf.memory().numTensors).toBe(before);
  });
});

const ones = (): NdArray => ({ shape: [1, 4, 5], data: new Float64Array(20).fill(1) });

test('sums are exact where plain addition would round', () => {
  // After 1e17 a plain sum has no digit left for 0.1; before, it has one.
  const scores = () => new MeanBrier({ activation: 'none' });
  const sample = (weight: number): [tf.Tensor, tf.Tensor, { mask: tf.Tensor }] => [
    tf.zeros([1, 1, 1]),
    tf.ones([1, 1, 1]),
    { mask: tf.tensor([[weight]]) },
  ];
  const weighs = [0.1, 1e17, 0.1, 3e-9, 7, 1e17];
  const [forward, backward] = [scores(), scores()];
  for (const weight of weighs) forward.update(...sample(weight));
  for (const weight of [...weighs].reverse()) backward.update(...sample(weight));
  expect(JSON.stringify(forward)).toBe(JSON.stringify(backward));
  const exact = weighs.reduce((sum, weight) => sum + BigInt(Math.fround(weight) * 2 ** 60), 0n);
  const [, parts] = forward.toJSON().sums;
  expect(parts!.reduce((sum, part) => sum + BigInt(part * 2 ** 60), 0n)).toBe(exact);
});

test('a function as activation has to be given again after JSON', () => {
  const activation = (z: tf.Tensor) => tf.softmax(z);
  const scores = new MeanIou({ activation });
  const [t, z] = [toTensor(support.soft()), toTensor(support.logits())];
  scores.update(t, z);
  const json = JSON.parse(JSON.stringify(scores)) as AccumulatorJson;
  const without = MeanIou.fromJSON(json);
  expect(without.result()).toBe(scores.result());
  expect(() => without.update(t, z)).toThrow('give it to fromJSON again');
  const again = MeanIou.fromJSON(json, { activation });
  expect(JSON.stringify(again.update(t, z))).toBe(JSON.stringify(scores.update(t, z)));
  const named = JSON.parse(JSON.stringify(new MeanIou())) as AccumulatorJson;
  expect(() => MeanIou.fromJSON(named, { activation })).toThrow(
    'MeanIou.fromJSON: activation may be given only where it was a function',
  );
});

test.each<[string, () => [Accumulator, Accumulator]]>([
  [
    'MeanIou',
    () => [new MeanIou(), new MeanIou({ hard: false, aggregate: 'dataset', overlap: 'metric', classes: 'all' })],
  ],
  ['MeanTversky', () => [new MeanTversky({ alpha: 0.5, beta: 0.5 }), new MeanTversky()]],
  ['MeanBrier', () => [new MeanBrier({ classes: 'all' }), new MeanBrier()]],
  ['CalibrationError', () => [new CalibrationError(), new CalibrationError({ bins: 15 })]],
])('%s: accumulators merge whether or not defaults are written out', (_, make) => {
  const labels = toTensor(support.soft());
  const logits = toTensor(support.logits());
  const [one, other] = make().map((each) => each.update(labels, logits)) as [Accumulator, Accumulator];
  expect(one.merge(other).samples).toBe(2 * labels.shape[0]!);
});

describe('invalid input', () => {
  const [t, z] = [() => toTensor(support.soft()), () => toTensor(support.logits())];
  const three = (): [tf.Tensor, tf.Tensor] => [tf.fill([1, 2, 3], 1 / 3), tf.zeros([1, 2, 3])];

  test.each<[string, () => unknown, string]>([
    [
      'another kind',
      () => new MeanIou().merge(new MeanPrecision() as never),
      'MeanIou.merge: takes another MeanIou, got MeanPrecision',
    ],
    ['no accumulator', () => new MeanIou().merge({} as never), 'MeanIou.merge: takes another MeanIou, got {}'],
    [
      'another option',
      () => new MeanIou({ hard: true }).merge(new MeanIou()),
      'MeanIou.merge: the option hard differs: true here, its default there',
    ],
    [
      'sigmoid',
      () => new MeanIou().merge(new MeanIou({ activation: 'sigmoid' })),
      'MeanIou.merge: the option activation differs: "not sigmoid" here, "sigmoid" there',
    ],
    [
      'other bins',
      () => new CalibrationError().merge(new CalibrationError({ bins: 4 })),
      'CalibrationError.merge: the option bins differs: its default here, 4 there',
    ],
    [
      'other classes',
      () => new MeanIou().update(t(), z()).merge(new MeanIou().update(...three())),
      'MeanIou.merge: has seen 4 classes, got 3',
    ],
    [
      'other classes in an update',
      () => new MeanIou().update(t(), z()).update(...three()),
      'MeanIou.update: has seen 4 classes, got 3',
    ],
    [
      'an unknown option',
      () => new MeanIou({ smooth: 1 } as never),
      "MeanIou: unknown option 'smooth'; it takes activation, sharpness, axis, ignoreLabel",
    ],
    ['a mask for all batches', () => new MeanBrier({ mask: z() } as never), "MeanBrier: unknown option 'mask'"],
    [
      'an unknown option of an update',
      () => new MeanIou().update(t(), z(), { hard: true } as never),
      "MeanIou.update: unknown option 'hard'; it takes mask",
    ],
    [
      'an aggregate',
      () => new MeanIou({ aggregate: 'batch' as never }),
      `MeanIou: aggregate must be 'dataset', 'image', 'class', got "batch"`,
    ],
    [
      'class weights',
      () => new MeanIou({ classWeights: [1] }).update(t(), z()),
      'MeanIou.update: classWeights must be a list of 4 numbers, one per class, got [1]',
    ],
    ['bins', () => new CalibrationError({ bins: 0.5 }), 'CalibrationError: bins must be an integer >= 2, got 0.5'],
    [
      'shapes',
      () => new MeanIou().update(t(), tf.zeros([3, 4, 5, 3])),
      'MeanIou.update: labels [3,4,5,4] and predictions [3,4,5,3] differ on the class axis (-1)',
    ],
    [
      'JSON of another kind',
      () => MeanIou.fromJSON(new MeanPrecision().toJSON()),
      'MeanIou.fromJSON: takes the result of toJSON of a MeanIou (version 2), got kind "MeanPrecision", version 2',
    ],
    [
      'no JSON',
      () => MeanIou.fromJSON(null as never),
      'MeanIou.fromJSON: takes the result of toJSON of a MeanIou (version 2), got null',
    ],
    [
      'broken JSON',
      () => MeanIou.fromJSON({ ...new MeanIou().toJSON(), classes: 2, samples: 1, sums: [[1]] }),
      'MeanIou.fromJSON: sums must be a list of 6 lists of numbers, got [[1]]',
    ],
    [
      'JSON with null for a number',
      () => MeanBrier.fromJSON({ ...new MeanBrier().toJSON(), classes: 2, samples: 1, sums: [[null], [1]] as never }),
      'MeanBrier.fromJSON: sums[0] must be a list of finite numbers that do not overlap, the largest first',
    ],
  ])('is refused with a message: %s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});

/** Common mistakes, through each way in which labels and predictions reach a loss or a score. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  binaryCrossEntropyLoss,
  checkValues,
  comboLoss,
  crossEntropyLoss,
  deepSupervisionLoss,
  diceLoss,
  iouLoss,
  kernelsInUse,
  overlap,
  signedDistance,
} from '../../src/index.js';
import {
  brierScore,
  CalibrationError,
  ConfusionMatrix,
  hausdorffDistance,
  iouScore,
  MeanBrier,
  MeanIou,
} from '../../src/metrics/index.js';
import {
  acceptAnyTargets,
  accumulateGrads,
  lossOfPieces,
  minimizePieces,
  namedLoss,
  packMask,
  packSampleWeights,
  withMask,
  withSampleWeights,
} from '../../src/training/index.js';
import { toTensor } from '../support/compare.js';
import { LOSSES, lossNamed } from '../support/oracle.js';
import { randomArray } from '../support/random.js';

const SIZE = [2, 4, 4];
const random = (shape: readonly number[], least: number, most: number) => toTensor(randomArray(shape, 1, least, most));
const logits = (classes: number): tf.Tensor => random([...SIZE, classes], -2, 2);
const mask = (): tf.Tensor => tf.round(random([...SIZE, 1], 0, 1));
const indices = (value: number) => tf.concat([tf.fill([2, 4, 3], value, 'int32'), tf.zeros([2, 4, 1], 'int32')], 2);
const distribution = () => tf.softmax(logits(3));

interface Mistake {
  labels: () => tf.Tensor;
  predictions: () => tf.Tensor;
  message: string;
}

const MISTAKES: Record<string, Mistake> = {
  'a float mask of 0 and 255': {
    labels: () => tf.mul(mask(), 255),
    predictions: () => logits(1),
    message: 'labels hold 255: divide by 255, or map colours to classes',
  },
  'an int32 mask of 0 and 255': {
    labels: () => tf.cast(tf.mul(mask(), 255), 'int32'),
    predictions: () => logits(1),
    message: 'divide a mask of 0 and 255 by 255, or, if 255 marks pixels to leave out, pass ignoreLabel: 255',
  },
  'one-hot labels of 0 and 255 in int32': {
    labels: () => tf.mul(tf.oneHot(indices(1), 3), 255),
    predictions: () => logits(3),
    message: 'labels hold 255: divide by 255, or map colours to classes',
  },
  'numbers of classes as a float mask': {
    labels: () => tf.mul(mask(), 4),
    predictions: () => logits(1),
    message: 'labels hold 4: pass numbers of classes as int32 class indices, or one-hot',
  },
  'labels and predictions swapped': {
    labels: () => logits(3),
    predictions: distribution,
    message: 'labels and predictions look swapped: labels come first',
  },
  'indices of another map': {
    labels: () => indices(7),
    predictions: () => logits(3),
    message: 'class indices in labels must lie in 0..2, got 7 at sample 0, position [0,0]',
  },
  'a sentinel without ignoreLabel': {
    labels: () => indices(-1),
    predictions: () => logits(3),
    message: 'if -1 marks pixels to leave out, pass ignoreLabel: -1',
  },
  'labels of NaN': {
    labels: () => tf.mul(distribution(), NaN),
    predictions: () => logits(3),
    message: 'labels must lie in [0, 1], got NaN at sample 0, position [0,0]',
  },
  'predictions of NaN': {
    labels: distribution,
    predictions: () => tf.mul(logits(3), NaN),
    message: 'predictions must not be NaN, got NaN at sample 0, position [0,0]',
  },
  'predictions of Infinity': {
    labels: distribution,
    predictions: () => tf.add(logits(3), Infinity),
    message: 'predictions must be finite, because softmax gives NaN otherwise, got Infinity',
  },
  'labels that do not sum to 1': {
    labels: () => tf.mul(distribution(), 0.5),
    predictions: () => logits(3),
    message: 'labels of a pixel must sum to 1 under softmax, got 0.5 at sample 0, position [0,0]',
  },
};

type Entry = (labels: tf.Tensor, predictions: tf.Tensor) => unknown;

/** A network whose output is the predictions, whatever its input. */
function giving(predictions: tf.Tensor): tf.LayersModel {
  const layer = tf.layers.dense({ inputShape: predictions.shape.slice(1), units: predictions.shape.at(-1)! });
  const model = tf.sequential({ layers: [layer] });
  const classes = predictions.shape.at(-1)!;
  model.setWeights([tf.eye(classes), tf.zeros([classes])]);
  return model;
}

const fit = async (loss: (t: tf.Tensor, p: tf.Tensor) => tf.Tensor, labels: tf.Tensor, predictions: tf.Tensor) => {
  const model = giving(predictions);
  const optimizer = tf.train.sgd(0.1);
  model.compile({ optimizer, loss });
  acceptAnyTargets(model);
  try {
    await model.fit(predictions, labels, { epochs: 1, batchSize: 2, shuffle: false, verbose: 0 });
  } finally {
    model.dispose();
    optimizer.dispose();
  }
};

function loop(predictions: tf.Tensor, step: (z: tf.Variable, optimizer: tf.Optimizer) => void) {
  const z = tf.variable(predictions);
  const optimizer = tf.train.adam(0.1);
  try {
    step(z, optimizer);
  } finally {
    z.dispose();
    optimizer.dispose();
  }
}

const ENTRIES: Record<string, Entry> = {
  'a loss': (t, p) => comboLoss(t, p),
  'a gradient': (t, p) => tf.grad((z) => diceLoss(t, z))(p),
  overlap: (t, p) => overlap(t, p),
  'model.fit': (t, p) => fit(comboLoss, t, p),
  'model.fit with a named loss': (t, p) => fit(namedLoss('diceLoss', { smooth: 1 }), t, p),
  'a loop': (t, p) => loop(p, (z, optimizer) => optimizer.minimize(() => comboLoss(t, tf.mul(z, 1)) as tf.Scalar)),
  pieces: (t, p) => accumulateGrads(comboLoss, (x) => tf.mul(x, 1), [{ xs: p, ys: t }]),
  'a step on pieces': (t, p) =>
    loop(p, (z, optimizer) => minimizePieces(optimizer, diceLoss, (x) => tf.mul(x, z), [{ xs: p, ys: t }])),
  'a loss of pieces that takes logits': (t, p) =>
    lossOfPieces(namedLoss('crossEntropyLoss', { hardest: 0.5 }), (x) => x, [{ xs: p, ys: t }]),
  'packed masks': (t, p) => withMask(diceLoss)(packMask(t, tf.ones(SIZE, 'int32')), p),
  'packed weights': (t, p) => withSampleWeights(diceLoss)(packSampleWeights(t, tf.ones([2], 'int32')), p),
  'deep supervision': (t, p) => deepSupervisionLoss(diceLoss, t, [p]),
  'a score': (t, p) => iouScore(t, p),
  'a hard score': (t, p) => iouScore(t, p, { hard: true }),
  'the Brier score': (t, p) => brierScore(t, p),
  MeanIou: (t, p) => new MeanIou().update(t, p),
  MeanBrier: (t, p) => new MeanBrier().update(t, p),
  CalibrationError: (t, p) => new CalibrationError().update(t, p),
  ConfusionMatrix: (t, p) => new ConfusionMatrix().update(t, p),
  'updateAsync of MeanIou': (t, p) => new MeanIou().updateAsync(t, p),
  'updateAsync of ConfusionMatrix': (t, p) => new ConfusionMatrix().updateAsync(t, p),
};

async function messageOf(run: () => unknown): Promise<string> {
  try {
    tf.dispose((await run()) as tf.Tensor);
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

let warnings: string[] = [];
beforeEach(() => {
  checkValues('first');
  warnings = [];
  jest.spyOn(console, 'warn').mockImplementation((text) => {
    // (The cpu backend also warns about Node.)
    if (/look like|all predictions/.test(String(text))) warnings.push(String(text));
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  checkValues('first');
});

describe.each(Object.entries(MISTAKES))('%s', (_, { labels, predictions, message }) => {
  test.each(Object.entries(ENTRIES))('in %s is an error each time, and leaves no tensor', async (name, entry) => {
    const [t, p] = [labels(), predictions()];
    // A dense layer turns Infinity into NaN.
    const expected = name.includes('fit') ? message.replace(/be finite.*/, 'not be NaN') : message;
    for (let i = 0; i < 2; i++) {
      const before = tf.memory().numTensors;
      tf.engine().startScope(); // for tensors that the entry itself makes
      const refused = await messageOf(() => entry(t, p));
      tf.engine().endScope();
      expect(refused).toContain(expected);
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(warnings).toEqual([]);
  });
});

test.each(LOSSES)('%s refuses mistakes', (name) => {
  const loss = lossNamed(name);
  for (const { labels, predictions, message } of Object.values(MISTAKES)) {
    // Under sigmoid any logit, even an infinite one, has a probability, and labels may have any sum.
    if (name === 'binaryCrossEntropyLoss' && /softmax/.test(message)) continue;
    expect(() => loss(labels(), predictions())).toThrow(message);
  }
});

describe('surfaces and distances', () => {
  test('refuse labels of 0 and 255', () => {
    const t = tf.mul(mask(), 255);
    for (let i = 0; i < 2; i++) {
      expect(() => signedDistance(t)).toThrow('signedDistance: labels must lie in [0, 1], got 255');
      expect(() => hausdorffDistance(t, logits(1))).toThrow('hausdorffDistance: labels must lie in [0, 1], got 255');
    }
    expect(() => signedDistance(indices(9), { classes: 3 })).toThrow('class indices in labels must lie in 0..2, got 9');
  });

  test('accept classes that are not scored', () => {
    checkValues('always');
    expect(() => hausdorffDistance(indices(5), indices(4), { classes: [1], classCount: 6 })).not.toThrow();
    expect(() => hausdorffDistance(indices(1), indices(-1), { classes: [1], classCount: 6 })).toThrow(
      'class indices in predictions must lie in 0..5, got -1',
    );
  });
});

describe('deep supervision at coarse scales only', () => {
  test('refuses the labels themselves, not the resized ones', () => {
    const coarse = tf.zeros([2, 2, 2, 3]);
    expect(() => deepSupervisionLoss(diceLoss, indices(7), [coarse])).toThrow(
      'deepSupervisionLoss: class indices in labels must lie in 0..2, got 7 at sample 0, position [0,0]',
    );
  });
});

describe('probabilities passed as logits', () => {
  const one = () => tf.sigmoid(logits(1));

  test.each<[string, Entry, () => tf.Tensor]>([
    ['diceLoss', (t, p) => diceLoss(t, p), one],
    ['comboLoss', (t, p) => tf.grad((z) => comboLoss(t, z))(p), distribution],
    ['iouScore', (t, p) => iouScore(t, p), distribution],
    ['MeanIou.update', (t, p) => new MeanIou().update(t, p), distribution],
    ['MeanIou.updateAsync', (t, p) => new MeanIou().updateAsync(t, p), one],
    ['hausdorffDistance', (t, p) => hausdorffDistance(t, p), one],
  ])('get one warning in %s', async (name, entry, probabilities) => {
    const p = probabilities();
    const t = p.shape.at(-1) === 1 ? mask() : distribution();
    await entry(t, p);
    checkOne(name);
    await entry(tf.slice(t, 0, 1), tf.slice(p, 0, 1));
    await entry(t, p);
    checkOne(name);
    checkValues('always');
    await entry(t, p);
    expect(warnings).toHaveLength(2);
  });

  function checkOne(name: string): void {
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`^${name}: predictions look like probabilities .*Pass activation: 'none'`));
  }

  test('get no warning if one is outside [0, 1], all are equal, rows do not sum to 1, or none is activated', () => {
    checkValues('always');
    diceLoss(mask(), logits(1));
    diceLoss(mask(), tf.fill([...SIZE, 1], 0.5));
    diceLoss(distribution(), random([...SIZE, 3], 0, 1));
    diceLoss(mask(), one(), { activation: 'none' });
    diceLoss(mask(), one(), { activation: (p) => p });
    expect(warnings).toEqual([]);
    checkValues('never');
    diceLoss(mask(), one());
    expect(warnings).toEqual([]);
  });

  test('get a warning that says what a prediction of 1 becomes', () => {
    diceLoss(mask(), one());
    comboLoss(distribution(), distribution());
    expect(warnings[0]).toContain('even a prediction of 1 becomes 0.73');
    expect(warnings[1]).toContain('even a prediction of 1 becomes 0.58');
  });
});

describe('a first call whose values show nothing', () => {
  const black = () => tf.zeros([1, 4, 4, 1], 'int32');
  const image = () =>
    tf.mul(tf.ones([1, 4, 4, 1], 'int32'), tf.tensor1d([255, 0, 0, 255], 'int32').reshape([1, 4, 1, 1]));
  const z = () => tf.randomNormal([1, 4, 4, 1], 0, 1, 'float32', 1) as tf.Tensor;

  test('leaves the check to the next call: a black mask, one class, one prediction', () => {
    diceLoss(black(), z());
    expect(() => diceLoss(image() as tf.Tensor, z())).toThrow('class indices in labels must lie in 0..1, got 255');
    comboLoss(tf.zeros([...SIZE], 'int32'), logits(3));
    expect(() => comboLoss(indices(7), logits(3))).toThrow('class indices in labels must lie in 0..2, got 7');
    iouLoss(mask(), tf.fill([...SIZE, 1], 0.5));
    iouLoss(mask(), tf.sigmoid(logits(1)));
    expect(warnings).toHaveLength(1);
  });

  test('is followed by a limited number of further checks', () => {
    const reads = jest.spyOn(tf.backend(), 'readSync');
    const [t, p] = [black(), z()];
    diceLoss(t, p, { activation: (x) => x.sigmoid() });
    const first = reads.mock.calls.length;
    for (let i = 0; i < 25; i++) diceLoss(t, p, { activation: (x) => x.sigmoid() });
    reads.mockClear();
    diceLoss(t, p, { activation: (x) => x.sigmoid() });
    expect(reads.mock.calls.length).toBeLessThan(first);
    reads.mockRestore();
  });
});

describe('later calls', () => {
  test('of cross-entropies refuse sums below 0, which the loss reads anyway', () => {
    if (kernelsInUse() === 'composed') return;
    for (const loss of [crossEntropyLoss, binaryCrossEntropyLoss]) {
      loss(mask(), logits(1));
      expect(() => loss(tf.mul(mask(), 255), logits(1))).toThrow(
        "labels must lie in [0, 1], but the sum 'crossEntropy'",
      );
    }
    crossEntropyLoss(distribution(), logits(3), { subtractEntropy: true });
    crossEntropyLoss(tf.zeros([...SIZE, 3]), logits(3), { subtractEntropy: true });
  });
});

describe('valid input is neither refused nor warned about:', () => {
  test('labels that image files have rounded to 8 bits', () => {
    const rounded = tf.mul(tf.round(tf.mul(tf.softmax(random([2, 8, 8, 21], -3, 3)), 255)), 1 / 255);
    comboLoss(rounded, random([2, 8, 8, 21], -3, 3));
    const thirds = tf.fill([...SIZE, 3], 0.33);
    expect(() => comboLoss(thirds, logits(3))).toThrow('divide rounded labels by their sum over the class axis');
  });

  test('logits of a new network that happen to be small and positive, or few', () => {
    diceLoss(mask(), random([...SIZE, 1], 0.01, 0.4));
    iouLoss(tf.tensor([[1], [0]]), tf.tensor([[0.9], [0.1]]));
    expect(warnings).toEqual([]);
  });

  test('scores of probabilities that assign each pixel to a class', () => {
    iouScore(distribution(), distribution(), { hard: true });
    new ConfusionMatrix().update(distribution(), distribution());
    new MeanIou({ hard: true }).update(distribution(), distribution());
    expect(warnings).toEqual([]);
  });
});

test('a softmax over one class gets a warning', () => {
  diceLoss(mask(), tf.ones([...SIZE, 1]));
  expect(warnings).toEqual([
    'diceLoss: all predictions are 1, as those of a softmax over a single class are: remove that activation',
  ]);
});

test.each<[string, () => unknown, string]>([
  [
    'class numbers too large',
    () => diceLoss(indices(3), logits(3)),
    'got 3 at sample 0, position [0,0]; number the classes 0..2, or, if 3 marks',
  ],
  [
    'a mask of 255 for two classes',
    () => diceLoss(indices(255), logits(2)),
    'divide a mask of 0 and 255 by 255, or, if 255 marks',
  ],
  [
    'a pixel without votes',
    () =>
      diceLoss(
        tf.where(tf.greater(mask(), 0), tf.fill([...SIZE, 1], 0.4), tf.fill([...SIZE, 1], -1)),
        tf.sigmoid(logits(1)),
        { activation: 'none' },
      ),
    'if -1 marks pixels to leave out, pass ignoreLabel: -1',
  ],
  [
    'predictions of ints',
    () => diceLoss(logits(1), mask().cast('int32')),
    'predictions must be float32, got int32; labels come first, then logits',
  ],
  [
    'packed probabilities of one channel',
    () => withMask(crossEntropyLoss)(packMask(tf.fill([1, 2, 2, 1], 0.93), tf.ones([1, 2, 2])), tf.zeros([1, 2, 2, 2])),
    'labels of one channel for 2 classes are class indices, which must be integers, got 0.93',
  ],
  [
    'negative weights of samples',
    () => packSampleWeights(mask(), tf.tensor1d([1, -1])),
    'packSampleWeights: weights must be finite numbers >= 0, got -1',
  ],
])('%s: the message says what to do', (_, call, message) => {
  expect(call).toThrow(message);
});

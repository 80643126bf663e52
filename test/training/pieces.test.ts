/** Data that pass through the network piece by piece have the same value and gradients as in one pass. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../../src/index.js';
import {
  accumulateGrads,
  lossOfPieces,
  microBatches,
  minimizePieces,
  namedLoss,
  predictTiles,
  tileGrid,
  tiles,
  type LossName,
  type NamedLoss,
  type Piece,
  type TileOptions,
} from '../../src/training/index.js';
import { LOSSES } from '../../src/training/lossRegistry.js';
import { expectClose, toTensor } from '../support/compare.js';
import { REGION_LOSSES } from '../support/described.js';
import { randomArray, randomDistribution, randomIndices, randomLabels } from '../support/random.js';

const TOLERANCE = 1e-5;

interface Case {
  loss: LossName;
  options?: object;
  /** Uses labels and a network for one class. */
  binary?: boolean;
  /** The loss is not made of sums, so logits are kept and tiles refused. */
  byLogits?: boolean;
}

const SPECIAL: Case[] = [
  { loss: 'iouLoss' },
  { loss: 'iouLoss', options: { aggregate: 'batch', overlap: 'product', smooth: 1 } },
  { loss: 'iouLoss', options: { reduction: 'sum', sharpness: 2, classes: [1, 2] } },
  { loss: 'iouLoss', options: { activation: 'sigmoid', absent: 'penalize', classWeights: [1, 0, 2] } },
  { loss: 'diceLoss', options: { aggregate: 'batch' } },
  { loss: 'diceLoss', options: { squared: true } },
  { loss: 'diceLoss', binary: true },
  { loss: 'tverskyLoss', options: { alpha: 0.3, beta: 0.7, gamma: 0.75 } },
  { loss: 'generalizedDiceLoss' },
  { loss: 'generalizedDiceLoss', options: { aggregate: 'batch' } },
  { loss: 'logCoshDiceLoss' },
  { loss: 'mccLoss', options: { aggregate: 'batch' } },
  { loss: 'crossEntropyLoss' },
  { loss: 'crossEntropyLoss', options: { labelSmoothing: 0.1, subtractEntropy: true, classWeights: [1, 2, 3] } },
  { loss: 'crossEntropyLoss', options: { reduction: 'sum' } },
  { loss: 'crossEntropyLoss', options: { hardest: 0.25 }, byLogits: true },
  { loss: 'binaryCrossEntropyLoss', options: { posWeight: 2 } },
  { loss: 'binaryCrossEntropyLoss', binary: true },
  { loss: 'focalLoss' },
  { loss: 'focalLoss', options: { gamma: 0 } },
  { loss: 'unifiedFocalLoss', options: { lambda: 0.3 } },
  { loss: 'comboLoss' },
  { loss: 'comboLoss', options: { weights: { dice: 1, focal: 0.5, crossEntropy: 0.1 }, aggregate: 'batch' } },
  { loss: 'comboLoss', options: { weights: { iou: 1, lovaszSoftmax: 0.5 } }, byLogits: true },
  { loss: 'lovaszSoftmaxLoss', options: { aggregate: 'batch' }, byLogits: true },
  { loss: 'lovaszHingeLoss', binary: true, byLogits: true },
  { loss: 'boundaryLoss', byLogits: true },
  { loss: 'hausdorffLoss', byLogits: true },
  { loss: 'clDiceLoss', options: { iterations: 2 }, byLogits: true },
];

const CASES: Case[] = [
  ...SPECIAL,
  ...REGION_LOSSES.filter((name) => !SPECIAL.some(({ loss }) => loss === name)).map((loss) => ({ loss })),
];

const named = ({ loss, options = {} }: Case) => namedLoss(loss as 'iouLoss', options) as unknown as NamedLoss;
const title = ({ loss, options }: Case) => `${loss} ${JSON.stringify(options ?? {})}`;
const classesOf = ({ binary }: Case) => (binary ? 1 : 3);

const SIZE = [8, 6, 6] as const;

/** A batch of eight samples. */
function batchOf(c: Case): Piece {
  const classes = classesOf(c);
  const ys = toTensor(classes === 1 ? randomLabels([...SIZE, 1], 5) : randomDistribution([...SIZE, classes], 5, 3));
  const xs = toTensor(randomArray([...SIZE, 2], 4, -1, 1));
  return { xs, ys: c.loss === 'lovaszHingeLoss' ? tf.round(ys) : ys };
}

/** Two convolutions: each output depends on pixels up to two away. The network takes images of any size. */
function network(classes: number, rank: 2 | 3 = 2): tf.LayersModel {
  const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });
  const conv = rank === 2 ? tf.layers.conv2d : tf.layers.conv3d;
  const inputShape = [...Array.from({ length: rank }, () => null), 2];
  return tf.sequential({
    layers: [
      conv({
        inputShape: inputShape as number[],
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'tanh',
        kernelInitializer: seeded(1),
      }),
      conv({ filters: classes, kernelSize: 3, padding: 'same', kernelInitializer: seeded(2) }),
    ],
  });
}

/** The value and gradients in one pass, by tfjs alone. */
function whole(loss: NamedLoss, model: tf.LayersModel, { xs, ys, mask }: Piece) {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const f = () => loss(ys, model.apply(xs, { training: true }) as tf.Tensor, mask && { mask }) as tf.Scalar;
  return tf.variableGrads(f, variables);
}

function expectSame(
  actual: { value: tf.Scalar; grads: tf.NamedTensorMap },
  expected: { value: tf.Scalar; grads: tf.NamedTensorMap },
): void {
  expectClose(actual.value, expected.value, TOLERANCE);
  expect(Object.keys(actual.grads)).toEqual(Object.keys(expected.grads));
  const flat = (grads: tf.NamedTensorMap) => tf.concat(Object.values(grads).map((g) => tf.reshape(g, [-1])));
  expectClose(flat(actual.grads), flat(expected.grads), TOLERANCE);
}

beforeAll(() => softseg.enableWasmTraining());

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
  expect(tf.memory().numTensors).toBe(before);
});

test('every loss has a case', () => {
  expect(Object.keys(LOSSES).filter((name) => !CASES.some(({ loss }) => loss === name))).toEqual([]);
});

describe('micro-batches', () => {
  test.each(CASES.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const [batch, model, loss] = [batchOf(c), network(classesOf(c)), named(c)];
    const expected = whole(loss, model, batch);
    for (const count of [1, 2, 4, 8]) {
      const pieces = microBatches(batch, 8 / count);
      expect(pieces.length).toBe(count);
      expectSame(accumulateGrads(loss, model, pieces), expected);
      expectClose(lossOfPieces(loss, model, pieces), expected.value, TOLERANCE);
    }
    model.dispose();
  });

  test.each(['diceLoss', 'lovaszSoftmaxLoss'] as const)(
    '%s with a loss scale has the same value, and gradients times the scale',
    (loss) => {
      const [batch, model] = [batchOf({ loss }), network(3)];
      (model.layers[0] as unknown as { kernelRegularizer: unknown }).kernelRegularizer = tf.regularizers.l2({
        l2: 0.1,
      });
      const pieces = microBatches(batch, 4);
      const expected = accumulateGrads(namedLoss(loss), model, pieces);
      const { value, grads } = accumulateGrads(namedLoss(loss), model, pieces, { lossScale: 1024 });
      const unscaled = Object.entries(grads).map(([name, gradient]) => [name, tf.mul(gradient, 1 / 1024)] as const);
      expectSame({ value, grads: Object.fromEntries(unscaled) }, expected);
      for (const lossScale of [0, -1, NaN, '1']) {
        const options = { lossScale } as { lossScale: number };
        expect(() => accumulateGrads(namedLoss(loss), model, pieces, options)).toThrow(
          'accumulateGrads: lossScale must be a number > 0',
        );
      }
      model.dispose();
    },
  );

  test.each([['soft labels'], ['class indices']])('of unequal sizes, with masks and %s, equal the whole', (kind) => {
    const model = network(3);
    const soft = batchOf({ loss: 'iouLoss' });
    const ys = kind === 'soft labels' ? soft.ys : toTensor(randomIndices(SIZE, 9, 3));
    const mask = toTensor(randomArray(SIZE, 7, 0, 1));
    // In two samples no pixel counts, and one class is in the first sample only.
    const some = tf.concat([tf.slice(mask, 0, 6), tf.zeros([2, ...SIZE.slice(1)])]);
    for (const loss of [namedLoss('comboLoss'), namedLoss('diceLoss', { aggregate: 'batch' })]) {
      const batch = { xs: soft.xs, ys, mask: some };
      const pieces = microBatches(batch, 3);
      expect(pieces.at(2).ys.shape[0]).toBe(2);
      expectSame(accumulateGrads(loss, model, pieces), whole(loss as NamedLoss, model, batch));
    }
    model.dispose();
  });

  test("can be lists of pieces, with functions as networks, users' losses and plain ones", () => {
    const batch = batchOf({ loss: 'iouLoss' });
    const kernel = tf.variable(toTensor(randomArray([2, 3], 11, -1, 1)));
    const unused = tf.variable(tf.scalar(1));
    const forward = (xs: tf.Tensor) =>
      tf.reshape(tf.matMul(tf.reshape(xs, [-1, 2]), kernel), [...xs.shape.slice(0, 3), 3]);
    const pieces = [0, 4].map((at) => ({ xs: tf.slice(batch.xs, at, 4), ys: tf.slice(batch.ys, at, 4) }));
    const own = (t: tf.Tensor, z: tf.Tensor) => tf.sqrt<tf.Scalar>(tf.mean(tf.square(tf.sub(t, z))));
    for (const loss of [own, softseg.iouLoss, namedLoss('mine', {}, own)] as const) {
      const value = () => loss(batch.ys, forward(batch.xs)) as tf.Scalar;
      expectSame(accumulateGrads(loss, forward, pieces), tf.variableGrads(value, [kernel]));
      expectSame(accumulateGrads(loss, forward, pieces, { variables: [kernel] }), tf.variableGrads(value, [kernel]));
    }
    expect(pieces.every(({ xs }) => !xs.isDisposed)).toBe(true);
    tf.dispose([kernel, unused]);
  });

  test('draw the same dropout in both passes', () => {
    // With other random numbers this network would have another gradient.
    const dropout = tf.sequential({
      layers: [tf.layers.dropout({ inputShape: [4, 3], rate: 0.5 }), tf.layers.dense({ units: 2 })],
    });
    const batch = { xs: tf.ones([6, 4, 3]), ys: toTensor(randomDistribution([6, 4, 2], 3, 2)) };
    const seen: number[][] = [];
    const model = (xs: tf.Tensor) => {
      const logits = dropout.apply(xs, { training: true }) as tf.Tensor;
      seen.push([...logits.dataSync()]);
      return logits;
    };
    accumulateGrads(softseg.diceLoss, model, microBatches(batch, 2));
    expect(seen.slice(3)).toEqual(seen.slice(0, 3));
    expect(seen[1]).not.toEqual(seen[0]);
    dropout.dispose();
  });

  test('add the regularizers of layers once', () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [4, 2], units: 3, kernelRegularizer: 'l1l2' })],
    });
    const batch = { xs: toTensor(randomArray([4, 4, 2], 1, -1, 1)), ys: toTensor(randomDistribution([4, 4, 3], 2, 2)) };
    const total = () =>
      tf.add<tf.Scalar>(softseg.iouLoss(batch.ys, model.apply(batch.xs) as tf.Tensor), model.calculateLosses()[0]!);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    expectSame(accumulateGrads(softseg.iouLoss, model, microBatches(batch, 1)), tf.variableGrads(total, variables));
    model.dispose();
  });

  test('take the step of minimize in minimizePieces', () => {
    const [one, other] = [network(3), network(3)];
    const batch = batchOf({ loss: 'comboLoss' });
    const optimizers = [tf.train.adam(0.01), tf.train.adam(0.01)] as const;
    for (let step = 0; step < 3; step++) {
      const value = minimizePieces(optimizers[0], softseg.comboLoss, one, microBatches(batch, 2));
      const f = () => softseg.comboLoss(batch.ys, other.apply(batch.xs) as tf.Tensor) as tf.Scalar;
      const expected = optimizers[1].minimize(
        f,
        true,
        other.trainableWeights.map((w) => w.read() as tf.Variable),
      )!;
      expectClose(value, expected, TOLERANCE);
    }
    one.getWeights().forEach((weight, i) => expectClose(weight, other.getWeights()[i]!, 1e-3));
    for (const thing of [one, other, ...optimizers]) thing.dispose();
  });
});

describe('tiles', () => {
  const GRIDS = [
    { size: [12, 10], overlap: 4 },
    { size: [5, 6], overlap: [4, 4] },
    { size: [12, 8], overlap: 6 },
  ];
  const IMAGE = [2, 12, 10] as const;
  const imageOf = (c: Case): Piece => {
    const classes = classesOf(c);
    const ys = classes === 1 ? randomLabels([...IMAGE, 1], 5) : randomDistribution([...IMAGE, classes], 5, 3);
    return { xs: toTensor(randomArray([...IMAGE, 2], 4, -1, 1)), ys: toTensor(ys) };
  };

  test.each(CASES.filter(({ byLogits }) => !byLogits).map((c) => [title(c), c] as const))('%s', (_, c) => {
    const [image, model, loss] = [imageOf(c), network(classesOf(c)), named(c)];
    const mask = toTensor(randomArray(IMAGE, 6, 0, 1));
    for (const [piece, grids] of [
      [image, GRIDS.slice(0, 1)],
      [{ ...image, mask }, GRIDS.slice(1)],
    ] as const) {
      const expected = whole(loss, model, piece);
      for (const options of grids) {
        expectSame(accumulateGrads(loss, model, tiles(piece, options)), expected);
        expectClose(lossOfPieces(loss, model, tiles(piece, options)), expected.value, TOLERANCE);
      }
    }
    model.dispose();
  });

  test('without overlap equal the whole for a network that sees single pixels', () => {
    const image = imageOf({ loss: 'iouLoss' });
    const model = tf.sequential({
      layers: [tf.layers.conv2d({ inputShape: [null, null, 2] as unknown as number[], filters: 3, kernelSize: 1 })],
    });
    const pieces = tiles(image, { size: [4, 5] });
    expect(pieces.length).toBe(6);
    expect(pieces.at(0).mask).toBe(undefined);
    const loss = named({ loss: 'iouLoss' });
    expectSame(accumulateGrads(loss, model, pieces), whole(loss, model, image));
    model.dispose();
  });

  test('of a volume with class indices equal the whole', () => {
    const shape = [1, 9, 8, 10];
    const volume = { xs: toTensor(randomArray([...shape, 2], 1, -1, 1)), ys: toTensor(randomIndices(shape, 2, 3)) };
    const model = network(3, 3);
    const loss = named({ loss: 'comboLoss' });
    const pieces = tiles(volume, { size: [7, 8, 6], overlap: 4 });
    expect(pieces.length).toBe(6);
    expectSame(accumulateGrads(loss, model, pieces), whole(loss, model, volume));
    const prediction = predictTiles(model, volume.xs, { size: [7, 8, 6], overlap: 4 });
    expectClose(prediction, model.predict(volume.xs) as tf.Tensor, TOLERANCE);
    model.dispose();
  });

  test('equal the whole if one has no pixel that counts', () => {
    const image = imageOf({ loss: 'iouLoss' });
    const mask = tf.concat([tf.ones([2, 6, 10]), tf.zeros([2, 6, 10])], 1);
    const [model, loss] = [network(3), named({ loss: 'comboLoss' })];
    const piece = { ...image, mask };
    expectSame(accumulateGrads(loss, model, tiles(piece, { size: [5, 10], overlap: 4 })), whole(loss, model, piece));
    model.dispose();
  });

  test.each([
    [[7], { size: 7 }],
    [[100], { size: 40, overlap: 8 }],
    [[31, 17], { size: [8, 5], overlap: [3, 4] }],
    [[64, 48, 40], { size: [32, 16, 40], overlap: [16, 8, 0], align: 8 }],
    [[5], { size: 5, overlap: 3 }],
  ])('of %j with %j have cores that cover the whole, each pixel once', (shape, options) => {
    const [counts, context] = [tf.buffer(shape), (options as TileOptions).overlap ?? 0];
    for (const { start, size, core } of tileGrid(shape, options)) {
      expect(start.every((at) => at % ((options as TileOptions).align ?? 1) === 0)).toBe(true);
      start.forEach((at, i) => {
        const half = Math.floor((Array.isArray(context) ? context[i]! : context) / 2);
        const end = at + size[i]!;
        const coreEnd = core.start[i]! + core.size[i]!;
        expect(at === 0 || core.start[i]! - at >= half).toBe(true);
        expect(end === shape[i] || end - coreEnd >= half).toBe(true);
        expect(end).toBeLessThanOrEqual(shape[i]!);
      });
      const visit = (position: number[]): void => {
        const axis = position.length;
        if (axis === shape.length) return void counts.set(Number(counts.get(...position)) + 1, ...position);
        for (let i = 0; i < core.size[axis]!; i++) visit([...position, core.start[axis]! + i]);
      };
      visit([]);
    }
    expect(new Set(counts.values)).toEqual(new Set([1]));
  });
});

describe('memory', () => {
  /** The largest number of bytes in tensors while `run` makes gradients from pieces of 2 samples. */
  function peak(samples: number, loss: NamedLoss): number {
    const shape = [2, 16, 16];
    const kernel = tf.variable(tf.ones<tf.Rank.R2>([2, 3]));
    const held: number[] = [];
    const forward = (xs: tf.Tensor) => {
      const logits = tf.reshape(tf.matMul(tf.reshape(xs, [-1, 2]), kernel), [...shape, 3]);
      held.push(tf.memory().numBytes);
      return logits;
    };
    const pieces = {
      length: samples / 2,
      at: (i: number) => ({ xs: tf.fill([...shape, 2], i), ys: tf.fill([...shape, 3], 1 / 3) }),
    };
    accumulateGrads(loss, forward, pieces);
    tf.dispose(kernel);
    return Math.max(...held);
  }

  test('grows with the number of pieces only by their sums', () => {
    const loss = named({ loss: 'comboLoss' });
    const [few, many] = [peak(4, loss), peak(64, loss)];
    // Five float32 sums of three classes exist four times: per piece, joined, as the gradient, and as its parts.
    const perSample = 5 * 3 * 4 * 4;
    expect(many - few).toBeLessThan(60 * perSample + 500);
    expect(16 * 16 * 3 * 4).toBeGreaterThan(10 * perSample); // the logits of one sample
  });

  test('is released after an error', () => {
    const batch = batchOf({ loss: 'iouLoss' });
    const model = network(3);
    const held = tf.memory().numTensors;
    const failing = { length: 2, at: (i: number) => (i === 0 ? microBatches(batch, 4).at(0) : ({} as Piece)) };
    expect(() => accumulateGrads(softseg.iouLoss, model, failing)).toThrow('pieces[1].xs must be a tf.Tensor');
    let calls = 0;
    const forward = (xs: tf.Tensor) => {
      if (++calls > 3) throw new Error('the network fails in the second pass');
      return model.apply(xs) as tf.Tensor;
    };
    expect(() => accumulateGrads(softseg.iouLoss, forward, microBatches(batch, 4))).toThrow('second pass');
    expect(tf.memory().numTensors).toBe(held);
    model.dispose();
  });

  test('is not lost to tensors in a thousand steps', () => {
    const batch = { xs: toTensor(randomArray([2, 4, 2], 1, -1, 1)), ys: toTensor(randomDistribution([2, 4, 3], 2, 2)) };
    const kernel = tf.variable(tf.ones<tf.Rank.R2>([2, 3]));
    const forward = (xs: tf.Tensor) =>
      tf.reshape(tf.matMul(tf.reshape(xs, [-1, 2]), kernel), [...xs.shape.slice(0, 2), 3]);
    const optimizer = tf.train.adam(1e-3);
    const loop = (i: number) => [microBatches(batch, 1), tiles(batch, { size: 2 })][i % 2]!;
    const step = (i: number) => minimizePieces(optimizer, softseg.diceLoss, forward, loop(i)).dispose();
    step(0);
    const held = tf.memory();
    for (let i = 1; i <= 1000; i++) step(i);
    expect(tf.memory()).toMatchObject({ numTensors: held.numTensors, numDataBuffers: held.numDataBuffers });
    optimizer.dispose();
    kernel.dispose();
  });
});

describe('invalid arguments are refused:', () => {
  const piece = () => ({ xs: tf.zeros([2, 4, 4, 2]), ys: tf.fill([2, 4, 4, 3], 1 / 3) });
  const forward = (xs: tf.Tensor) => tf.zeros([...xs.shape.slice(0, -1), 3]);
  const run = (loss: unknown, network: unknown, pieces: () => unknown, options?: object) => () =>
    (accumulateGrads as (...args: unknown[]) => unknown)(loss, network, pieces(), options);
  const kernel = () => tf.variable(tf.ones([1]));

  test.each<[string, () => unknown, string]>([
    [
      'a loss by name',
      run('iouLoss', forward, () => [piece()]),
      'accumulateGrads: loss must be a function, got "iouLoss"',
    ],
    [
      'no network',
      run(softseg.iouLoss, {}, () => [piece()]),
      'accumulateGrads: network must be a model of tfjs-layers or a function from xs to logits, got {}',
    ],
    ['no pieces', run(softseg.iouLoss, forward, () => []), 'accumulateGrads: needs at least one piece'],
    [
      'a tensor for pieces',
      run(softseg.iouLoss, forward, () => 3),
      'accumulateGrads: pieces must be a list, or an object with length and at(index), got 3',
    ],
    [
      'pieces of something else',
      run(softseg.iouLoss, forward, () => ({ length: 1, at: piece, of: 'rows' })),
      `accumulateGrads: pieces.of must be 'samples' or 'tiles', got "rows"`,
    ],
    [
      'an unknown option',
      run(softseg.iouLoss, forward, () => [piece()], { mask: 1 }),
      "accumulateGrads: unknown option 'mask'; it takes variables",
    ],
    [
      'variables that are none',
      () => void accumulateGrads(softseg.iouLoss, forward, [piece()], { variables: [tf.ones([1])] as never }),
      'accumulateGrads: variables must be a list of tf.Variable, got ',
    ],
    [
      'no variables',
      () => void accumulateGrads(softseg.iouLoss, forward, [piece()], { variables: [] }),
      'accumulateGrads: needs a trainable variable, got 0, none of them trainable',
    ],
    [
      'labels of other samples',
      run(softseg.iouLoss, forward, () => [{ ...piece(), ys: tf.zeros([3, 4, 4, 3]) }]),
      'accumulateGrads: pieces[0].xs [2,4,4,2] and pieces[0].ys [3,4,4,3] differ in samples',
    ],
    [
      'a loss per sample',
      run(namedLoss('iouLoss', { reduction: 'sample' }), forward, () => [piece()]),
      "accumulateGrads: reduction must be 'mean' or 'sum'",
    ],
    [
      'a user’s loss with a value per pixel',
      run(
        (t: tf.Tensor, z: tf.Tensor) => tf.sub(t, z),
        forward,
        () => [piece()],
      ),
      'accumulateGrads: the loss must be a scalar, got shape [2,4,4,3]',
    ],
    [
      'a network without output',
      run(
        softseg.iouLoss,
        () => null,
        () => [piece()],
      ),
      "accumulateGrads: the network's output must be a tf.Tensor, got null",
    ],
    [
      'tiles for a loss that takes all pixels',
      run(softseg.lovaszSoftmaxLoss, forward, () => tiles(piece(), { size: 2 })),
      'accumulateGrads: tiles need a loss of this package that is computed from sums; ' +
        'lovaszSoftmaxLoss needs all pixels at once',
    ],
    [
      'tiles for a function',
      run(
        (t: tf.Tensor, z: tf.Tensor) => tf.mean(tf.sub(t, z)),
        forward,
        () => tiles(piece(), { size: 2 }),
      ),
      'accumulateGrads: tiles need a loss of this package that is computed from sums; ' +
        'this one needs all pixels at once',
    ],
    [
      'tiles of other samples',
      run(softseg.iouLoss, forward, () => ({
        of: 'tiles',
        length: 2,
        at: (i: number) => microBatches(piece(), 1 + i).at(0),
      })),
      'accumulateGrads: tiles must have the same samples and classes, got [1,3] and [2,3]',
    ],
    [
      'masks of some pieces',
      run(softseg.lovaszSoftmaxLoss, forward, () => [piece(), { ...piece(), mask: tf.ones([2, 4, 4]) }]),
      'accumulateGrads: some pieces have a mask, and some have none',
    ],
    [
      'an optimizer by name',
      () => minimizePieces('adam' as never, softseg.iouLoss, forward, [piece()]),
      'minimizePieces: optimizer must be an optimizer of tf.train, got "adam"',
    ],
    ['empty micro-batches', () => microBatches(piece(), 0), 'microBatches: size must be an integer >= 1, got 0'],
    [
      'a batch without labels',
      () => microBatches({ xs: tf.zeros([2]) } as never, 1),
      'microBatches: batch.ys must be a tf.Tensor, got undefined',
    ],
    [
      'labels of another size',
      () => tiles({ ...piece(), ys: tf.zeros([2, 4, 5, 3]) }, { size: 2 }),
      'tiles: ys [2,4,5,3] and xs [2,4,4,2] differ in their spatial axes',
    ],
    [
      'tiles of a vector',
      () => tiles({ xs: tf.zeros([2, 3]), ys: tf.zeros([2, 3]) }, { size: 2 }),
      'tiles: xs must be [N, ...spatial, channels], got shape [2,3]',
    ],
    [
      'sizes for other axes',
      () => tiles(piece(), { size: [2, 2, 2] }),
      'tiles: size must be a number or one for each of the spatial axes [4,4], got [2,2,2]',
    ],
    [
      'an overlap of all',
      () => tiles(piece(), { size: 2, overlap: 2 }),
      'tiles: overlap must be less than size, got 2 and 2',
    ],
    [
      'tiles larger than the whole',
      () => tiles(piece(), { size: [2, 5] }),
      'tiles: size must be at most that of the whole, got size [2,5] for the axes [4,4]',
    ],
    [
      'tiles larger than the whole, for a prediction',
      () => predictTiles((xs) => xs, tf.zeros([2, 4, 4, 2]), { size: 8 }),
      'predictTiles: size must be at most that of the whole, got size [8,8] for the axes [4,4]',
    ],
    [
      'tiles that cannot be aligned',
      () => tileGrid([10], { size: 4, align: 4 }),
      'tileGrid: tiles must begin at multiples of align: ' +
        'size - overlap (4) and whole - size (6) must be multiples of 4',
    ],
    [
      'an output of another size',
      () => predictTiles((xs) => tf.slice(xs, 0, [2, 1, 1, 1]), tf.zeros([2, 4, 4, 2]), { size: 2 }),
      'predictTiles: the output for a tile of [2,2] must have its size, got [2,1,1,1]',
    ],
  ])('%s', (_, f, message) => {
    const variable = kernel();
    expect(f).toThrow(message);
    variable.dispose();
  });
});

/** comboLoss with terms, and losses defined by users: named, in pieces, in wrappers and in files. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../../src/index.js';
import { defineRegionLoss, type ComboLossOptions } from '../../src/index.js';
import {
  accumulateGrads,
  compileSaved,
  lossOfPieces,
  microBatches,
  minimizePieces,
  namedLoss,
  packMask,
  packSampleWeights,
  tiles,
  withMask,
  withSampleWeights,
  type NamedLoss,
  type Piece,
} from '../../src/training/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import type { Loss } from '../support/oracle.js';
import { distanceLoss, agreementLoss } from '../support/ownLosses.js';
import { randomArray, randomDistribution, randomLogits } from '../support/random.js';
import { CLASSES, discard, reload, SPATIAL, train, weightsOf } from './savedModels.js';
import { oneOutput } from './tinyModels.js';

const SIZE = [4, 6, 6] as const;
const labels = () => toTensor(randomDistribution([...SIZE, 3], 1, 3));
const logits = () => toTensor(randomLogits([...SIZE, 3], 2));
const mask = () => toTensor(randomArray(SIZE, 3, 0, 1));

const NNUNET = [
  { loss: softseg.diceLoss, classes: [1, 2] },
  { loss: softseg.crossEntropyLoss, weight: 0.5 },
];
/** The terms as files hold them. */
const NNUNET_BY_NAME = [
  { loss: 'diceLoss', classes: [1, 2] },
  { loss: 'crossEntropyLoss', weight: 0.5 },
] as ComboLossOptions['terms'];

/** Plain losses, the same loss as a NamedLoss, and whether it is made of sums. */
const CASES: [string, Loss, () => NamedLoss, boolean][] = [
  [
    'comboLoss with terms',
    (t, z, more) => softseg.comboLoss(t, z, { terms: NNUNET, ...more }),
    () => namedLoss('comboLoss', { terms: NNUNET }) as NamedLoss,
    true,
  ],
  [
    'comboLoss with cross-entropies of two kinds',
    (t, z, more) =>
      softseg.comboLoss(t, z, { terms: [...NNUNET, { loss: 'crossEntropyLoss', labelSmoothing: 0.2 }], ...more }),
    () =>
      namedLoss(softseg.comboLoss, {
        terms: [...NNUNET, { loss: 'crossEntropyLoss', labelSmoothing: 0.2 }],
      }) as NamedLoss,
    true,
  ],
  [
    'a region loss of the user',
    (t, z, more) => agreementLoss(t, z, { share: 0.25, ...more }),
    () => namedLoss(agreementLoss, { share: 0.25 }) as NamedLoss,
    true,
  ],
];

beforeAll(() => softseg.enableWasmTraining());
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('namedLoss', () => {
  test.each(CASES)('of %s computes the loss', (_, loss, named) => {
    const [t, z, f] = [labels(), logits(), named()];
    expectClose(f(t, z), loss(t, z), 0);
    expectClose(f(t, z, { mask: mask() }), loss(t, z, { mask: mask() }), 0);
    f.set({ reduction: 'sum' });
    expectClose(f(t, z), loss(t, z, { reduction: 'sum' }), 0);
  });

  test("takes any user's loss, or a loss of this package instead of its name", () => {
    const [t, z] = [labels(), logits()];
    const own = namedLoss(distanceLoss, { power: 3 });
    expect([own.lossName, own.options]).toEqual(['distanceLoss', { power: 3 }]);
    expectClose(own(t, z), distanceLoss(t, z, { power: 3 }), 0);
    own.set({ power: 1 });
    expectClose(own(t, z), distanceLoss(t, z, { power: 1 }), 0);
    const dice = namedLoss(softseg.diceLoss as softseg.DescribedLoss<softseg.DiceLossOptions>, { squared: true });
    expect([dice.lossName, dice.options]).toEqual(['diceLoss', { squared: true }]);
    expectClose(dice(t, z), softseg.diceLoss(t, z, { squared: true }), 0);
  });

  test('keeps terms with the names of losses, as files hold them', () => {
    const loss = namedLoss('comboLoss', { terms: NNUNET });
    const found = JSON.parse(JSON.stringify(loss.options)) as ComboLossOptions;
    expect(found).toEqual({ terms: NNUNET_BY_NAME });
    expect(loss.options).toEqual(found);
    const [t, z] = [labels(), logits()];
    expectClose(namedLoss('comboLoss', found)(t, z), softseg.comboLoss(t, z, { terms: NNUNET }), 0);
    loss.set({ terms: [{ loss: softseg.iouLoss, smooth: 1 }] });
    expect(loss.options).toEqual({ terms: [{ loss: 'iouLoss', smooth: 1 }] });
  });

  type Call = (...args: unknown[]) => unknown;
  const impostor = defineRegionLoss({ name: 'diceLoss', options: {}, value: (_, { intersection }) => intersection });
  test.each<[string, unknown[], string]>([
    [
      'a loss of the user as a term, which no file can hold',
      ['comboLoss', { terms: [{ loss: agreementLoss }] }],
      "namedLoss: comboLoss's terms[0].loss",
    ],
    [
      'a term of the name of another',
      ['comboLoss', { terms: [{ loss: impostor }] }],
      "namedLoss: comboLoss's terms[0].loss",
    ],
    [
      'an unknown option',
      [agreementLoss, { alpha: 1 }],
      "namedLoss of agreementLoss: unknown option 'alpha'; it takes",
    ],
    [
      'a loss of one’s own with the name of ours',
      [impostor],
      "namedLoss: 'diceLoss' is a loss of softseg; give your own another name",
    ],
  ])('refuses %s', (_, args, message) => {
    expect(() => (namedLoss as Call)(...args)).toThrow(message);
  });
});

const batch = (): Piece => ({ xs: toTensor(randomArray([...SIZE, 2], 4, -1, 1)), ys: labels() });

function network(): tf.LayersModel {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
  const conv = tf.layers.conv2d({
    inputShape: [null, null, 2] as never,
    filters: 3,
    kernelSize: 3,
    padding: 'same',
    kernelInitializer,
  });
  return tf.sequential({ layers: [conv] });
}

function whole(loss: Loss, model: tf.LayersModel, { xs, ys, mask }: Piece) {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  return tf.variableGrads(() => loss(ys, model.apply(xs) as tf.Tensor, mask && { mask }) as tf.Scalar, variables);
}

const flat = (grads: tf.NamedTensorMap) => tf.concat(Object.values(grads).map((g) => tf.reshape(g, [-1])));

describe.each(CASES)('pieces: %s', (_, loss, named) => {
  test('in micro-batches with a mask have the value and the gradients of the whole', () => {
    const model = network();
    for (const data of [batch(), { ...batch(), mask: mask() }]) {
      const expected = whole(loss, model, data);
      const before = tf.memory().numTensors;
      const { value, grads } = accumulateGrads(named(), model, microBatches(data, 2));
      const total = lossOfPieces(named(), model, microBatches(data, 2));
      expect(tf.memory().numTensors).toBe(before + 2 + Object.keys(grads).length);
      expectClose(value, expected.value);
      expectClose(total, expected.value);
      expectClose(flat(grads), flat(expected.grads));
    }
    model.dispose();
  });

  test('in tiles have the value of the whole, and minimizePieces takes its step', () => {
    const data = batch();
    const one = tf.layers.conv2d({ inputShape: [null, null, 2] as never, filters: 3, kernelSize: 1 });
    const pixelwise = tf.sequential({ layers: [one] });
    const expected = whole(loss, pixelwise, data);
    const pieces = tiles(data, { size: 3 });
    expectClose(lossOfPieces(named(), pixelwise, pieces), expected.value);
    expectClose(flat(accumulateGrads(named(), pixelwise, pieces).grads), flat(expected.grads));
    const weights = () => tf.concat(pixelwise.getWeights().map((w) => tf.reshape(w, [-1])));
    const wanted = tf.sub(weights(), tf.mul(flat(expected.grads), 0.5));
    const optimizer = tf.train.sgd(0.5);
    const value = minimizePieces(optimizer, named(), pixelwise, pieces);
    optimizer.dispose();
    expectClose(value, expected.value);
    expectClose(weights(), wanted);
    pixelwise.dispose();
  });

  test('in withMask give the loss with that mask', () => {
    const [t, z, m] = [labels(), logits(), mask()];
    const wrapped = withMask(named());
    expect(wrapped.lossName).toBe(`withMask(${named().lossName})`);
    expectClose(wrapped(packMask(t, m), z), loss(t, z, { mask: m }));
  });

  test('in withSampleWeights give the mean of the weighted values', () => {
    const [t, z, w] = [labels(), logits(), tf.tensor1d([1, 2, 0, 0.5])];
    const wrapped = withSampleWeights(named());
    const values = loss(t, z, { reduction: 'sample' });
    expectClose(wrapped(packSampleWeights(t, w), z), tf.mean(tf.mul(values, w)));
  });
});

test('terms that need all pixels work in micro-batches, and are refused in tiles', () => {
  const [model, data] = [network(), batch()];
  const terms = [{ loss: softseg.diceLoss }, { loss: distanceLoss, weight: 2 }];
  const loss: Loss = (t, z, more) => softseg.comboLoss(t, z, { terms, ...more });
  const named = namedLoss('mineLoss', {}, loss as never) as NamedLoss;
  const expected = whole(loss, model, data);
  for (const each of [loss, named]) {
    expectClose(flat(accumulateGrads(each, model, microBatches(data, 2)).grads), flat(expected.grads));
    expect(() => lossOfPieces(each, model, tiles(data, { size: 3 }))).toThrow(
      'lossOfPieces: tiles need a loss of this package that is computed from sums; ',
    );
  }
  expect(() => lossOfPieces(distanceLoss, model, tiles(data, { size: 3 }))).toThrow(
    'distanceLoss needs all pixels at once',
  );
  model.dispose();
});

describe('a model that is saved and loaded', () => {
  const trained = async (loss: NamedLoss, losses: Record<string, Loss> = {}) => {
    const [first, other] = [oneOutput(SPATIAL, CLASSES), oneOutput(SPATIAL, CLASSES)];
    for (const model of [first, other]) model.compile({ optimizer: tf.train.sgd(0.3), loss: loss as never });
    const models = [first, other];
    try {
      await train(other, 0, 4);
      await train(first, 0, 2);
      const again = await reload(first);
      models.push(again);
      const compiled = compileSaved(again, { losses: losses as never });
      await train(again, 2, 4);
      const found = Object.values(compiled.losses)[0] as NamedLoss;
      return { found, weights: [weightsOf(again), weightsOf(other)] };
    } finally {
      discard(...models);
    }
  };

  test('continues with the terms of comboLoss', async () => {
    const terms = [{ loss: softseg.diceLoss, classes: [1] }, { loss: softseg.crossEntropyLoss }];
    const { found, weights } = await trained(namedLoss('comboLoss', { terms }) as NamedLoss);
    expect([found.lossName, found.options]).toEqual([
      'comboLoss',
      { terms: [{ loss: 'diceLoss', classes: [1] }, { loss: 'crossEntropyLoss' }] },
    ]);
    expect(weights[0]).toEqual(weights[1]);
  });

  test("continues with users' losses that are passed in, and checks their options", async () => {
    for (const [own, options] of [
      [agreementLoss, { share: 0.25 }],
      [distanceLoss, { power: 3 }],
    ] as const) {
      const named = namedLoss(own as softseg.DescribedLoss<object>, options) as NamedLoss;
      const { found, weights } = await trained(named, { [named.lossName]: own as Loss });
      expect([found.lossName, found.options]).toEqual([named.lossName, options]);
      expect(() => found.set({ nothing: 1 } as object)).toThrow(
        `namedLoss of ${named.lossName}: unknown option 'nothing'`,
      );
      expect(weights[0]).toEqual(weights[1]);
    }
  });

  test("can have a user's loss without namedLoss, since it has a name", async () => {
    const { found, weights } = await trained(agreementLoss as unknown as NamedLoss, {
      agreementLoss: agreementLoss as Loss,
    });
    expect([found.lossName, found.options]).toEqual(['agreementLoss', {}]);
    expect(weights[0]).toEqual(weights[1]);
  });

  test("refuses a user's loss that has the name of one of softseg's", async () => {
    const impostor = softseg.defineLoss({ name: 'diceLoss', options: {}, loss: (t, z) => softseg.iouLoss(t, z) });
    await expect(trained(impostor as unknown as NamedLoss)).rejects.toThrow(
      "namedLoss: 'diceLoss' is a loss of softseg; give your own another name",
    );
  });

  test("asks for a user's loss that is not passed in", async () => {
    await expect(trained(namedLoss(agreementLoss) as NamedLoss)).rejects.toThrow(
      "compileSaved: the file's loss 'agreementLoss' is not softseg's; pass it: " +
        'compileSaved(model, { losses: { agreementLoss: ... } }), got undefined',
    );
  });
});

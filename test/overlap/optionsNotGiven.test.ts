/** Only `undefined` means that an option is not given: every public function refuses null. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../support/allEntries.js';
import { ALL_LOSSES } from '../support/described.js';

type Options = Record<string, unknown>;
type Call = (options: never) => unknown;
/** A public function without its types. */
const anyFunction = (name: string) => (softseg as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!;

const labels = () => tf.fill([1, 4, 4, 2], 0.5);
const logits = () => tf.zeros([1, 4, 4, 2]);
const masks = () => tf.zeros([3, 4, 4], 'int32');
const pair =
  (name: string): Call =>
  (options) =>
    anyFunction(name)(labels(), logits(), options);
const ofOne =
  (name: string, x: () => tf.Tensor = logits): Call =>
  (options) =>
    anyFunction(name)(x(), options);
const made =
  (name: string): Call =>
  (options) =>
    new (softseg as unknown as Record<string, new (options: unknown) => unknown>)[name]!(options);
const only = (options: object, rest: object): never => ({ ...rest, ...options }) as never;

let model: tf.LayersModel;
let optimizer: tf.Optimizer;
const network = () => model;
const sgd = () => optimizer;

const pieces = () => [{ xs: tf.zeros([1, 4, 4, 3]), ys: labels() }];
const data = () => pieces()[0]!;
const accumulators = () => ({ iou: new softseg.MeanIou() });
const half = () => 0.5;

const byName = (names: string, call: (name: string) => Call): Record<string, Call> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, call(name)]),
  );

/** A call of every public function that takes options; apart from the options, its arguments are valid. */
const CALLS: Record<string, Call> = {
  ...byName(
    `${ALL_LOSSES.join(' ')} overlap
    brierScore diceScore expectedCalibrationError iouScore pixelAccuracy precisionScore recallScore tverskyScore
    averageSurfaceDistance hausdorffDistance normalizedSurfaceDice`,
    pair,
  ),
  lossFromOverlap: (o) => softseg.lossFromOverlap(softseg.diceLoss, softseg.overlap(labels(), logits()), o),
  ...byName('CalibrationError ConfusionMatrix MeanBrier MeanDice MeanIou MeanPrecision MeanRecall MeanTversky', made),
  ...byName(
    `softSkeleton signedDistance entmax entmax15 gumbelSoftmax softLabelsFromVotes softOneHot softThreshold sparsemax
    straightThroughOneHot straightThroughThreshold disagreementEntropy annotatorWeightsFromVotes`,
    ofOne,
  ),
  ...byName('softLabelsFromMasks annotatorWeightsFromMasks staple', (name) => ofOne(name, masks)),
  ...byName(
    'linearSchedule exponentialSchedule cosineSchedule',
    (name) => (options) => anyFunction(name)(only(options, { from: 1, to: 2, steps: 3 })),
  ),
  deepSupervisionLoss: (o) => softseg.deepSupervisionLoss(softseg.diceLoss, labels(), [logits()], o),
  distanceTransform: ofOne('distanceTransform', masks),
  powerSharpen: (o) => softseg.powerSharpen(labels(), 2, o),
  accumulateGrads: (o) => softseg.accumulateGrads(softseg.iouLoss, network(), pieces(), o),
  minimizePieces: (o) => softseg.minimizePieces(sgd(), softseg.iouLoss, network(), pieces(), o),
  tileGrid: (o) => softseg.tileGrid([4, 4], only(o, { size: 2 })),
  tiles: (o) => softseg.tiles(data(), only(o, { size: 2 })),
  predictTiles: (o) => softseg.predictTiles(network(), data().xs, only(o, { size: 2 })),
  namedLoss: (o) => softseg.namedLoss('diceLoss', o),
  withMask: (o) => softseg.withMask(softseg.diceLoss as never, o),
  withSampleWeights: (o) => softseg.withSampleWeights(softseg.diceLoss as never, o),
  packMask: (o) => softseg.packMask(labels(), tf.ones([1, 4, 4]), o),
  packSampleWeights: (o) => softseg.packSampleWeights(labels(), tf.ones([1]), o),
  acceptAnyTargets: (o) => softseg.acceptAnyTargets(network(), o),
  compileSaved: (o) => softseg.compileSaved(network(), o),
  saveModel: (o) => softseg.saveModel(network(), 'localstorage://x', o),
  epochBatches: (o) => softseg.epochBatches(data(), o),
  anneal: (o) => softseg.anneal({ set() {} }, { alpha: half }, o),
  saveBest: (o) => softseg.saveBest(network(), only(o, { save() {} })),
  earlyStopping: (o) => softseg.earlyStopping(network(), o),
  learningRateSchedule: (o) => softseg.learningRateSchedule(sgd(), half, o),
  warmup: (o) => softseg.warmup(half, only(o, { steps: 2 })),
  evaluateScores: (o) => softseg.evaluateScores(network(), data(), accumulators(), o),
  validationScores: (o) => softseg.validationScores(network(), data(), accumulators(), o),
  // Methods, and functions that the package returns.
  'MeanIou.update': (o) => new softseg.MeanIou().update(labels(), logits(), o),
  'MeanIou.updateAsync': (o) => new softseg.MeanIou().updateAsync(labels(), logits(), o),
  'MeanIou.fromJSON': (o) => softseg.MeanIou.fromJSON(new softseg.MeanIou().toJSON(), o),
  'namedLoss of diceLoss': (o) => softseg.namedLoss('diceLoss').set(o),
};

const WITHOUT_OPTIONS = [
  ...[
    'ArgumentError',
    'asMetric',
    'checkTrainable',
    'checkValues',
    'defineLoss',
    'defineRegionLoss',
    'enableWasmTraining',
    'kernelsInUse',
  ],
  ...['lossOfPieces', 'mergeOverlaps', 'microBatches', 'seedEpochs', 'useKernels', 'withSeed'],
];
/** Options that accept null: `state` can hold any JSON. */
const NULLABLE: Record<string, string[]> = { saveModel: ['state'] };

async function errorOf(call: Call, options: Options): Promise<string> {
  try {
    await call(options as never);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

/** The options that a function accepts, as listed in its error about an unknown one. */
async function optionsOf(call: Call): Promise<string[]> {
  const [, names] =
    /unknown option 'noSuchOption'; it takes (.*)$/s.exec(await errorOf(call, { noSuchOption: 1 })) ?? [];
  return names?.split(', ') ?? [];
}

describe('null for an option', () => {
  beforeAll(() => {
    optimizer = tf.train.sgd(0.1);
    model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4, 4, 3], units: 2 })] });
    model.compile({ optimizer, loss: softseg.iouLoss as never });
  });
  afterAll(() => {
    model.dispose();
    optimizer.dispose();
  });

  test('is tested for every public function that takes options', () => {
    const functions = Object.entries(softseg).filter(([, value]) => typeof value === 'function');
    const methods = Object.keys(CALLS).filter((name) => !(name in softseg));
    expect(functions.map(([name]) => name).sort()).toEqual(
      [...Object.keys(CALLS).filter((name) => !methods.includes(name)), ...WITHOUT_OPTIONS].sort(),
    );
  });

  test.each(Object.entries(CALLS))('is refused by %s', async (name, call) => {
    const options = await optionsOf(call);
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) {
      if (NULLABLE[name]?.includes(option)) continue;
      const message = `${option} must not be null; leave an option out, or pass undefined, for its default`;
      expect(await errorOf(call, { [option]: null })).toMatch(new RegExp(`^${name}( of diceLoss)?: ${message}$`));
    }
  });

  test('is refused by wrapped losses', () => {
    const packed = softseg.packMask(labels(), tf.ones([1, 4, 4]));
    const weighted = softseg.packSampleWeights(labels(), tf.ones([1]));
    const message = /must not be null|got null|got another one/;
    for (const options of [{ axis: null }, { mask: null }, { reduction: null }]) {
      expect(() => softseg.withMask(softseg.diceLoss as never)(packed, logits(), options)).toThrow(message);
    }
    for (const options of [{ axis: null }, { reduction: null }]) {
      expect(() => softseg.withSampleWeights(softseg.diceLoss as never)(weighted, logits(), options)).toThrow(message);
    }
  });

  test('is refused for the mask of data to score', async () => {
    const withMask = { ...data(), mask: null as never };
    await expect(softseg.evaluateScores(network(), withMask, accumulators())).rejects.toThrow(
      'evaluateScores: data.mask must be a tf.Tensor, got null',
    );
  });
});

/**
 * Calls every public function with hostile values for each of its arguments and options: it either accepts them, or
 * throws an error whose message begins with its name.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import { HOSTILE } from './hostile.js';

type AnyFunction = (...given: unknown[]) => unknown;

const soft = () => tf.tensor4d([1, 0, 0, 1], [1, 2, 1, 2]);
const logits = () => tf.tensor4d([0.5, -1, 2, 0.25], [1, 2, 1, 2]);
const table = () => softseg.overlap(soft(), logits());
const model = () => ({ predict: (xs: tf.Tensor) => tf.clone(xs) });
const piece = () => ({ xs: logits(), ys: soft() });
const network = (xs: tf.Tensor) => tf.clone(xs);
const schedule = { from: 1, to: 2, steps: 3 };

/** Valid arguments; the options come last where a function has any. */
const ARGUMENTS: Record<string, () => unknown[]> = {
  pixelAccuracy: () => [soft(), logits(), {}],
  softSkeleton: () => [soft(), {}],
  distanceTransform: () => [tf.ones([1, 2, 2]), {}],
  signedDistance: () => [soft(), {}],
  deepSupervisionLoss: () => [softseg.diceLoss, soft(), [logits()], {}],
  asMetric: () => ['name', softseg.iouScore],
  evaluateScores: () => [model(), piece(), { iou: new softseg.MeanIou() }, {}],
  validationScores: () => [model(), piece(), { iou: new softseg.MeanIou() }, {}],
  entmax: () => [logits(), {}],
  entmax15: () => [logits(), {}],
  gumbelSoftmax: () => [logits(), {}],
  powerSharpen: () => [soft(), 2, {}],
  sparsemax: () => [logits(), {}],
  softOneHot: () => [logits(), {}],
  softThreshold: () => [logits(), {}],
  straightThroughOneHot: () => [logits(), {}],
  straightThroughThreshold: () => [logits(), {}],
  linearSchedule: () => [schedule],
  exponentialSchedule: () => [schedule],
  cosineSchedule: () => [schedule],
  softLabelsFromMasks: () => [soft(), {}],
  softLabelsFromVotes: () => [soft(), {}],
  annotatorWeightsFromMasks: () => [soft(), {}],
  annotatorWeightsFromVotes: () => [soft(), {}],
  disagreementEntropy: () => [soft(), {}],
  staple: () => [soft(), {}],
  checkValues: () => ['first'],
  mergeOverlaps: () => [table(), table()],
  overlap: () => [soft(), logits(), {}],
  lossOfPieces: () => [softseg.diceLoss, network, [piece()], {}],
  microBatches: () => [piece(), 1],
  tileGrid: () => [[4], { size: 2 }],
  tiles: () => [piece(), { size: 1 }],
  predictTiles: () => [network, logits(), { size: 1 }],
  namedLoss: () => ['diceLoss', {}],
  defineLoss: () => [{ name: 'own', options: {}, loss: softseg.diceLoss }],
  defineRegionLoss: () => [{ name: 'own', options: {}, value: () => null }],
  lossFromOverlap: () => [softseg.diceLoss, table(), {}],
  packMask: () => [soft(), tf.ones([1, 2, 1]), {}],
  packSampleWeights: () => [soft(), tf.ones([1]), {}],
  withMask: () => [softseg.diceLoss, {}],
  withSampleWeights: () => [softseg.diceLoss, {}],
  epochBatches: () => [
    { xs: logits(), ys: soft() },
    { batchSize: 1, seed: 1 },
  ],
  warmup: () => [() => 1, { steps: 2 }],
  withSeed: () => [1, () => 0],
  seedEpochs: () => [1],
};
for (const name of Object.keys(softseg)) {
  if (/^[a-z].*(Loss|Score|CalibrationError|Distance|Dice)$/.test(name) && !ARGUMENTS[name]) {
    ARGUMENTS[name] = () => [soft(), logits(), {}];
  }
  if (/^(Mean|Confusion|Calibration)/.test(name)) ARGUMENTS[name] = () => [{}];
}

/**
 * Functions that need a tfjs-layers model or an optimizer, or change the backend or kernels for all others; and an
 * error class.
 */
const ELSEWHERE = [
  'ArgumentError',
  'kernelsInUse',
  'enableWasmTraining',
  'accumulateGrads',
  'minimizePieces',
  'useKernels',
  'acceptAnyTargets',
  'compileSaved',
  'checkTrainable',
  'saveModel',
  'anneal',
  'saveBest',
  'earlyStopping',
  'learningRateSchedule',
];

/** Functions whose arguments are objects of the user's; errors thrown by their properties pass through. */
const READS_OBJECTS =
  /FromOverlap$|[pP]ieces$|^(comboLoss|epochBatches|evaluateScores|mergeOverlaps|microBatches|overlap|predictTiles|tiles|validationScores)$/;

const isClass = (name: string) => /^[A-Z]/.test(name);

function call(name: string, given: unknown[]): unknown {
  const f = softseg[name as keyof typeof softseg] as unknown;
  return isClass(name) ? new (f as new (...given: unknown[]) => unknown)(...given) : (f as AnyFunction)(...given);
}

/** The error that a call throws, if any. */
async function errorOf(name: string, given: unknown[]): Promise<unknown> {
  try {
    await call(name, given);
    return null;
  } catch (error) {
    return error;
  }
}

/** The option names that a function says it takes. */
async function optionsOf(name: string, given: unknown[]): Promise<string[]> {
  const last = given.at(-1) as object;
  if (typeof last !== 'object' || last instanceof tf.Tensor || Array.isArray(last)) return [];
  const error = await errorOf(name, [...given.slice(0, -1), { ...last, 'no option': 1 }]);
  const [, names = ''] = / it takes (.*)$/.exec(error instanceof Error ? error.message : '') ?? [];
  return names === '' ? [] : names.split(', ');
}

test('every public function has arguments here, or is tested elsewhere', () => {
  const functions = Object.entries(softseg).filter(([, value]) => typeof value === 'function');
  expect(Object.keys(ARGUMENTS).concat(ELSEWHERE).sort()).toEqual(functions.map(([name]) => name).sort());
});

describe('with hostile values', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => {
    softseg.checkValues('first');
    tf.engine().endScope();
  });

  test.each(Object.entries(ARGUMENTS))('%s accepts them or says why not', async (name, make) => {
    const right = make();
    expect(await errorOf(name, right)).toBeNull();
    const faults: string[] = [];
    const check = async (where: string, kind: string, given: unknown[]) => {
      const error = await errorOf(name, given);
      const said =
        error === null || (error instanceof Error && /^[A-Za-z]+[A-Za-z.0-9]*( of \w+)?: /.test(error.message));
      const own = error === null || (error instanceof Error && error.message.startsWith(name));
      const short = !(error instanceof Error) || error.message.length < 3000;
      if (!said || !own || !short)
        faults.push(`${where} = ${kind}: ${String(error instanceof Error ? error.message.slice(0, 200) : 'no error')}`);
    };
    const options = await optionsOf(name, right);
    const hostile = HOSTILE.filter(([kind]) => {
      if (READS_OBJECTS.test(name) && /proxy|getter/.test(kind)) return false;
      return name !== 'withSeed' || kind !== 'a huge list';
    });
    for (const [kind, value] of hostile) {
      for (const i of right.keys()) await check(`argument ${i}`, kind, right.with(i, value()));
      for (const option of options) {
        await check(option, kind, right.with(-1, { ...(right.at(-1) as object), [option]: value() }));
      }
    }
    expect(faults).toEqual([]);
  });
});

test.each<[string, () => unknown]>([
  ['classes', () => softseg.signedDistance(tf.zeros([1, 2, 2], 'int32'), { classes: 2 ** 31 })],
  ['classes', () => softseg.softLabelsFromMasks(tf.zeros([1, 2], 'int32'), { classes: 2 ** 31 })],
  ['classes', () => softseg.staple(tf.zeros([2, 2], 'int32'), { classes: 2 ** 31 })],
  ['classCount', () => new softseg.ConfusionMatrix({ classCount: 2 ** 31 })],
  ['bins', () => new softseg.CalibrationError({ bins: 2 ** 31 })],
  ['iterations', () => softseg.softSkeleton(soft(), { iterations: 2 ** 31 })],
  ['tiles', () => softseg.tileGrid([2 ** 31], { size: 1 })],
])('an absurd number of %s is an error, not a crash', (name, call) => {
  expect(call).toThrow(name);
  expect(call).toThrow(/2147483648/);
});

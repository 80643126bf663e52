/** Scores as functions, and as accumulators. */
import fc from 'fast-check';
import type * as tf from '@tensorflow/tfjs-core';
import * as softsegMetrics from '../../../src/metrics/index.js';
import * as metrics from '../../reference/metrics.js';
import { sizeOf, type NdArray } from '../../reference/index.js';
import { readPixels } from '../../reference/pixels.js';
import { forOracle, isCallback, isTensorSpec, type Spec, type TensorSpec } from '../call.js';
import { Failure } from '../check.js';
import { isRepresentable, kinksOf, mayBeInfinite, passesValueChecks } from '../documented.js';
import { reversedBatch, reversedClasses } from '../relations.js';
import { defined, one, options, scene, sometimes, type Scene, type SceneRules } from '../scene.js';
import type { Subject } from '../subject.js';
import { sliced } from '../slices.js';
import { classOptions, fitClasses, optionsOf } from './losses.js';

const ALL: SceneRules = { activations: ['softmax', 'sigmoid', 'none', 'function'] };

const scoreOptions = {
  ...classOptions,
  hard: sometimes(one<boolean | 'predictions'>(true, false, 'predictions')),
  threshold: sometimes(one(0.5, 0.3, 0.9)),
  absent: sometimes(one('skip', 'penalize', 'count')),
  overlap: sometimes(one('metric', 'product')),
};
const functionOptions = {
  ...scoreOptions,
  aggregate: sometimes(one('image', 'batch')),
  reduction: sometimes(one('mean', 'sample', 'none')),
};
const tverskyOptions = { alpha: sometimes(one(0.3, 1, 0)), beta: sometimes(one(0.7, 0, 1)) };

function fitScore(given: Record<string, Spec>, each: Scene): Record<string, Spec> {
  const own = fitClasses(given, each.classes);
  if (own['reduction'] === 'sample') delete own['aggregate'];
  const { activation } = each.options;
  const softmax = activation === 'softmax' || (activation === undefined && each.classes > 1);
  if (own['confidence'] === 'top' && each.binary) delete own['confidence'];
  if (own['confidence'] === 'top') delete own['classes'];
  if (softmax || own['hard'] === undefined || own['hard'] === false) delete own['threshold'];
  return own;
}

const scoreArgs = (
  own: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<[TensorSpec, TensorSpec, Record<string, Spec>]> =>
  fc
    .tuple(scene(ALL), options(own))
    .map(([each, given]) => [each.labels, each.predictions, { ...each.options, ...fitScore(given, each) }]);

/**
 * False where a probability is at a threshold or at the border of a bin up to rounding, or two are equal up to
 * rounding: there float32 and float64 may decide differently.
 */
function isDecided(args: Spec[], places: (own: Record<string, Spec>) => readonly number[] | null): boolean {
  const own = optionsOf(args);
  const borders = places(own);
  if (borders === null) return true;
  if (isCallback(own['activation'])) return false;
  // The probabilities of such small logits are equal in float64 although the logits are not.
  if ((args[1] as TensorSpec).of.some((z) => z !== 0 && Math.abs(z) < 1e-15)) return false;
  const how = defined({
    axis: own['axis'],
    activation: own['activation'],
    sharpness: own['sharpness'],
    mask: own['mask'] && forOracle(own['mask']),
    ignoreLabel: own['ignoreLabel'],
  });
  const { pixels } = readPixels(forOracle(args[0]) as NdArray, forOracle(args[1]) as NdArray, how);
  const isFar = (p: number) => borders.every((border) => Math.abs(p - border) > 1e-5);
  return pixels.every(
    ({ probabilities, labels }) => [...probabilities, ...labels].every(isFar) && !hasNearTie(probabilities),
  );
}

function hasNearTie(values: number[]): boolean {
  const sorted = [...values].sort((a, b) => b - a);
  return sorted.length > 1 && sorted[0] !== sorted[1] && sorted[0]! - sorted[1]! < 1e-5;
}

function smallestLabel(args: Spec[]): number {
  const { mask } = optionsOf(args);
  const smallest = (spec: Spec) => (isTensorSpec(spec) ? Math.min(1, ...spec.of.filter((x) => x > 0)) : 1);
  return smallest(args[0]) * smallest(mask);
}

const isSmall = (args: Spec[]) => args.filter(isTensorSpec).every(({ shape }) => sizeOf(shape) <= 420);

function score(name: metrics.ScoreName, own: Record<string, fc.Arbitrary<unknown>> = {}): Subject {
  return {
    fn: `${name}Score`,
    args: scoreArgs({ ...functionOptions, ...own }),
    checkable: passesValueChecks,
    nonFinite: mayBeInfinite,
    differentiable: (args) => (optionsOf(args)['hard'] ? [] : [0, 1]),
    labels: 0,
    arbitrary: (args) => !isRepresentable(args),
    kinks: kinksOf,
    // Slopes with respect to labels are differences of quotients by T.
    gradientTolerance: (args) => 1e-5 / smallestLabel(args),
    oracle(args) {
      const hard = ({ hard, threshold = 0.5 }: Record<string, Spec>) => (hard ? [threshold as number, 0.5] : null);
      if (!isSmall(args) || !isDecided(args, hard) || !isRepresentable(args)) return null;
      const [labels, predictions, how] = args.map(forOracle) as [NdArray, NdArray, object];
      return [metrics.regionScore(name, labels, predictions, how)];
    },
    relations: [reversedClasses, reversedBatch],
  };
}

const perClass = { classes: classOptions.classes };

const brier: Subject = {
  fn: 'brierScore',
  args: scoreArgs({ ...perClass, reduction: sometimes(one('mean', 'sample')) }),
  checkable: passesValueChecks,
  nonFinite: mayBeInfinite,
  differentiable: () => [0, 1],
  range: (args) => [0, (args[1] as TensorSpec).shape.reduce((most, size) => Math.max(most, size), 2)],
  oracle: (args) =>
    isSmall(args) ? [metrics.brierScore(...(args.map(forOracle) as [NdArray, NdArray, object]))] : null,
  relations: [reversedClasses, reversedBatch],
};

const calibration: Subject = {
  fn: 'expectedCalibrationError',
  args: scoreArgs({ ...perClass, bins: sometimes(one(2, 3, 10)), confidence: sometimes(one('top', 'class')) }),
  checkable: passesValueChecks,
  nonFinite: mayBeInfinite,
  oracle(args) {
    const borders = ({ bins = 15 }: Record<string, Spec>) =>
      Array.from({ length: (bins as number) - 1 }, (_, i) => (i + 1) / (bins as number));
    if (!isSmall(args) || !isDecided(args, borders)) return null;
    return [metrics.expectedCalibrationError(...(args.map(forOracle) as [NdArray, NdArray, object]))];
  },
  relations: [reversedClasses, reversedBatch],
};

const accuracy: Subject = {
  fn: 'pixelAccuracy',
  args: scoreArgs({
    hard: fc.constant(true),
    threshold: scoreOptions.threshold,
    reduction: sometimes(one('mean', 'sample')),
  }).map(([labels, predictions, { hard: _, ...own }]) => [labels, predictions, own]),
  checkable: passesValueChecks,
  nonFinite: mayBeInfinite,
  oracle(args) {
    const borders = ({ threshold = 0.5 }: Record<string, Spec>) => [threshold as number, 0.5];
    if (!isSmall(args) || !isDecided(args, borders)) return null;
    return [metrics.pixelAccuracy(...(args.map(forOracle) as [NdArray, NdArray, object]))];
  },
  relations: [reversedBatch],
};

interface AnyAccumulator {
  update(labels: tf.Tensor, predictions: tf.Tensor, options?: object): this;
  merge(other: AnyAccumulator): this;
  result(): number | Record<string, number>;
  perClass?(): unknown;
  toJSON(): unknown;
  samples: number;
}
type AccumulatorClass = (new (options: unknown) => AnyAccumulator) & {
  fromJSON(json: unknown, options?: object): AnyAccumulator;
};

interface Batch {
  labels: tf.Tensor;
  predictions: tf.Tensor;
  mask?: tf.Tensor;
}

/** The results of an accumulator as numbers and lists of numbers. */
const said = (accumulator: AnyAccumulator): unknown[] => [
  accumulator.result(),
  accumulator.perClass?.() ?? [],
  accumulator.samples,
];

/**
 * Puts all batches into one accumulator. Merging one accumulator per batch in reverse, and a round trip through JSON,
 * must give the same results.
 */
function accumulate(fn: string, [how, given]: unknown[]): unknown {
  const batches = Array.isArray(given) ? given : [];
  const Class = (softsegMetrics as unknown as Record<string, AccumulatorClass>)[fn]!;
  const saw = (some: Batch[]) => {
    const accumulator = new Class(how);
    for (const batch of some) {
      const { labels, predictions, mask } = batch ?? {};
      accumulator.update(labels, predictions, ...(mask === undefined ? [] : [{ mask }]));
    }
    return accumulator;
  };
  const all = saw(batches as Batch[]);
  const first = JSON.stringify(said(all));
  const merged = [...(batches as Batch[])]
    .reverse()
    .map((batch) => saw([batch]))
    .reduce((a, b) => a.merge(b), saw([]));
  if (JSON.stringify(said(merged)) !== first)
    throw new Failure('order matters', `${first} and, merged in reverse, ${JSON.stringify(said(merged))}`);
  const { activation } = (how ?? {}) as { activation?: unknown };
  const json = JSON.parse(JSON.stringify(all)) as unknown;
  const again = Class.fromJSON(json, ...(typeof activation === 'function' ? [{ activation }] : []));
  if (JSON.stringify(said(again)) !== first)
    throw new Failure('JSON changes it', `${first} and ${JSON.stringify(said(again))}`);
  return said(all);
}

function accumulatorArgs(own: Record<string, fc.Arbitrary<unknown>>, rules: SceneRules = ALL): fc.Arbitrary<Spec[]> {
  return fc.tuple(scene({ ...rules, empty: false }), options(own), fc.nat(2)).map(([each, given, cut]) => {
    const { mask, ...how } = each.options;
    const batch = (from: number, to: number) =>
      defined({
        labels: sliced(each.labels, from, to),
        predictions: sliced(each.predictions, from, to),
        mask: mask && sliced(mask, from, to),
      });
    const at = Math.min(cut, each.samples);
    const batches = at > 0 && at < each.samples ? [batch(0, at), batch(at, each.samples)] : [batch(0, each.samples)];
    return [{ ...how, ...fitScore(given, each) }, batches];
  });
}

/** True if it holds for each batch of an accumulator, taken as the arguments of a function. */
const eachBatch = ([how, batches]: Spec[], holds: (args: Spec[]) => boolean) =>
  (batches as Record<string, TensorSpec>[]).every(({ labels, predictions, mask }) =>
    holds([labels, predictions, defined({ ...(how as object), mask })]),
  );

function accumulator(fn: string, args: fc.Arbitrary<Spec[]>, extra: Partial<Subject> = {}): Subject {
  return {
    fn,
    // Accumulators always check values, and non-finite sums are errors.
    args: args.filter((given) => eachBatch(given, (batch) => !mayBeInfinite(batch) && passesValueChecks(batch))),
    invoke: (given) => accumulate(fn, given),
    // NaN stands for classes that no sample has shown.
    mayBeNaN: true,
    arbitrary: ([how, batches]) => !eachBatch([how, batches], isRepresentable),
    share: 50,
    ...extra,
  };
}

const meanOptions = { ...scoreOptions, aggregate: sometimes(one('dataset', 'image', 'class')) };

function mean(fn: string, name: metrics.ScoreName, own: Record<string, fc.Arbitrary<unknown>> = {}): Subject {
  return accumulator(fn, accumulatorArgs({ ...meanOptions, ...own }), {
    oracle(args) {
      const hard = ({ hard, threshold = 0.5 }: Record<string, Spec>) => (hard ? [threshold as number, 0.5] : null);
      const batches = args[1] as Record<string, Spec>[];
      const decided = batches.every(({ labels, predictions, mask }) => {
        const whole = [labels, predictions, defined({ ...(args[0] as object), mask })];
        return isSmall(whole) && isDecided(whole, hard) && isRepresentable(whole);
      });
      if (!decided) return null;
      const found = metrics.meanScore(name, batches.map(forOracle) as metrics.Batch[], forOracle(args[0]) as object);
      const samples = batches.reduce((total, { labels }) => total + (labels as TensorSpec).shape[0]!, 0);
      return [found.mean, found.perClass, samples].map((value) => ({
        shape: Array.isArray(value) ? [value.length] : [],
        data: Float64Array.from([value].flat()),
      }));
    },
  });
}

export const SCORE_SUBJECTS: readonly Subject[] = [
  score('iou'),
  score('dice'),
  score('tversky', tverskyOptions),
  score('precision'),
  score('recall'),
  brier,
  calibration,
  accuracy,
  mean('MeanIou', 'iou'),
  mean('MeanDice', 'dice'),
  mean('MeanTversky', 'tversky', tverskyOptions),
  mean('MeanPrecision', 'precision'),
  mean('MeanRecall', 'recall'),
  accumulator('MeanBrier', accumulatorArgs({ ...perClass })),
  accumulator('CalibrationError', accumulatorArgs({ bins: sometimes(one(2, 10)) })),
  accumulator('ConfusionMatrix', accumulatorArgs({}, { activations: ['softmax', 'none'], mostClasses: 20 })),
];

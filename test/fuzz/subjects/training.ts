/** The training functions that take tensors, and all other exports. */
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../support/allEntries.js';
import * as distance from '../../reference/distance.js';
import * as reference from '../../reference/index.js';
import { sizeOf, type NdArray } from '../../reference/index.js';
import { forOracle, isTensorSpec, valuesOf, type Spec, type TensorSpec } from '../call.js';
import { isRepresentable, mayBeInfinite } from '../documented.js';
import { defined, logit, one, options, scene, share, sometimes, type SceneRules } from '../scene.js';
import { sliced } from '../slices.js';
import type { Subject } from '../subject.js';
import { classOptions, hasNoTies, oracleOf } from './losses.js';
import { tensor } from './relaxations.js';

type Any = (...args: unknown[]) => unknown;
const exported = (name: string) => (softseg as unknown as Record<string, Any>)[name]!;
const referenceLoss = (name: string) => (reference as unknown as Record<string, Any>)[name]!;

const LOSSES = ['iouLoss', 'diceLoss', 'comboLoss', 'crossEntropyLoss', 'focalLoss'] as const;
const plain: SceneRules = { activations: ['softmax'], options: ['mask'], empty: false };
const isSmall = (args: Spec[]) =>
  args.filter(isTensorSpec).every(({ shape }) => sizeOf(shape) > 0 && sizeOf(shape) <= 300);

/** Pieces of a batch as [{ xs, ys, mask }, ...], where xs are the predictions, which the network scales. */
const pieces = (rules: SceneRules = plain) =>
  fc.tuple(scene(rules), fc.nat(2)).map(
    ([
      {
        labels,
        predictions,
        options: { mask },
        samples,
      },
      cut,
    ]) => {
      // Values stay moderate because the gradient with respect to the network's factor adds up logits times slopes.
      const finite = { ...predictions, of: predictions.of.map((z) => (Math.abs(z) <= 10 ? z : 3)) };
      const part = (from: number, to: number) =>
        defined({ xs: sliced(finite, from, to), ys: sliced(labels, from, to), mask: mask && sliced(mask, from, to) });
      const at = Math.min(cut, samples);
      return at > 0 && at < samples ? [part(0, at), part(at, samples)] : [part(0, samples)];
    },
  );

type Piece = Record<'xs' | 'ys' | 'mask', TensorSpec | undefined>;

/** The float64 loss of the whole batch, with logits that are `factor` times xs. */
function lossOfWhole(loss: Spec, list: Spec, factor: number): NdArray[] | null {
  const all = list as Piece[];
  if (all.length === 0 || all.length > 2) return null;
  const joined = (name: keyof Piece): TensorSpec | undefined => {
    const parts = all.map((piece) => piece[name]).filter((part) => part !== undefined);
    if (parts.length === 0) return undefined;
    const [first] = parts as [TensorSpec];
    const samples = parts.reduce((total, { shape }) => total + shape[0]!, 0);
    return { ...first, shape: [samples, ...first.shape.slice(1)], of: parts.flatMap(valuesOf) };
  };
  const [xs, ys, mask] = [joined('xs')!, joined('ys')!, joined('mask')];
  if (!isSmall([xs, ys])) return null;
  const name = (loss as { callback: string }).callback;
  const scaled = { ...xs, of: xs.of.map((value) => value * factor), exact: true as const };
  return [referenceLoss(name)(forOracle(ys), forOracle(scaled), defined({ mask: mask && forOracle(mask) })) as NdArray];
}

const aLoss = one(...LOSSES).map((callback) => ({ callback }));

const network = { instance: 'a network' };

/** The value, followed by the gradients, as a list. */
const valueAndGrads = (result: unknown): unknown => {
  const { value, grads } = result as { value: tf.Tensor; grads: Record<string, tf.Tensor> };
  return [value, ...Object.values(grads)];
};

/** The pieces in reverse order, which are another batch with the same loss. */
const reversedPieces = {
  name: 'pieces in reverse',
  other: (call: { fn: string; args: Spec[] }) => {
    const at = call.args.findIndex(Array.isArray);
    const own = call.args.slice();
    own[at] = [...(own[at] as Spec[])].reverse();
    return { ...call, args: own };
  },
};

const ofPieces: readonly Subject[] = [
  {
    fn: 'accumulateGrads',
    composite: true,
    args: fc.tuple(aLoss, pieces()).map(([loss, list]) => [loss, network, list]),
    invoke: (args) => tf.tidy(() => valueAndGrads(exported('accumulateGrads')(...args)) as tf.Tensor[]),
    relations: [reversedPieces],
  },
  {
    fn: 'minimizePieces',
    composite: true,
    args: fc
      .tuple(aLoss, pieces())
      .map(([loss, list]) => [{ instance: 'an optimizer that stands still' }, loss, network, list]),
    oracle: ([, loss, , list]) => lossOfWhole(loss, list, 1.5),
    share: 40,
  },
  {
    fn: 'lossOfPieces',
    composite: true,
    args: fc.tuple(aLoss, pieces()).map(([loss, list]) => [loss, { callback: 'double' }, list]),
    oracle: ([loss, , list]) => lossOfWhole(loss, list, 2),
    relations: [reversedPieces],
  },
  {
    fn: 'microBatches',
    args: fc.tuple(pieces(), one(1, 2, 5)).map(([[piece], size]) => [piece, size]),
    invoke: (args) => {
      const { length, at } = exported('microBatches')(...args) as softseg.MicroBatches;
      return tf.tidy(() => Array.from({ length }, (_, i) => Object.values(at(i)) as tf.Tensor[]).flat());
    },
    // Hidden values are passed on to the pieces.
    mayBeNaN: true,
    share: 40,
  },
];

const grid = fc
  .record({ size: one(1, 2, 3, 5), overlap: sometimes(one(0, 1)), align: sometimes(fc.constant(1)) })
  .map((own) => {
    const fitting = defined(own);
    if (fitting['overlap'] === 1 && own.size === 1) delete fitting['overlap'];
    return fitting;
  });

/** Limits tiles to the size of the whole. */
const fitTiles = (own: Record<string, unknown>, spatial: number[]): Record<string, unknown> => {
  const size = Math.min(own['size'] as number, ...spatial);
  return size <= 1 ? { ...defined({ ...own, overlap: undefined }), size } : { ...own, size };
};

const tiled: readonly Subject[] = [
  {
    fn: 'tileGrid',
    args: fc
      .tuple(fc.array(one(1, 2, 3, 5, 8), { minLength: 1, maxLength: 3 }), grid)
      .map(([shape, own]) => [shape, fitTiles(own, shape)]),
    invoke: (args) =>
      (exported('tileGrid')(...args) as softseg.Tile[]).map(({ core }) =>
        core.size.reduce((product, size) => product * size, 1),
      ),
    // The cores cover the whole, each pixel once.
    share: 40,
  },
  {
    fn: 'tiles',
    args: fc.tuple(scene({ ...plain, leastAxes: 1, most: 100 }), grid).map(
      ([
        {
          labels,
          predictions,
          options: { mask },
          spatial,
        },
        own,
      ]) => [defined({ xs: predictions, ys: labels, mask }), fitTiles(own, spatial)],
    ),
    invoke: (args) => {
      const made = exported('tiles')(...args) as softseg.Tiles;
      return tf.tidy(() =>
        Array.from({ length: made.length }, (_, i) => Object.values(made.at(i)) as tf.Tensor[]).flat(),
      );
    },
    // Hidden values are passed on to the tiles.
    mayBeNaN: true,
    share: 30,
  },
  {
    fn: 'predictTiles',
    args: fc
      .tuple(tensor(logit, [3, 4]), grid)
      .map(([x, own]) => [{ callback: 'double' }, x, fitTiles(own, x.shape.slice(1, -1))]),
    oracle: ([, x]) => [
      { shape: (x as TensorSpec).shape, data: Float64Array.from(valuesOf(x as TensorSpec), (value) => 2 * value) },
    ],
    share: 30,
  },
];

/** Wrapped losses called with packed labels. Their value is that of the loss with the mask. */
const packed: readonly Subject[] = [
  {
    fn: 'withMask',
    composite: true,
    args: fc
      .tuple(aLoss, scene({ activations: ['softmax'], options: ['axis'], empty: false }), tensor(share, [1, 1]))
      .map(([loss, each, weights]) => {
        const { axis } = each.options;
        return [
          loss,
          each.labels,
          each.predictions,
          { ...weights, shape: [each.samples, ...each.spatial] },
          defined({ axis }),
        ];
      }),
    invoke: ([loss, labels, predictions, mask, own]) =>
      tf.tidy(() => {
        const packedLabels = softseg.packMask(labels as tf.Tensor, mask as tf.Tensor, own as object);
        return softseg.withMask(loss as never, own as object)(packedLabels, predictions as tf.Tensor);
      }),
    nonFinite: ([, labels, predictions, mask, own]) =>
      mayBeInfinite([labels, predictions, { ...(own as object), mask }]),
    oracle: ([loss, labels, predictions, mask, own]) =>
      oracleOf(
        referenceLoss((loss as { callback: string }).callback),
        300,
      )([labels, predictions, { ...(own as object), mask }]),
    share: 60,
  },
  {
    fn: 'withSampleWeights',
    composite: true,
    args: fc
      .tuple(aLoss, scene({ activations: ['softmax'], options: ['axis'], empty: false }), tensor(share, [1, 1]))
      .map(([loss, each, weights]) => {
        const { axis } = each.options;
        return [loss, each.labels, each.predictions, { ...weights, shape: [each.samples] }, defined({ axis })];
      }),
    invoke: ([loss, labels, predictions, weights, own]) =>
      tf.tidy(() => {
        const packedLabels = softseg.packSampleWeights(labels as tf.Tensor, weights as tf.Tensor, own as object);
        return softseg.withSampleWeights(loss as never, own as object)(packedLabels, predictions as tf.Tensor);
      }),
    nonFinite: ([, labels, predictions, , own]) => mayBeInfinite([labels, predictions, own]),
    oracle([loss, labels, predictions, weights, own]) {
      const name = (loss as { callback: string }).callback;
      const values = oracleOf(
        referenceLoss(name),
        300,
      )([labels, predictions, { ...(own as object), reduction: 'sample' }]);
      const factors = valuesOf(weights as TensorSpec);
      return (
        values && [
          {
            shape: [],
            data: Float64Array.of(
              values[0]!.data.reduce((sum, value, n) => sum + value * factors[n]!, 0) / factors.length,
            ),
          },
        ]
      );
    },
    share: 60,
  },
  {
    fn: 'packMask',
    args: fc
      .tuple(scene({ ...plain, options: [] }), tensor(share, [1, 1]))
      .map(([each, weights]) => [each.labels, { ...weights, shape: [each.samples, ...each.spatial] }]),
    share: 30,
  },
  {
    fn: 'packSampleWeights',
    args: fc
      .tuple(scene({ ...plain, options: [] }), tensor(share, [1, 1]))
      .map(([each, weights]) => [each.labels, { ...weights, shape: [each.samples] }]),
    share: 30,
  },
];

const named: Subject = {
  fn: 'namedLoss',
  composite: true,
  args: fc
    .tuple(
      one(...LOSSES),
      scene({ activations: ['softmax', 'sigmoid'], options: ['activation', 'sharpness', 'axis'] }),
      options(classOptions.classes ? { reduction: sometimes(one('mean', 'sum')) } : {}),
    )
    .map(([name, each, own]) => [name, { ...each.options, ...own }, each.labels, each.predictions]),
  invoke: ([name, own, labels, predictions]) => (exported('namedLoss')(name, own) as Any)(labels, predictions),
  nonFinite: ([, own, labels, predictions]) => mayBeInfinite([labels, predictions, own]),
  oracle: ([name, own, labels, predictions]) =>
    oracleOf(referenceLoss(name as string), 300)([labels, predictions, own]),
  share: 60,
};

/** Deep supervision with predictions at two scales. */
const deep: Subject = {
  fn: 'deepSupervisionLoss',
  composite: true,
  args: fc
    .tuple(
      aLoss,
      scene({ activations: ['softmax'], options: ['axis', 'mask', 'ignoreLabel'], leastAxes: 1, empty: false }),
      options({ resize: sometimes(one('average', 'nearest')), weights: sometimes(one([1, 0.5], [0, 1])) }),
      fc.nat(2),
    )
    .map(([loss, each, own, smaller]) => {
      const { predictions } = each;
      const classAxis = ((each.options.axis ?? -1) + predictions.shape.length) % predictions.shape.length;
      const shape = predictions.shape.map((size, i) =>
        i === 0 || i === classAxis ? size : Math.max(1, size - smaller),
      );
      return [loss, each.labels, [predictions, { ...predictions, shape }], { ...each.options, ...own }];
    }),
  // Values that the full scale hides may be visible at the other scale.
  nonFinite: ([, , predictions]) => (predictions as TensorSpec[]).some(({ of }) => !of.every(Number.isFinite)),
  share: 60,
};

const skeleton: Subject = {
  fn: 'softSkeleton',
  args: fc
    .tuple(tensor(share, [3, 4]), options({ iterations: sometimes(one(0, 1, 3, 5)) }))
    .map(([x, own]) => [x, own]),
  oracle: (args) =>
    isSmall(args) ? [distance.softSkeleton(forOracle(args[0]) as NdArray, forOracle(args[1]) as object)] : null,
  differentiable: () => [0],
  smooth: ([x]) => hasNoTies(x as TensorSpec),
  share: 30,
};

const data = fc.record({ xs: tensor(logit, [1, 3]), ys: tensor(share, [1, 3]) }).map(({ xs, ys }) => {
  const samples = Math.max(1, xs.shape[0]!);
  return {
    xs: { ...xs, shape: [samples, ...xs.shape.slice(1)] },
    ys: { ...ys, shape: [samples, ...ys.shape.slice(1)] },
  };
});

/** xs of shape [N, P, 2], and ys with two classes. */
const scored = fc
  .record({
    samples: one(1, 2, 3),
    pixels: one(1, 2),
    of: fc.array(logit, { minLength: 1, maxLength: 9 }),
    ys: fc.array(fc.nat(1), { minLength: 1, maxLength: 9 }),
  })
  .map(({ samples, pixels, of, ys }) => ({
    xs: { tensor: 'float32', shape: [samples, pixels, 2], of },
    ys: { tensor: 'int32', shape: [samples, pixels], of: ys },
  }));

const evaluations: readonly Subject[] = [
  {
    fn: 'evaluateScores',
    composite: true,
    mayBeNaN: true,
    args: fc
      .tuple(scored, one('a predictor', 'a compiled model'), options({ batchSize: sometimes(one(1, 2)) }))
      .map(([batch, model, own]) => [
        { instance: model },
        batch,
        { iou: { instance: 'MeanIou' }, matrix: { instance: 'ConfusionMatrix' } },
        own,
      ]),
    share: 20,
  },
  {
    fn: 'validationScores',
    composite: true,
    mayBeNaN: true,
    args: fc
      .tuple(scored, options({ batchSize: sometimes(one(1, 2)), prefix: sometimes(one('', 'val_')) }))
      .map(([batch, own]) => [{ instance: 'a predictor' }, batch, { iou: { instance: 'MeanIou' } }, own]),
    invoke: async (args) => {
      const logs: Record<string, number> = {};
      await (exported('validationScores')(...args) as softseg.ValidationCallback).onEpochEnd(0, logs);
      return logs;
    },
    share: 20,
  },
  {
    fn: 'asMetric',
    composite: true,
    args: scene({ ...plain, options: [] }).map(({ labels, predictions }) => [
      'name',
      { callback: 'iouScore' },
      labels,
      predictions,
    ]),
    invoke: ([name, score, labels, predictions]) => (exported('asMetric')(name, score) as Any)(labels, predictions),
    nonFinite: ([, , labels, predictions]) => mayBeInfinite([labels, predictions]),
    arbitrary: ([, , labels, predictions]) => !isRepresentable([labels!, predictions!]),
    share: 20,
  },
];

const epochs: Subject = {
  fn: 'epochBatches',
  args: fc
    .tuple(
      data,
      options({
        batchSize: sometimes(one(1, 2, 32)),
        seed: sometimes(one(0, 5)),
        shuffle: sometimes(fc.boolean()),
        initialEpoch: sometimes(one(0, 3)),
      }),
    )
    .map(([given, own]) => [given, own]),
  invoke: (args) => {
    const made = exported('epochBatches')(...args) as softseg.EpochBatches<tf.Tensor, tf.Tensor>;
    let sum = 0;
    for (const { xs, ys } of made.epoch(0)) sum += xs.size + ys.size;
    return sum;
  },
  oracle: ([given]) => {
    const { xs, ys } = given as Record<'xs' | 'ys', TensorSpec>;
    return [{ shape: [], data: Float64Array.of(sizeOf(xs.shape) + sizeOf(ys.shape)) }];
  },
  share: 30,
};

const numbers = one(0, 0.5, 1, 8);
const step = { callback: 'stepByStep' };

/** Callbacks and seeds, which are functions of plain values. */
const PLAIN_VALUES: readonly Subject[] = [
  {
    fn: 'withSeed',
    args: one<Spec>(0, 7, [1, 2]).map((seed) => [seed, { callback: 'constant' }]),
    oracle: () => [{ shape: [], data: Float64Array.of(0.25) }],
  },
  {
    fn: 'seedEpochs',
    args: one<Spec>(0, 7, [1, 2]).map((seed) => [seed]),
    invoke: ([seed]) => {
      const epochs = softseg.seedEpochs(seed as softseg.Seed);
      epochs.at(0);
      const drawn = Math.random();
      epochs.restore();
      return drawn;
    },
  },
  {
    fn: 'warmup',
    args: fc.tuple(one(1, 10), sometimes(numbers)).map(([steps, from]) => [step, defined({ steps, from }), 3]),
    invoke: ([schedule, own, at]) =>
      softseg.warmup(schedule as softseg.Schedule, own as softseg.WarmupOptions)(at as number),
  },
  {
    fn: 'anneal',
    composite: true,
    args: fc
      .tuple(one('a target', 'a named loss'), options({ by: sometimes(one('epoch')), prefix: sometimes(one('loss_')) }))
      .map(([target, own]) => [{ instance: target }, { sharpness: step }, own]),
    invoke: (args) => (exported('anneal')(...args) as softseg.ScheduledCallback).at(2)['sharpness'],
  },
  {
    fn: 'learningRateSchedule',
    args: fc
      .tuple(one('sgd', 'adam'), options({ by: sometimes(one('epoch', 'step')) }))
      .map(([optimizer, own]) => [{ instance: optimizer }, { callback: 'constant' }, own]),
    invoke: (args) => (exported('learningRateSchedule')(...args) as softseg.ScheduledCallback).at(2)['learningRate'],
  },
  {
    fn: 'earlyStopping',
    args: options({
      monitor: sometimes(one('val_loss', 'loss')),
      mode: sometimes(one('min', 'max')),
      patience: sometimes(one(0, 2)),
      minDelta: sometimes(one(0, 0.1)),
      best: sometimes(numbers),
      restoreBest: sometimes(fc.boolean()),
    }).map((own) => [{ instance: 'a compiled model' }, own]),
    invoke: async (args) => {
      const stopping = exported('earlyStopping')(...args) as softseg.EarlyStopping;
      stopping.onTrainBegin();
      await stopping.onEpochEnd(0, { val_loss: 1, loss: 1 });
      stopping.onTrainEnd();
    },
  },
  {
    fn: 'saveBest',
    args: options({
      monitor: sometimes(one('val_loss', 'loss')),
      mode: sometimes(one('min', 'max')),
      minDelta: sometimes(one(0, 0.1)),
      best: sometimes(numbers),
    }).map((own) => [{ instance: 'a compiled model' }, { ...own, save: { callback: 'constant' } }]),
    invoke: (args) => (exported('saveBest')(...args) as softseg.SaveBest).onEpochEnd(0, { val_loss: 1, loss: 1 }),
  },
  { fn: 'acceptAnyTargets', args: fc.constant<Spec[]>([{ instance: 'a compiled model' }]), mayRefuse: true },
  { fn: 'compileSaved', args: fc.constant<Spec[]>([{ instance: 'a model' }]), mayRefuse: true },
  { fn: 'checkTrainable', args: one('a model', 'a compiled model').map((instance) => [{ instance }]) },
  {
    fn: 'saveModel',
    args: options({ state: sometimes(one<Spec>(null, 1, 'text', [1, 2])) }).map((own) => [
      { instance: 'a compiled model' },
      { instance: 'a handler' },
      own,
    ]),
    invoke: async (args) => void (await exported('saveModel')(...args)),
  },
  { fn: 'checkValues', args: one('always', 'first', 'never').map((when) => [when]) },
  { fn: 'useKernels', args: one('auto', 'composed').map((kernels) => [kernels]) },
  { fn: 'kernelsInUse', args: fc.constant<Spec[]>([]) },
  { fn: 'enableWasmTraining', args: fc.constant<Spec[]>([]) },
];
const plainValues = PLAIN_VALUES.map((subject) => ({ share: 10, ...subject }));

export const TRAINING_SUBJECTS: readonly Subject[] = [
  ...ofPieces,
  ...tiled,
  ...packed,
  named,
  deep,
  skeleton,
  ...evaluations,
  epochs,
  ...plainValues,
];

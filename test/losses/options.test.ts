/** Every loss with every option, on every kind of labels and layout, against the float64 oracle. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { map, ndarray, type NdArray } from '../reference/index.js';
import {
  expectLikeOracle,
  hasRegion,
  isSum,
  lossNamed,
  LOSSES,
  REGION_LOSSES,
  type LossName,
  type Options,
} from '../support/oracle.js';
import { casesOf } from '../support/combinations.js';
import { ownVariants, termOf } from '../support/described.js';
import { randomArray, randomDistribution, randomIndices, randomLabels, randomLogits } from '../support/random.js';

interface Problem {
  what: string;
  labels: NdArray;
  logits: NdArray;
  /** Options that belong to the problem rather than to the tested variant. */
  options: Options;
  classes: number;
  mask: NdArray;
}

const maskOf = (shape: readonly number[], seed: number) =>
  map(randomArray(shape, seed, 0, 2), (w) => (w < 0.6 ? 0 : Math.fround(w)));

function problem(what: string, shape: number[], axis: number, kind: 'soft' | 'multilabel' | 'indices'): Problem {
  const front = axis < 0 ? axis + shape.length : axis;
  const classes = shape[front]!;
  const perPixel = shape.filter((_, i) => i !== front);
  const labels = {
    soft: () => randomDistribution(shape, 2, front),
    multilabel: () => randomLabels(shape, 2),
    indices: () => randomIndices(perPixel, 2, Math.max(classes, 2)),
  }[kind]();
  const options: Options = axis === -1 ? {} : { axis };
  if (kind === 'multilabel' && classes > 1) options['activation'] = 'sigmoid';
  return { what, labels, logits: randomLogits(shape, 1), options, classes, mask: maskOf(perPixel, 3) };
}

const problems: Problem[] = [
  problem('soft labels, no spatial axis', [5, 3], -1, 'soft'),
  problem('soft labels, 1-D', [2, 6, 4], -1, 'soft'),
  problem('soft labels, 2-D', [2, 3, 4, 3], -1, 'soft'),
  problem('soft labels, 2-D, channels first', [2, 3, 4, 3], 1, 'soft'),
  problem('soft labels, 2-D, class axis -2', [2, 4, 3, 2], -2, 'soft'),
  problem('soft labels, 3-D', [2, 2, 3, 2, 2], -1, 'soft'),
  problem('class indices, 2-D', [2, 3, 4, 3], -1, 'indices'),
  problem('class indices, 3-D, channels first', [2, 3, 2, 2, 3], 1, 'indices'),
  problem('one class, soft', [2, 3, 3, 1], -1, 'multilabel'),
  problem('one class, indices', [2, 3, 3, 1], -1, 'indices'),
  problem('multilabel, 2-D', [2, 3, 4, 3], -1, 'multilabel'),
];

const isEntropy = (loss: LossName) => ['crossEntropyLoss', 'binaryCrossEntropyLoss', 'comboLoss'].includes(loss);

/**
 * Losses that are tried on all problems. The others share everything except their formula with these, so their own
 * options, and the values allowed by option rules, are tried on a few problems.
 */
const ON_ALL: readonly LossName[] = [
  'iouLoss',
  'diceLoss',
  'tverskyLoss',
  'crossEntropyLoss',
  'binaryCrossEntropyLoss',
  'comboLoss',
];
const FEW = ['soft labels, 2-D', 'class indices, 3-D, channels first', 'one class, soft', 'multilabel, 2-D'];

/** Options by what they test; null where they have no meaning for the loss or the problem. */
function variants(loss: LossName, { what, classes, mask, labels, options }: Problem): [string, Options][] {
  const soft = labels.dtype !== 'int32';
  const weights = [0.5, 2, 1, 0.25].slice(0, classes);
  const own: [string, Options | null][] = [
    ['defaults', {}],
    ['sharpness', { sharpness: 2.5 }],
    ['mask', { mask }],
    ['mask of zeros and ones', { mask: map(mask, (w) => (w > 0 ? 1 : 0)) }],
    ['ignoreLabel', soft ? null : { ignoreLabel: 1 }],
    ['ignoreLabel and mask', soft ? null : { ignoreLabel: 0, mask }],
    ['classWeights', { classWeights: weights }],
    ['classes', classes > 1 ? { classes: [classes - 1] } : null],
    ['classes and classWeights', classes > 2 ? { classes: [2, 1], classWeights: weights } : null],
    ['reduction sum', { reduction: 'sum', mask }],
    ['reduction none', isSum(loss) ? null : { reduction: 'none', mask, classWeights: weights }],
    ['reduction sample', { reduction: 'sample', mask }],
    ['activation none', { activation: 'none' }],
    ['activation sigmoid', { activation: 'sigmoid' }],
  ];
  if (hasRegion(loss)) {
    own.push(
      ['overlap product', { overlap: 'product' }],
      ['smooth', { smooth: 1, mask }],
      ['aggregate batch', { aggregate: 'batch', mask }],
      ['absent smooth', { absent: 'smooth', smooth: 0.1 }],
      ['absent penalize', { absent: 'penalize' }],
      ['absent skip', { absent: 'skip' }],
      [
        'everything',
        { overlap: 'product', smooth: 0.5, aggregate: 'batch', mask, classWeights: weights, sharpness: 2 },
      ],
    );
  }
  if (isEntropy(loss)) {
    const binary = loss === 'binaryCrossEntropyLoss' || options['activation'] === 'sigmoid' || classes === 1;
    own.push(
      ['labelSmoothing', { labelSmoothing: 0.1 }],
      ['subtractEntropy', { subtractEntropy: true, labelSmoothing: 0.1, mask }],
    );
    if (binary && loss !== 'crossEntropyLoss') {
      const term = loss === 'comboLoss' ? { weights: { iou: 1, binaryCrossEntropy: 1 } } : {};
      own.push(
        ['posWeight', { ...term, posWeight: 3 }],
        ['posWeight per class', { ...term, posWeight: weights, labelSmoothing: 0.2 }],
      );
    }
  }
  if (FEW.includes(what) && (isEntropy(loss) || loss === 'focalLoss')) {
    own.push(
      ['hardest', { hardest: 0.3 }],
      ['hardest, mask', { hardest: 0.45, mask, classWeights: weights, reduction: 'sample' }],
      ['hardest, reduction sum', { hardest: 0.6, mask, reduction: 'sum', ...(soft ? {} : { ignoreLabel: 1 }) }],
      ['hardest, reduction none', loss === 'comboLoss' ? null : { hardest: 0.2, reduction: 'none', mask }],
    );
  }
  if (loss === 'focalLoss' || loss === 'unifiedFocalLoss') {
    const binary = options['activation'] === 'sigmoid' || classes === 1;
    own.push(['gamma below 1', { gamma: 0.3, mask }]);
    if (loss === 'focalLoss') {
      own.push(
        ['gamma 0', { gamma: 0, mask }],
        ['gamma 1', { gamma: 1, classWeights: weights }],
        ['alpha', binary ? { alpha: 0.25, classWeights: weights, mask } : null],
        ['alpha, gamma 0', binary ? { alpha: 0.25, gamma: 0, reduction: 'none' } : null],
      );
    } else {
      own.push(['lambda and delta', { lambda: 0.2, delta: 0.75, mask }], ['gamma 1', { gamma: 1 }]);
    }
  }
  if (loss === 'diceLoss' || loss === 'logCoshDiceLoss') {
    own.push(['squared', { squared: true }], ['squared, smooth', { squared: true, smooth: 1 }]);
  }
  if (loss === 'diceLoss') {
    own.push(['log', { log: true, mask }], ['log, squared', { log: true, squared: true, overlap: 'product' }]);
  }
  if (loss === 'generalizedDiceLoss') {
    own.push(
      ['weighting simple', { weighting: 'simple', classWeights: weights, mask }],
      ['weighting uniform', { weighting: 'uniform', absent: 'smooth', smooth: 0.5, reduction: 'none' }],
    );
  }
  if (loss === 'tverskyLoss') {
    own.push(
      ['alpha and beta', { alpha: 0.3, beta: 0.7 }],
      ['gamma above 1', { gamma: 4 / 3, overlap: 'product' }],
      ['gamma below 1', { gamma: 0.75, alpha: 0.2 }],
    );
  }
  if (loss === 'comboLoss') {
    own.push(
      ['Dice and Tversky, reduction none', { weights: { dice: 2, tversky: 0.5 }, alpha: 0.2, reduction: 'none' }],
      ['cross-entropy alone, reduction none', { weights: { crossEntropy: 2 }, reduction: 'none', mask }],
      ['all regions', { weights: { iou: 1, dice: 0.5, tversky: 2 }, gamma: 2, squared: true }],
      ['a term of weight 0', { weights: { iou: 0, crossEntropy: 1 } }],
      ['binary cross-entropy', { weights: { binaryCrossEntropy: 1, dice: 1 } }],
    );
  }
  if (loss === 'comboLoss' && FEW.includes(what)) {
    own.push(
      [
        'all the other regions',
        { weights: { generalizedDice: 1, logCoshDice: 0.5, mcc: 2 }, weighting: 'simple', squared: true, mask },
      ],
      ['focal and Dice', { weights: { focal: 2, dice: 1 }, gamma: 1.5, mask }],
      ['focal alone, reduction none', { weights: { focal: 2 }, reduction: 'none', mask }],
      ['focal, its hardest, and cross-entropy', { weights: { focal: 2, crossEntropy: 1, iou: 1 }, hardest: 0.4 }],
    );
  }
  if (FEW.includes(what)) own.push(...fromRules(loss, classes, options));
  return own.filter((variant): variant is [string, Options] => variant[1] !== null);
}

/** The values allowed by the rules of the loss's own options; for comboLoss, each region loss as a term. */
function fromRules(loss: LossName, classes: number, { activation }: Options): [string, Options][] {
  if (loss === 'comboLoss') {
    if (classes > 1 && activation === undefined) {
      return REGION_LOSSES.map((name) => [`with ${name}`, { weights: { [termOf(name)]: 2, crossEntropy: 0.5 } }]);
    }
    return [];
  }
  return ownVariants(loss)
    .filter((own) => !needsBinary(loss, own) || activation === 'sigmoid' || classes === 1)
    .map((own) => [`by its rule ${JSON.stringify(own)}`, own]);
}

const needsBinary = (loss: LossName, own: object) => loss === 'focalLoss' && 'alpha' in own;

const probabilities = (z: NdArray) => map(z, (value) => Math.fround(0.5 + value / 8));

const cases = LOSSES.flatMap((loss) =>
  problems
    .filter(({ what }) => ON_ALL.includes(loss) || FEW.includes(what))
    .flatMap((problem) =>
      variants(loss, problem).map(([variant, own]) => ({
        loss,
        problem,
        variant,
        options: { ...problem.options, ...own },
      })),
    ),
).filter(({ loss, options }) => loss !== 'binaryCrossEntropyLoss' || options['activation'] !== 'softmax');

describe('value and gradients equal the oracle', () => {
  test.each(casesOf(cases, ({ loss, problem, variant }) => [loss, problem.what, variant]))(
    '$loss, $problem.what: $variant',
    ({ loss, problem, options }) => {
      const logits = options['activation'] === 'none' ? probabilities(problem.logits) : problem.logits;
      expectLikeOracle(loss, problem.labels, logits, options);
    },
  );
});

describe('labels can have several dtypes and shapes', () => {
  const logits = randomLogits([2, 3, 3], 1);
  const indices = ndarray([0, 2, 1, 1, 0, 0], [2, 3]);
  for (const loss of LOSSES) {
    test(`${loss} reads bool and int32 one-hot labels as 0 and 1, and indices with a class axis of 1`, () => {
      tf.tidy(() => {
        const z = tf.tensor(Float32Array.from(logits.data), logits.shape);
        const index = tf.tensor(Float32Array.from(indices.data), [2, 3]).cast('int32');
        const oneHot = tf.oneHot(index, 3);
        const run = lossNamed(loss);
        const value = run(oneHot.cast('float32'), z).dataSync()[0];
        expect(run(oneHot, z).dataSync()[0]).toBe(value);
        expect(run(oneHot.cast('bool'), z).dataSync()[0]).toBe(value);
        expect(run(index, z).dataSync()[0]).toBe(value);
        expect(run(index.expandDims(-1), z).dataSync()[0]).toBe(value);
        const first = run(index.expandDims(1), z.transpose([0, 2, 1]), { axis: 1 }).dataSync()[0]!;
        expect(first).toBeCloseTo(value!, 6);
      });
    });
  }
});

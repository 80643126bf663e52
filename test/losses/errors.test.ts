/** Bad input gives an error that names the function, the rule and the values received. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, comboLoss, crossEntropyLoss, iouLoss, lossFromOverlap, overlap } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { ALL_LOSSES, ownRules, refusedValues, termOf } from '../support/described.js';
import { hasRegion, lossNamed, LOSSES } from '../support/oracle.js';

const labels = () => tf.fill([2, 4, 4, 3], 1 / 3);
const logits = () => tf.zeros([2, 4, 4, 3]);
const disposed = () => {
  const tensor = tf.zeros([2, 4, 4, 3]);
  tensor.dispose();
  return tensor;
};

/** Arguments that every loss refuses, and the message without the function's name. */
const REFUSED: [string, () => [unknown, unknown, object?], string][] = [
  [
    'shapes that differ in the classes',
    () => [labels(), tf.zeros([2, 4, 4, 2])],
    'labels [2,4,4,3] and predictions [2,4,4,2] differ on the class axis (-1)',
  ],
  [
    'shapes that differ elsewhere',
    () => [tf.zeros([1, 4, 5, 3]), logits()],
    'labels [1,4,5,3] and predictions [2,4,4,3] differ on axis 0 and axis 2',
  ],
  [
    'shapes of different rank',
    () => [tf.zeros([2, 4]), logits()],
    'labels [2,4] must have the shape of the predictions [2,4,4,3], or, as class indices, [2,4,4] or [2,4,4,1]',
  ],
  [
    'class indices that are floats',
    () => [tf.zeros([2, 4, 4]), logits()],
    'class indices must be int32, got float32 labels [2,4,4] for predictions [2,4,4,3]; ' +
      'soft labels have the shape of the predictions',
  ],
  [
    'string labels',
    () => [tf.tensor(['a', 'b'], [2, 1]), tf.zeros([2, 1])],
    'labels must be float32, int32 or bool, got string',
  ],
  [
    'predictions that are ints',
    () => [labels(), tf.zeros([2, 4, 4, 3], 'int32')],
    'predictions must be float32, got int32',
  ],
  [
    'predictions without a class axis',
    () => [labels(), tf.zeros([4])],
    'predictions must be [N, ...spatial, C], got shape [4]',
  ],
  ['no predictions at all', () => [tf.zeros([0, 3]), tf.zeros([0, 3])], 'predictions of shape [0,3] hold no value'],
  [
    'an axis out of range',
    () => [labels(), logits(), { axis: 4 }],
    'axis must be an integer in 1..3 or -3..-1 for shape [2,4,4,3], got 4',
  ],
  [
    'the batch axis',
    () => [labels(), logits(), { axis: 0 }],
    'axis must be an integer in 1..3 or -3..-1 for shape [2,4,4,3], got 0',
  ],
  [
    'a broken axis',
    () => [labels(), logits(), { axis: 1.5 }],
    'axis must be an integer in 1..3 or -3..-1 for shape [2,4,4,3], got 1.5',
  ],
  ['labels that are not a tensor', () => [[[1, 0]], tf.zeros([1, 2])], 'labels must be a tf.Tensor, got [[1,0]]'],
  ['predictions that are missing', () => [labels(), undefined], 'predictions must be a tf.Tensor, got undefined'],
  ['disposed labels', () => [disposed(), logits()], 'labels [2,4,4,3] is a disposed tensor'],
  ['disposed predictions', () => [labels(), disposed()], 'predictions [2,4,4,3] is a disposed tensor'],
  [
    'an unknown option',
    () => [labels(), logits(), { smoothing: 1 }],
    "unknown option 'smoothing'; it takes activation, sharpness,",
  ],
  [
    'options that are not an object',
    () => [labels(), logits(), 1 as unknown as object],
    'options must be an object, got 1',
  ],
  [
    'a tensor for options',
    () => [labels(), logits(), tf.zeros([2])],
    'options must be an object, got a float32 tensor of shape [2]',
  ],
  [
    'an unknown activation',
    () => [labels(), logits(), { activation: 'relu' }],
    "activation must be 'softmax', 'sigmoid', 'none' or a function, got \"relu\"",
  ],
  [
    'softmax over one class',
    () => [tf.zeros([2, 1]), tf.zeros([2, 1]), { activation: 'softmax' }],
    "activation 'softmax' needs at least two classes (over one it is always 1); use 'sigmoid'",
  ],
  ['sharpness 0', () => [labels(), logits(), { sharpness: 0 }], 'sharpness must be a number > 0, got 0'],
  ['sharpness NaN', () => [labels(), logits(), { sharpness: NaN }], 'sharpness must be a number > 0, got NaN'],
  [
    'sharpness without an activation',
    () => [labels(), logits(), { activation: 'none', sharpness: 2 }],
    "sharpness goes with activation 'softmax' or 'sigmoid', not with 'none', got 2",
  ],
  [
    'sharpness with a function',
    () => [labels(), logits(), { activation: tf.sigmoid, sharpness: 2 }],
    "sharpness goes with activation 'softmax' or 'sigmoid', not with a function, got 2",
  ],
  [
    'an activation that changes the shape',
    () => [labels(), logits(), { activation: () => tf.zeros([3]) }],
    'the activation function must keep shape [2,4,4,3] and float32, got a float32 tensor of shape [3]',
  ],
  [
    'a mask of the wrong shape',
    () => [labels(), logits(), { mask: tf.zeros([2, 4, 5]) }],
    'mask must have shape [2,4,4] ([N, ...spatial]) for predictions [2,4,4,3], got [2,4,5]',
  ],
  [
    'a mask of strings',
    () => [
      labels(),
      logits(),
      {
        mask: tf.tensor(
          Array.from({ length: 32 }, () => 'a'),
          [2, 4, 4],
        ),
      },
    ],
    'mask must be bool or int32 or float32, got string',
  ],
  ['a mask that is not a tensor', () => [labels(), logits(), { mask: [1] }], 'mask must be a tf.Tensor, got [1]'],
  [
    'a sentinel that is a label',
    () => [labels(), logits(), { ignoreLabel: 0 }],
    'ignoreLabel must lie outside [0, 1] for soft labels, got 0',
  ],
  [
    'class weights of the wrong length',
    () => [labels(), logits(), { classWeights: [1, 2] }],
    'classWeights must be a list of 3 numbers, one per class, got [1,2]',
  ],
  [
    'negative class weights',
    () => [labels(), logits(), { classWeights: [1, -2, 1] }],
    'classWeights[1] must be a number >= 0, got -2',
  ],
  [
    'classes that do not exist',
    () => [labels(), logits(), { classes: [3] }],
    "classes must be 'all' or a list of different class indices in 0..2, got [3]",
  ],
  [
    'no classes',
    () => [labels(), logits(), { classes: [] }],
    "classes must be 'all' or a list of different class indices in 0..2, got []",
  ],
  [
    'an unknown reduction',
    () => [labels(), logits(), { reduction: 'average' }],
    "reduction must be 'mean', 'sum', 'none', 'sample', got \"average\"",
  ],
];

const REGION_REFUSED: typeof REFUSED = [
  ['negative smooth', () => [labels(), logits(), { smooth: -1 }], 'smooth must be a number >= 0, got -1'],
  [
    'an unknown overlap',
    () => [labels(), logits(), { overlap: 'sum' }],
    "overlap must be 'metric', 'product', got \"sum\"",
  ],
  [
    'an unknown treatment of absent classes',
    () => [labels(), logits(), { absent: 0 }],
    "absent must be 'skip', 'penalize', 'smooth', got 0",
  ],
  [
    'an unknown aggregate',
    () => [labels(), logits(), { aggregate: 'all' }],
    "aggregate must be 'image', 'batch', got \"all\"",
  ],
  [
    'values per sample of a whole batch',
    () => [labels(), logits(), { aggregate: 'batch', reduction: 'sample' }],
    "reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample",
  ],
];

const OWN_REFUSED: [(typeof LOSSES)[number], object, string][] = [
  ['diceLoss', { squared: 1 }, 'squared must be true or false, got 1'],
  ['tverskyLoss', { alpha: -1 }, 'alpha must be a number >= 0, got -1'],
  ['tverskyLoss', { beta: '1' }, 'beta must be a number >= 0, got "1"'],
  ['tverskyLoss', { gamma: 0 }, 'gamma must be a number > 0, got 0'],
  ['diceLoss', { log: 'yes' }, 'log must be true or false, got "yes"'],
  ['logCoshDiceLoss', { squared: 1 }, 'squared must be true or false, got 1'],
  ['logCoshDiceLoss', { log: true }, "unknown option 'log'"],
  ['generalizedDiceLoss', { weighting: 'cube' }, "weighting must be 'square', 'simple', 'uniform', got \"cube\""],
  ['mccLoss', { gamma: 2 }, "unknown option 'gamma'"],
  ['focalLoss', { gamma: -1 }, 'gamma must be a number >= 0, got -1'],
  ['focalLoss', { alpha: 0.5 }, 'alpha goes with sigmoid only; classWeights is for softmax'],
  ['focalLoss', { alpha: 2, activation: 'sigmoid' }, 'alpha must be a number in [0, 1], got 2'],
  ['focalLoss', { labelSmoothing: 0.1 }, "unknown option 'labelSmoothing'"],
  ['focalLoss', { hardest: 0 }, 'hardest must be a number in (0, 1], got 0'],
  ['crossEntropyLoss', { hardest: 1.5 }, 'hardest must be a number in (0, 1], got 1.5'],
  ['binaryCrossEntropyLoss', { hardest: '1' }, 'hardest must be a number in (0, 1], got "1"'],
  ['unifiedFocalLoss', { lambda: 2 }, 'lambda must be a number in [0, 1], got 2'],
  ['unifiedFocalLoss', { delta: 1 }, 'delta must be a number between 0 and 1, got 1'],
  ['unifiedFocalLoss', { gamma: 0 }, 'gamma must be a number in (0, 1], got 0'],
  ['unifiedFocalLoss', { reduction: 'none' }, "reduction must be 'mean', 'sum' or 'sample', got 'none'"],
  ['crossEntropyLoss', { labelSmoothing: 1.5 }, 'labelSmoothing must be a number in [0, 1], got 1.5'],
  ['crossEntropyLoss', { subtractEntropy: 'yes' }, 'subtractEntropy must be true or false, got "yes"'],
  ['crossEntropyLoss', { smooth: 1 }, "unknown option 'smooth'"],
  ['crossEntropyLoss', { posWeight: 1 }, "unknown option 'posWeight'"],
  [
    'binaryCrossEntropyLoss',
    { posWeight: [1, 2] },
    'posWeight must be a number or a list of 3 numbers, one per class, got [1,2]',
  ],
  ['binaryCrossEntropyLoss', { posWeight: -1 }, 'posWeight must be a number >= 0, got -1'],
  ['binaryCrossEntropyLoss', { posWeight: 2, subtractEntropy: true }, 'posWeight does not go with subtractEntropy'],
  [
    'binaryCrossEntropyLoss',
    { activation: 'softmax' },
    "activation must be 'sigmoid', 'none' or a function, got 'softmax'",
  ],
  ['comboLoss', { weights: {} }, 'weights must be an object such as { iou: 1, crossEntropy: 1 }, got {}'],
  [
    'comboLoss',
    { weights: { jaccard: 1 } },
    "unknown term 'jaccard' in weights; it takes binaryCrossEntropy, boundary, clDice, crossEntropy, dice, focal, " +
      'generalizedDice, hausdorff, iou, ',
  ],
  [
    'comboLoss',
    { weights: { jaccard: 1 } },
    `unknown term 'jaccard' in weights; it takes ${ALL_LOSSES.filter((name) => name !== 'comboLoss')
      .map(termOf)
      .join(', ')}`,
  ],
  ['comboLoss', { weights: { iou: -1 } }, 'weights.iou must be a number >= 0, got -1'],
  [
    'comboLoss',
    { alpha: 1 },
    "option 'alpha' goes with the terms focal, hausdorff, tversky; weights has iou, crossEntropy",
  ],
  [
    'comboLoss',
    { reduction: 'none' },
    "reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got iou, crossEntropy",
  ],
  [
    'comboLoss',
    { reduction: 'none', weights: { generalizedDice: 1, dice: 1 } },
    "reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got generalizedDice, dice",
  ],
  [
    'comboLoss',
    { gamma: 2, weights: { tversky: 1, focal: 1 } },
    "option 'gamma' means one thing to tversky and another to focal: use terms, each with options of its own",
  ],
  ['comboLoss', { posWeight: 2 }, "option 'posWeight' goes with the terms binaryCrossEntropy; weights has iou, crossE"],
  [
    'comboLoss',
    { posWeight: 2, weights: { crossEntropy: 1, binaryCrossEntropy: 1 } },
    "option 'posWeight' is for binaryCrossEntropy only, which shares its pass with crossEntropy: use one of them",
  ],
  [
    'comboLoss',
    { weights: { binaryCrossEntropy: 1, crossEntropy: 1 }, activation: 'none' },
    "crossEntropy and binaryCrossEntropy together need activation 'sigmoid'",
  ],
];

type Anything = (...args: unknown[]) => tf.Tensor;

describe.each(LOSSES)('%s refuses', (name) => {
  test.each(hasRegion(name) ? [...REFUSED, ...REGION_REFUSED] : REFUSED)('%s', (_, args, message) => {
    const call = () => (lossNamed(name) as Anything)(...args());
    expect(call).toThrow(Error);
    expect(call).toThrow(`${name}: ${message}`);
  });
});

describe('options of a single loss:', () => {
  test.each(OWN_REFUSED)('%s refuses %j', (name, options, message) => {
    expect(() => lossNamed(name)(labels(), logits(), options)).toThrow(`${name}: ${message}`);
  });
});

describe('the rules of such options:', () => {
  const rows = ALL_LOSSES.flatMap((name) =>
    ownRules(name).flatMap(([option, rule]) =>
      refusedValues(rule).map(([value, message]) => [name, option, value, message] as const),
    ),
  );
  test.each(rows)('%s refuses %s: %p', (name, option, value, message) => {
    const call = () => lossNamed(name)(tf.zeros([2, 4, 4, 3]), logits(), { activation: 'sigmoid', [option]: value });
    expect(call).toThrow(`${name}: ${option} ${message}`);
  });
});

describe('tables of overlap', () => {
  test('need the sums that the loss reads', () => {
    const table = overlap(labels(), logits(), { sums: ['predicted', 'labelled'] });
    expect(() => lossFromOverlap(iouLoss, table)).toThrow("lossFromOverlap: the table has no 'minimum'");
    expect(() => lossFromOverlap(crossEntropyLoss, table)).toThrow("lossFromOverlap: the table has no 'crossEntropy'");
    expect(() => lossFromOverlap(iouLoss, {})).toThrow(
      'lossFromOverlap: takes a table of overlap() with at least one sum',
    );
    const all = overlap(labels(), logits());
    const broken: [object, string][] = [
      [{ ...all, minimum: 3 }, "the table's minimum must be a tf.Tensor, got 3"],
      [{ ...all, minimum: tf.zeros([2]) }, "the table's minimum must be [N, C], got a float32 tensor of shape [2]"],
      [{ ...all, minimum: tf.zeros([2, 5]) }, "the table's minimum [2,5] and"],
      [{ ...all, valid: [{}] }, "the table's valid must be a tf.Tensor, got"],
      [{ ...all, valid: tf.zeros([2, 1]) }, "the table's valid must have shape [2] to match"],
    ];
    for (const [table, message] of broken)
      expect(() => lossFromOverlap(iouLoss, table)).toThrow(`lossFromOverlap: ${message}`);
    // Entries that are not sums are ignored.
    const more = { ...all, smoth: undefined, extra: 3 };
    expectClose(
      lossFromOverlap(iouLoss, more, { aggregate: 'batch' }),
      lossFromOverlap(iouLoss, all, { aggregate: 'batch' }),
    );
    const entropies = overlap(labels(), logits(), { sums: ['crossEntropy'] });
    expect(() => lossFromOverlap(crossEntropyLoss, entropies, { reduction: 'none' as 'mean' })).toThrow(
      "lossFromOverlap: reduction must be 'mean', 'sum' or 'sample', got 'none'",
    );
  });
});

describe('value checks', () => {
  afterEach(() => checkValues('first'));

  const distribution = () =>
    tf.tensor([
      [
        [0.2, 0.8],
        [1, 0],
      ],
    ]);
  const z = () => tf.zeros([1, 2, 2]);
  const WRONG: [string, () => [tf.Tensor, tf.Tensor, object?], string][] = [
    [
      'labels above 1',
      () => [
        tf.tensor([
          [
            [0, 1],
            [-0.5, 1.5],
          ],
        ]),
        z(),
      ],
      'labels must lie in [0, 1], got -0.5 at sample 0, position [1]',
    ],
    [
      'labels that are NaN',
      () => [
        tf.tensor([
          [
            [0, 1],
            [NaN, 0],
          ],
        ]),
        z(),
      ],
      'labels must lie in [0, 1], got NaN at sample 0, position [1]',
    ],
    [
      'labels that do not sum to 1 under softmax',
      () => [
        tf.tensor([
          [
            [0, 1],
            [0.7, 0.7],
          ],
        ]),
        z(),
      ],
      'labels of a pixel must sum to 1 under softmax, got 1.4 at sample 0, position [1]',
    ],
    [
      'logits that are NaN',
      () => [
        distribution(),
        tf.tensor([
          [
            [0, NaN],
            [0, 0],
          ],
        ]),
      ],
      'predictions must not be NaN, got NaN at sample 0, position [0]',
    ],
    [
      'class indices >= C',
      () => [tf.tensor([[0, 2]], [1, 2], 'int32'), z()],
      'class indices in labels must lie in 0..1, got 2 at sample 0, position [1]',
    ],
    [
      'class indices < 0',
      () => [tf.tensor([[0, -1]], [1, 2], 'int32'), z()],
      'class indices in labels must lie in 0..1, got -1 at sample 0, position [1]',
    ],
    [
      'probabilities above 1',
      () => [distribution(), tf.fill([1, 2, 2], 1.5), { activation: 'none' }],
      'probabilities must lie in [0, 1], got 1.5 at sample 0, position [0]',
    ],
    [
      'negative weights',
      () => [distribution(), z(), { mask: tf.tensor([[1, -1]]) }],
      'mask values must be finite numbers >= 0, got -1',
    ],
    [
      'weights that are NaN',
      () => [distribution(), z(), { mask: tf.tensor([[1, NaN]]) }],
      'mask values must be finite numbers >= 0, got NaN',
    ],
  ];

  test.each(WRONG)('refuse %s, unless they are off', (_, args, message) => {
    const call = () => (comboLoss as Anything)(...args());
    // The second call of a kind is also checked, because the first one failed.
    for (let i = 0; i < 2; i++) expect(call).toThrow(`comboLoss: ${message}`);
    checkValues('always');
    expect(call).toThrow(`comboLoss: ${message}`);
    checkValues('never');
    expect(call).not.toThrow();
  });

  test('accept valid labels, sums other than 1 under sigmoid, and pixels that do not count', () => {
    checkValues('always');
    comboLoss(distribution(), z());
    comboLoss(
      tf.tensor([
        [
          [0.7, 0.7],
          [0, 0],
        ],
      ]),
      z(),
      { activation: 'sigmoid' },
    );
    comboLoss(
      tf.tensor([
        [
          [0.2, 0.8],
          [NaN, 7],
        ],
      ]),
      z(),
      { mask: tf.tensor([[1, 0]]) },
    );
    comboLoss(
      tf.tensor([
        [
          [0.2, 0.8],
          [-1, -1],
        ],
      ]),
      z(),
      { ignoreLabel: -1 },
    );
    comboLoss(tf.tensor([[0, 9]], [1, 2], 'int32'), z(), { ignoreLabel: 9 });
  });

  test('name the position in two spatial dimensions', () => {
    checkValues('always');
    const bad = tf.tensor([0, 0, 0, 0, 0, 2], [1, 2, 3, 1]);
    expect(() => lossNamed('diceLoss')(bad, tf.zeros([1, 2, 3, 1]))).toThrow('got 2 at sample 0, position [1,2]');
  });

  test('run always, on first calls, or never', () => {
    expect(() => checkValues(true as unknown as 'always')).toThrow(
      "checkValues: when must be 'always', 'first', 'never', got true",
    );
  });
});

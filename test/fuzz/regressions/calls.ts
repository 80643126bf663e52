import type { Call, TensorSpec } from '../call.js';

const float = (shape: number[], of: number[]): TensorSpec => ({ tensor: 'float32', shape, of });
const int = (shape: number[], of: number[]): TensorSpec => ({ tensor: 'int32', shape, of });
const empty = (...shape: number[]) => float(shape, []);

/** Calls that once failed, as the fuzzer printed them. */
export const CALLS: readonly Call[] = [
  // On wasm, tf.sign of small numbers is 0.
  { fn: 'iouScore', args: [float([1, 2], [1, 0]), float([1, 2], [30, 0]), { absent: 'penalize' }] },
  { fn: 'diceScore', args: [float([1, 2], [1, 0]), float([1, 2], [30, 0]), { absent: 'penalize' }] },
  { fn: 'lovaszSoftmaxLoss', args: [float([1, 4, 1], [1e-20]), float([1, 4, 1], [-120, 0])] },
  // The gradient of tf.div squares the denominator.
  { fn: 'iouLoss', args: [float([1, 4], [1, 0, 0, 0]), float([1, 4], [104, 0, 0.028, 0])] },
  { fn: 'tverskyScore', args: [float([1, 4], [1, 0, 0, 0]), float([1, 4], [104, 1.638, 0, 104]), {}] },
  { fn: 'precisionScore', args: [float([1, 1], [0]), float([1, 1], [-60]), { classes: [0] }] },
  {
    fn: 'lossFromOverlap',
    args: [float([1, 4], [1, 0, 0, 0]), float([1, 4], [104, 0, 0.028, 0]), {}, {}, {}, 'diceLoss'],
  },
  { fn: 'generalizedDiceLoss', args: [float([1, 4], [5e-12, 0.5]), float([1, 4], [0]), { classes: [0] }] },
  // On wasm, the sum over an axis of size 0 is uninitialised memory, and a transposition divides by 0.
  { fn: 'softLabelsFromMasks', args: [int([0], []), { classes: 2, absentLabel: -1 }] },
  { fn: 'softLabelsFromMasks', args: [int([1, 0, 2], []), { classes: 2, annotatorAxis: -1 }] },
  { fn: 'annotatorWeightsFromMasks', args: [int([0, 2, 4, 1], []), { annotatorAxis: -3 }] },
  { fn: 'annotatorWeightsFromMasks', args: [int([0, 2, 4], []), {}] },
  { fn: 'annotatorWeightsFromVotes', args: [empty(4, 0), { normalize: true, axis: -1 }] },
  { fn: 'disagreementEntropy', args: [empty(0, 3, 1, 3), { axis: 1 }] },
  { fn: 'softOneHot', args: [empty(0, 2, 2), { axis: 1 }] },
  { fn: 'powerSharpen', args: [empty(0, 3, 4), 1, { axis: 1 }] },
  { fn: 'sparsemax', args: [empty(0)] },
  { fn: 'entmax15', args: [empty(1, 0, 3, 2), { axis: 2 }] },
  { fn: 'entmax', args: [empty(0, 1), { axis: 0 }] },
  { fn: 'straightThroughOneHot', args: [empty(0)] },
  { fn: 'straightThroughOneHot', args: [float([1], [0])] },
  { fn: 'gumbelSoftmax', args: [float([1], [0]), { hard: true, seed: 7 }] },
  { fn: 'signedDistance', args: [empty(0, 3, 2), { axis: 1 }] },
  { fn: 'epochBatches', args: [{ xs: empty(1, 0), ys: float([1], [0]) }, {}] },
  // The threshold of a large alpha was wrong.
  { fn: 'entmax', args: [float([4], [0]), { alpha: 100 }] },
  { fn: 'entmax', args: [float([4], [-0.001, -0.001, 0, -0.001]), { alpha: 10 }] },
  // These arguments are ones that no function expects.
  {
    fn: 'diceLoss',
    args: [float([1, 1], [0]), float([1, 1], [0]), { mask: { hostile: 'a circular object' } }],
    wild: true,
  },
  {
    fn: 'iouLoss',
    args: [float([1, 1], [0]), float([1, 1], [0]), { axis: { hostile: 'an object with a BigInt' } }],
    wild: true,
  },
  { fn: 'softOneHot', args: [{ hostile: 'a list of BigInts' }], wild: true },
  { fn: 'sparsemax', args: [{ hostile: 'a revoked proxy' }], wild: true },
  { fn: 'entmax', args: [{ hostile: 'a proxy that answers everything' }], wild: true },
  { fn: 'tileGrid', args: [{ hostile: 'undefined' }, { size: 1 }], wild: true },
  {
    fn: 'namedLoss',
    args: ['iouLoss', { axis: { hostile: 'a circular object' } }, empty(0, 1), empty(0, 1)],
    wild: true,
  },
  {
    fn: 'lossFromOverlap',
    args: [
      float([1, 4], [0]),
      float([1, 4], [0]),
      {},
      {},
      { valid: { hostile: 'a list with a circular object' } },
      'crossEntropyLoss',
    ],
    wild: true,
  },
  {
    fn: 'lossFromOverlap',
    args: [
      float([1, 1], [0]),
      float([1, 1], [0]),
      {},
      { aggregate: 'batch' },
      { smoth: { hostile: 'undefined' } },
      'generalizedDiceLoss',
    ],
    wild: true,
  },
  {
    fn: 'accumulateGrads',
    args: [
      { callback: 'iouLoss' },
      { callback: 'double' },
      [{ xs: float([1, 1], [0]), ys: float([1, 1], [0]) }],
      { variables: [] },
    ],
    wild: true,
  },
];

import { isLossName, LOSSES } from '../../src/training/lossRegistry.js';

/**
 * The smallest and largest value of each function's result, as docs/definitions.md gives them, for the default
 * reductions and weights. The ranges of losses are in their descriptions. Subjects whose options widen a range say so.
 * -log of a Dice coefficient is at most -log 1e-6 + 1 (14.8); the logarithm of a probability is at least -1e9.
 */
export type Range = readonly [least: number, most: number];

const SHARE: Range = [0, 1];
const POSITIVE: Range = [0, Infinity];
const ANY: Range = [-Infinity, Infinity];

export const RANGES: Readonly<Record<string, Range>> = {
  // The range in its description is rounded.
  diceLoss: [0, 1 - Math.log(1e-6)],
  softSkeleton: SHARE,

  iouScore: SHARE,
  diceScore: SHARE,
  tverskyScore: SHARE,
  precisionScore: SHARE,
  recallScore: SHARE,
  brierScore: [0, 2],
  expectedCalibrationError: SHARE,
  pixelAccuracy: SHARE,
  hausdorffDistance: POSITIVE,
  averageSurfaceDistance: POSITIVE,
  normalizedSurfaceDice: SHARE,
  distanceTransform: POSITIVE,

  softOneHot: SHARE,
  softThreshold: SHARE,
  powerSharpen: SHARE,
  straightThroughOneHot: SHARE,
  straightThroughThreshold: SHARE,
  gumbelSoftmax: SHARE,
  sparsemax: SHARE,
  entmax15: SHARE,
  entmax: SHARE,

  annotatorWeightsFromMasks: POSITIVE,
  annotatorWeightsFromVotes: POSITIVE,
};

export function rangeOf(fn: string): Range {
  return RANGES[fn] ?? (isLossName(fn) ? LOSSES[fn].description.range : ANY);
}

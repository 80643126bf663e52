/**
 * Checks of the sums of a pass, where these are read back anyway: impossible sums reveal labels or probabilities
 * outside [0, 1]. N samples, C classes.
 */
import { fail } from '../checks.js';
import type { PassSum, SumSet } from '../kernels/contract.js';

/** The rounding error that is allowed for a sum, as a share of the weight of the pixels. */
const TOLERANCE = 1e-4;

/** A cross-entropy per pixel, with or without the entropy subtracted, never falls this low if labels lie in [0, 1]. */
const LOWEST_ENTROPY = -0.5;

/** The values that are out of [0, 1] if a sum is not between 0 and `valid`. A cross-entropy has no upper bound. */
const CAUSES: Partial<Record<PassSum, string>> = {
  intersection: 'labels and probabilities',
  predicted: 'probabilities',
  labelled: 'labels',
  difference: 'labels and probabilities',
  minimum: 'labels and probabilities',
  predictedSquared: 'probabilities',
  labelledSquared: 'labels',
  crossEntropy: 'labels',
};

/** Refuses sums [S,N,C] that labels and probabilities in [0, 1] cannot have. NaN is let through: the loss shows it. */
export function checkSums(
  sums: ArrayLike<number>,
  names: SumSet,
  [, samples, classes]: readonly [number, number, number],
  /** The number of pixels of each sample; null if `valid` is among the sums. */
  pixels: number | null,
): void {
  const size = samples * classes;
  const valid = pixels === null ? names.indexOf('valid') * size : -1;
  names.forEach((name, s) => {
    const cause = CAUSES[name];
    if (cause === undefined) return;
    for (let i = 0; i < size; i++) {
      const most = pixels ?? sums[valid + i]!;
      const sum = sums[s * size + i]!;
      const [low, high] = name === 'crossEntropy' ? [LOWEST_ENTROPY, Infinity] : [-TOLERANCE, 1 + TOLERANCE];
      if (!(sum < low * most || sum > high * most)) continue;
      const where = `sample ${Math.floor(i / classes)}, class ${i % classes}`;
      fail(
        `${cause} must lie in [0, 1], but the sum '${name}' of ${where} is ${Number(sum.toPrecision(6))}, and the ` +
          `weight of its pixels is ${most}; checkValues('always') finds the pixel`,
      );
    }
  });
}

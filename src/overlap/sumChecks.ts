/** Checks of the sums of a pass where they are in memory anyway: they show labels outside [0, 1]. N samples, C classes. */
import { fail } from '../checks.js';
import type { PassSum, SumSet } from '../kernels/contract.js';

/** How far rounding may carry a sum out of its range, as a share of the weight of the pixels. */
const TOLERANCE = 1e-4;

/** A cross-entropy, less an entropy or not, is never so far below 0 per pixel if labels lie in [0, 1]. */
const LOWEST_ENTROPY = -0.5;

/** The values that must lie in [0, 1] for a sum to lie between 0 and `valid`. A cross-entropy has no upper bound. */
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

/** Refuses sums [S,N,C] that no labels and probabilities in [0, 1] can have. NaN passes: it shows by itself. */
export function checkSums(
  sums: ArrayLike<number>,
  names: SumSet,
  [, samples, classes]: readonly [number, number, number],
  /** The pixels of each sample, where `valid` is not among the sums. */
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
        `${cause} must lie in [0, 1], but the sum '${name}' of ${where} is ${Number(sum.toPrecision(6))}, where the ` +
          `pixels weigh ${most}; checkValues('always') finds the pixel`,
      );
    }
  });
}

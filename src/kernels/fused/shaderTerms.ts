/**
 * The sums and their slopes for one pixel and class, as expressions that WGSL and GLSL have in common. The programs
 * around them define x.p (the probability), t (the label), c (the class), g (the upstream gradient) and the functions.
 */
import type { PassActivation, PassSum, SumSet, Wrt } from '../contract.js';

/** The summand of each sum, without the pixel's weight. */
export const SUMMANDS: Record<PassSum, string> = {
  intersection: 'x.p * t',
  predicted: 'x.p',
  labelled: 't',
  difference: 'abs(x.p - t)',
  minimum: 'minimumOf(x.p, t)',
  predictedSquared: 'x.p * x.p',
  labelledSquared: 't * t',
  crossEntropy: 'entropyOf(x, t, c)',
  valid: '1.0',
};

/** The slopes of the sums with respect to p and to t, times g; that of the cross-entropy is longer. */
export const SLOPES: Record<Wrt, Partial<Record<PassSum, string>>> = {
  predictions: {
    intersection: 't * g',
    predicted: 'g',
    difference: 'signOf(x.p - t) * g',
    minimum: '(0.5 - 0.5 * signOf(x.p - t)) * g',
    predictedSquared: '2.0 * x.p * g',
  },
  labels: {
    intersection: 'x.p * g',
    labelled: 'g',
    difference: 'signOf(t - x.p) * g',
    minimum: '(0.5 - 0.5 * signOf(t - x.p)) * g',
    labelledSquared: '2.0 * t * g',
  },
};

/** A statement that adds the slope of the cross-entropy: with respect to p, or through the activation to its logit. */
export function entropySlopeOfPredictions(activation: PassActivation, binary: boolean): string {
  const on = 'smoothed(t) * positiveOf(c)';
  const slopes = {
    softmax: 'slope -= smoothed(t) * g;',
    sigmoid: `slope += ((1.0 - smoothed(t)) * x.p - ${on} * x.rest) * g;`,
    none: binary
      ? `slope += ((1.0 - smoothed(t)) / atLeast(1.0 - x.p, SMALLEST_PROBABILITY)
        - ${on} / atLeast(x.p, SMALLEST_PROBABILITY)) * g;`
      : 'slope -= smoothed(t) / atLeast(x.p, SMALLEST_PROBABILITY) * g;',
  };
  return slopes[activation];
}

/** Slopes of a focal term, times g, with respect to p - t and, through its balance, to t. */
export const FOCAL_SLOPES = {
  deviation: 'focalSlopeOf(x.p - t) * balanceOf(t) * plainEntropyOf(x, t, c) * g',
  balance: 'focalFactorOf(x.p - t) * balanceSlopeOf() * plainEntropyOf(x, t, c) * g',
};

/**
 * True unless the gradient of all these sums is 0. For sums of labels alone, the gradient with respect to the
 * predictions is.
 */
export function hasSlope(sums: SumSet, wrt: Wrt): boolean {
  return sums.some((sum) => sum === 'crossEntropy' || SLOPES[wrt][sum]);
}

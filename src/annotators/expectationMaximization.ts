/** STAPLE's expectation maximization (Warfield et al. 2004), in float64 on patterns of answers. */
import { largest } from '../extremes.js';
import type { Patterns } from './patterns.js';

export interface Estimate {
  /** The probability of each class before anybody answers. */
  prior: Float64Array;
  /** For each annotator C×C: at [truth·C + answer] the probability of the answer where the truth is that class. */
  confusion: Float64Array[];
}

export interface Consensus extends Estimate {
  /** For each pattern C probabilities, one pattern after the other. */
  posterior: Float64Array;
  iterations: number;
  converged: boolean;
}

export interface Limits {
  tolerance: number;
  maxIterations: number;
  /** Whether each step takes the prior of the posterior's mean, too. */
  updatePrior: boolean;
}

export function maximizeExpectation(
  patterns: Patterns,
  start: Estimate,
  { tolerance, maxIterations, updatePrior }: Limits,
): Consensus {
  let estimate = start;
  let posterior = posteriorOf(patterns, estimate);
  for (let iterations = 1; ; iterations++) {
    const next = estimateFrom(patterns, posterior, estimate, updatePrior);
    const converged = largestChange(estimate, next) <= tolerance;
    estimate = next;
    posterior = posteriorOf(patterns, estimate);
    if (converged || iterations >= maxIterations) return { ...estimate, posterior, iterations, converged };
  }
}

/** Sums of logarithms: the product of many annotators' probabilities would underflow. */
function posteriorOf({ answers }: Patterns, { prior, confusion }: Estimate): Float64Array {
  const classes = prior.length;
  const logPrior = prior.map(Math.log);
  const logConfusion = confusion.map((own) => own.map(Math.log));
  const posterior = new Float64Array(answers.length * classes);
  answers.forEach((given, k) => {
    const row = posterior.subarray(k * classes, (k + 1) * classes);
    row.set(logPrior);
    logConfusion.forEach((own, a) => {
      if (given[a]! < 0) return;
      for (let c = 0; c < classes; c++) row[c]! += own[c * classes + given[a]!]!;
    });
    // Finite: some class had a share in this pattern, so every answer in it has a probability > 0 under that class.
    const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
    let total = 0;
    for (let c = 0; c < classes; c++) total += row[c] = Math.exp(row[c]! - largest);
    for (let c = 0; c < classes; c++) row[c]! /= total;
  });
  return posterior;
}

/** What no pixel tells anything about (a class that nowhere is the truth, an annotator who never looked) stays as it was. */
function estimateFrom(
  { answers, counts }: Patterns,
  posterior: Float64Array,
  before: Estimate,
  updatePrior: boolean,
): Estimate {
  const classes = before.prior.length;
  const confusion = before.confusion.map((own, a) => {
    const sums = new Float64Array(classes * classes);
    answers.forEach((given, k) => {
      if (given[a]! < 0) return;
      for (let c = 0; c < classes; c++) {
        sums[c * classes + given[a]!]! += counts[k]! * posterior[k * classes + c]!;
      }
    });
    return normalizedRows(sums, own, classes);
  });
  if (!updatePrior) return { prior: before.prior, confusion };
  const shares = new Float64Array(classes);
  posterior.forEach((share, i) => (shares[i % classes]! += counts[Math.floor(i / classes)]! * share));
  return { prior: normalizedRows(shares, before.prior, classes), confusion };
}

/** Each row of `width` sums divided by its total, or as it is in `otherwise` where the total is 0. */
export function normalizedRows(sums: Float64Array, otherwise: Float64Array, width: number): Float64Array {
  return sums.map((value, i) => {
    const start = i - (i % width);
    const total = sums.subarray(start, start + width).reduce((a, b) => a + b, 0);
    return total > 0 ? value / total : otherwise[i]!;
  });
}

function largestChange(a: Estimate, b: Estimate): number {
  const between = (x: Float64Array, y: Float64Array) =>
    x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
  return largest([between(a.prior, b.prior), ...a.confusion.map((own, k) => between(own, b.confusion[k]!))]);
}

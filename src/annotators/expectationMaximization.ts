/** STAPLE's expectation maximization (Warfield et al. 2004), in float64 on patterns of answers. */
import { largest } from '../extremes.js';
import type { Patterns } from './patterns.js';

export interface Estimate {
  /** The probability of each class before anybody answers. */
  prior: Float64Array;
  /**
   * For each annotator C×C: at [answer·C + truth] the probability of the answer where the truth is that class. What one
   * answer says about all classes lies together, because that is what both steps read.
   */
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
  const logPrior = logarithms(prior);
  const logConfusion = confusion.map(logarithms);
  const posterior = new Float64Array(answers.length * classes);
  answers.forEach((given, k) => {
    const row = posterior.subarray(k * classes, (k + 1) * classes);
    row.set(logPrior);
    logConfusion.forEach((own, a) => {
      const start = given[a]! * classes;
      if (start < 0) return;
      for (let c = 0; c < classes; c++) row[c]! += own[start + c]!;
    });
    // Finite: some class had a share in this pattern, so every answer in it has a probability > 0 under that class.
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) if (row[c]! > largest) largest = row[c]!;
    let total = 0;
    for (let c = 0; c < classes; c++) total += row[c] = Math.exp(row[c]! - largest);
    for (let c = 0; c < classes; c++) row[c]! /= total;
  });
  return posterior;
}

function logarithms(values: Float64Array): Float64Array {
  const logs = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) logs[i] = Math.log(values[i]!);
  return logs;
}

/** Parameters without evidence (a class that nowhere is the truth, an annotator who never looked) stay as they were. */
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
      const start = given[a]! * classes;
      if (start < 0) return;
      for (let c = 0; c < classes; c++) sums[start + c]! += counts[k]! * posterior[k * classes + c]!;
    });
    return normalizedColumns(sums, own, classes);
  });
  if (!updatePrior) return { prior: before.prior, confusion };
  const shares = new Float64Array(classes);
  posterior.forEach((share, i) => (shares[i % classes]! += counts[Math.floor(i / classes)]! * share));
  return { prior: normalized(shares, before.prior), confusion };
}

/** Sums divided by their total; `otherwise` where that is 0. */
export function normalized(sums: Float64Array, otherwise: Float64Array): Float64Array {
  return normalizedColumns(sums, otherwise, 1);
}

/** Rows of `width` sums; each column divided by its total, or as it is in `otherwise` where the total is 0. */
function normalizedColumns(sums: Float64Array, otherwise: Float64Array, width: number): Float64Array {
  const totals = new Float64Array(width);
  for (let start = 0; start < sums.length; start += width) {
    for (let i = 0; i < width; i++) totals[i]! += sums[start + i]!;
  }
  const shares = new Float64Array(sums.length);
  for (let start = 0; start < sums.length; start += width) {
    for (let i = 0; i < width; i++) {
      shares[start + i] = totals[i]! > 0 ? sums[start + i]! / totals[i]! : otherwise[start + i]!;
    }
  }
  return shares;
}

function largestChange(a: Estimate, b: Estimate): number {
  const between = (x: Float64Array, y: Float64Array) => {
    let most = 0;
    for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]! - y[i]!));
    return most;
  };
  return largest([between(a.prior, b.prior), ...a.confusion.map((own, k) => between(own, b.confusion[k]!))]);
}

/** STAPLE's expectation maximization (Warfield et al. 2004), in float64, over the distinct patterns of answers. */
import { largest } from '../extremes.js';
import type { Patterns } from './patterns.js';

/** The parameters that are estimated. */
export interface Estimate {
  /** The prior probability of each class. */
  prior: Float64Array;
  /**
   * The C×C probabilities of each annotator: the entry [answer·C + truth] is the probability of the answer where the
   * true class is `truth`. The entries of one answer are next to each other, because both steps read them together.
   */
  confusion: Float64Array[];
}

/** The result: the parameters and the consensus. */
export interface Consensus extends Estimate {
  /** The probabilities of the C classes for each pattern, pattern by pattern. */
  posterior: Float64Array;
  iterations: number;
  converged: boolean;
}

export interface Limits {
  tolerance: number;
  maxIterations: number;
  /** True if each step also sets the prior to the mean of the posterior. */
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

/**
 * The probabilities of the classes for each pattern. They are computed from sums of logarithms, because the product of
 * many annotators' probabilities would underflow.
 */
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
    // The largest is finite: a class that had a share in this pattern gives each of the pattern's answers a probability
    // > 0.
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

/**
 * The parameters that follow from the posterior. Those without evidence (of a class that is true nowhere, or of an
 * annotator who never looked) keep their previous values.
 */
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

/** The sums divided by their total, or `otherwise` if that is 0. */
export function normalized(sums: Float64Array, otherwise: Float64Array): Float64Array {
  return normalizedColumns(sums, otherwise, 1);
}

/** Rows of `width` sums, with each column divided by its total, or taken from `otherwise` if its total is 0. */
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

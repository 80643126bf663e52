/**
 * Annotators in float64, from the definitions: each pixel separately, with sums of logarithms, without grouping equal
 * pixels.
 */
import { at, linesAlong, map, ndarray, resolveAxis, sum, zeros, type NdArray } from './ndarray.js';

export interface StapleOptions {
  classes?: number;
  annotatorAxis?: number;
  absentLabel?: number;
  prior?: 'votes' | 'updated' | number | readonly number[];
  initial?: number;
  tolerance?: number;
  maxIterations?: number;
  missing?: number;
}

export interface StapleResult {
  consensus: NdArray;
  /** confusion[annotator][truth][answer]. */
  confusion: number[][][];
  prior: number[];
  iterations: number;
  converged: boolean;
}

export function staple(masks: NdArray, options: StapleOptions = {}): StapleResult {
  const { absentLabel, prior = 'votes', initial = 0.99999, missing = -1 } = options;
  const { tolerance = 1e-7, maxIterations = 1000 } = options;
  const C = options.classes ?? 2;
  const classes = Array.from({ length: C }, (_, c) => c);
  const axis = resolveAxis(options.annotatorAxis ?? 0, masks.shape.length);
  const annotators = Array.from({ length: masks.shape[axis]! }, (_, a) => a);
  // For each pixel, the answer of each annotator; null where the annotator did not look.
  const pixels = linesAlong(masks, axis).map((line) =>
    line.map((k) => at(masks.data, k)).map((value) => (value === absentLabel ? null : value)),
  );
  const known = pixels.flatMap((answers, i) => (answers.every((d) => d === null) ? [] : [i]));
  const seen = pixels.flatMap((answers) => answers.filter((d) => d !== null));

  let shares: number[];
  if (typeof prior === 'number') shares = [1 - prior, prior];
  else if (typeof prior !== 'string') shares = [...prior];
  else shares = classes.map((c) => (seen.length === 0 ? 1 / C : seen.filter((d) => d === c).length / seen.length));
  let confusion = annotators.map(() =>
    classes.map((s) => classes.map((d) => (s === d ? initial : (1 - initial) / (C - 1)))),
  );

  const expected = () =>
    pixels.map((answers) => {
      const logs = classes.map(
        (s) => Math.log(shares[s]!) + sum(annotators.map((a) => logOf(confusion[a]![s]!, answers[a]!))),
      );
      const largest = Math.max(...logs);
      const weights = logs.map((x) => Math.exp(x - largest));
      return weights.map((x) => x / sum(weights));
    });

  let W = expected();
  for (let iterations = 1; ; iterations++) {
    const newConfusion = annotators.map((a) =>
      classes.map((s) => {
        const looked = pixels.flatMap((answers, i) => (answers[a] === null ? [] : [i]));
        const total = sum(looked.map((i) => W[i]![s]!));
        if (total === 0) return confusion[a]![s]!;
        return classes.map((d) => sum(looked.map((i) => (pixels[i]![a] === d ? W[i]![s]! : 0))) / total);
      }),
    );
    const newShares =
      prior === 'updated' && known.length > 0
        ? classes.map((s) => sum(known.map((i) => W[i]![s]!)) / known.length)
        : [...shares];
    const change = Math.max(
      ...newShares.map((share, s) => Math.abs(share - shares[s]!)),
      ...newConfusion.flat(2).map((value, i) => Math.abs(value - confusion.flat(2)[i]!)),
    );
    [confusion, shares] = [newConfusion, newShares];
    W = expected();
    const converged = change <= tolerance;
    if (!converged && iterations < maxIterations) continue;
    const shown = pixels.map((answers, i) => (answers.every((d) => d === null) ? classes.map(() => missing) : W[i]!));
    const shape = masks.shape.filter((_, a) => a !== axis);
    const consensus =
      options.classes === undefined
        ? ndarray(
            shown.map((row) => row[1]!),
            shape,
          )
        : ndarray(shown.flat(), [...shape, C]);
    return { consensus, confusion, prior: shares, iterations, converged };
  }
}

const logOf = (row: readonly number[], answer: number | null) => (answer === null ? 0 : Math.log(row[answer]!));

export function annotatorWeightsFromMasks(
  masks: NdArray,
  {
    annotatorAxis = 0,
    absentLabel,
    normalize = true,
  }: { annotatorAxis?: number; absentLabel?: number; normalize?: boolean } = {},
): NdArray {
  const axis = resolveAxis(annotatorAxis, masks.shape.length);
  const counts = linesAlong(masks, axis).map((line) => line.filter((k) => at(masks.data, k) !== absentLabel).length);
  return weights(
    counts,
    masks.shape.filter((_, a) => a !== axis),
    normalize,
  );
}

export function annotatorWeightsFromVotes(
  votes: NdArray,
  { axis = -1, normalize = true }: { axis?: number; normalize?: boolean } = {},
): NdArray {
  const front = resolveAxis(axis, votes.shape.length);
  const counts = linesAlong(votes, front).map((line) => sum(line.map((k) => at(votes.data, k))));
  return weights(
    counts,
    votes.shape.filter((_, a) => a !== front),
    normalize,
  );
}

function weights(counts: number[], shape: readonly number[], normalize: boolean): NdArray {
  const positive = counts.filter((count) => count > 0);
  const mean = positive.length > 0 ? sum(positive) / positive.length : 1;
  return ndarray(normalize ? counts.map((count) => count / mean) : counts, shape);
}

export function disagreementEntropy(
  labels: NdArray,
  options: { axis?: number; binary?: boolean; normalize?: boolean; ignoreLabel?: number } = {},
): NdArray {
  const { axis = -1, binary = false, normalize = false, ignoreLabel } = options;
  const h = (t: number) => (t === 0 ? 0 : -t * Math.log(t));
  const two = (t: number) => (t === ignoreLabel ? 0 : (h(t) + h(1 - t)) / (normalize ? Math.log(2) : 1));
  if (binary) return map(labels, two);
  const front = resolveAxis(axis, labels.shape.length);
  const C = labels.shape[front]!;
  const result = zeros(labels.shape.filter((_, a) => a !== front));
  linesAlong(labels, front).forEach((line, pixel) => {
    const values = line.map((k) => at(labels.data, k));
    if (values.includes(ignoreLabel as number)) return;
    result.data[pixel] = C === 1 ? two(values[0]!) : sum(values.map(h)) / (normalize ? Math.log(C) : 1);
  });
  return result;
}

/**
 * The loss of a whole that is computed piece by piece. Each piece is summarized by a few tensors, the summaries are
 * joined, and the loss is a function of the joined summary. A loss that depends only on sums over pixels has those sums
 * as its summary; any other loss has all logits.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { currentFunction, inFunction } from '../../argumentError.js';
import { checkTensor, fail, show, showShape } from '../../checks.js';
import { sumSet } from '../../kernels/contract.js';
import { resolveLoss } from '../../losses/descriptions/makeLoss.js';
import {
  descriptionOf,
  type LossFunction,
  type PassDescription,
  type ResolvedLoss,
} from '../../losses/descriptions/lossDescription.js';
import type { LossInputs } from '../../overlap/inputs.js';
import { lossOfPass, sumsOfTerm } from '../../overlap/lossOfSums.js';
import type { PassSums, SumTerm } from '../../overlap/sumsFormula.js';
import { descriptionInside, isNamedLoss, type NamedLoss } from '../boundLoss.js';
import type { Piece } from './pieces.js';

/** A loss of this package, passed directly or as a `namedLoss`, or any function from labels and logits to a scalar. */
export type PieceLoss = NamedLoss | LossFunction | ((labels: Tensor, predictions: Tensor) => Tensor);

/** The part of a piece that is kept. It is a type and not an interface, so that tf.tidy accepts it. */
export type Summary = {
  /** The tensors that gradients flow through: sums [S,N,C] for each term, or the logits. */
  parts: Tensor[];
  /** The labels, and the mask if there is one, for losses that need them for the whole. */
  kept: Tensor[];
};

export interface WholeLoss {
  /** The summary of a piece. Called inside tf.tidy. */
  summarize(piece: Piece, logits: Tensor): Summary;
  /** The summary of the whole. Called inside tf.tidy. */
  join(summaries: readonly Summary[]): Summary;
  /** Splits the parts of the whole into those of each piece, in order. Called inside tf.tidy. */
  split(parts: readonly Tensor[], summaries: readonly Summary[]): Tensor[][];
  /** The loss, of any shape (see checkScalar). Called inside tf.tidy. */
  value(parts: readonly Tensor[], kept: readonly Tensor[]): Tensor;
}

/**
 * Throws if the loss is not a scalar. Do not call it inside tf.grads, which leaks tensors when something throws there.
 */
export function checkScalar(value: Tensor): asserts value is Scalar {
  if (value.rank !== 0) fail(`the loss must be a scalar, got shape ${showShape(value.shape)}`);
}

export function resolveWholeLoss(loss: unknown, kind: 'samples' | 'tiles'): WholeLoss {
  if (typeof loss !== 'function') fail(`loss must be a function, got ${show(loss)}`);
  const description = isNamedLoss(loss) ? descriptionInside(loss) : descriptionOf(loss);
  const options = isNamedLoss(loss) ? loss.options : {};
  // Options decide whether a loss can be computed from sums. They are resolved with the first piece.
  let chosen: WholeLoss | undefined;
  const choose = (piece: Piece, logits: Tensor): WholeLoss => {
    const resolve = description?.resolve && resolverOf({ ...description, resolve: description.resolve }, options);
    if (resolve?.(piece, logits).loss.others.length === 0) return wholeFromSums(resolve, kind);
    if (kind === 'tiles') {
      const name = isNamedLoss(loss) ? loss.lossName : (description?.name ?? 'this one');
      fail(`tiles need a loss of this package that is computed from sums; ${name} needs all pixels at once`);
    }
    return wholeFromLogits(loss as LossFunction);
  };
  return {
    summarize: (piece, logits) => (chosen ??= choose(piece, logits)).summarize(piece, logits),
    join: (summaries) => chosen!.join(summaries),
    split: (parts, summaries) => chosen!.split(parts, summaries),
    value: (parts, kept) => chosen!.value(parts, kept),
  };
}

type Resolve = (piece: Piece, logits: Tensor) => { inputs: LossInputs; loss: ResolvedLoss };

function resolverOf(description: PassDescription, options: object): Resolve {
  return ({ ys, mask }, logits) =>
    inFunction(description.name, () => resolveLoss(description, ys, logits, mask ? { ...options, mask } : options));
}

function wholeFromSums(resolve: Resolve, kind: 'samples' | 'tiles'): WholeLoss {
  let terms: readonly SumTerm[] = [];
  /** The unit of each term's sums: that of the first piece. */
  let units: readonly number[] | undefined;
  return {
    summarize(piece, logits) {
      const { inputs, loss } = resolve(piece, logits);
      terms = loss.terms;
      if (terms.some(({ formula }) => formula.shape(1).length > 0)) fail(`reduction must be 'mean' or 'sum'`);
      const sums = terms.map((term) => sumsOfTerm(inputs, term));
      const common = (units ??= sums.map(({ unit }) => unit));
      return { parts: sums.map((each, t) => withValid(each, common[t]!)), kept: [] };
    },
    join: (summaries) => ({
      kept: [],
      parts: terms.map((_, t) => {
        const sums = summaries.map(({ parts }) => parts[t]!);
        if (kind === 'samples') return tf.concat(sums, 1);
        const shapes = new Set(sums.map(({ shape }) => showShape(shape.slice(1))));
        if (shapes.size > 1) fail(`tiles must have the same samples and classes, got ${[...shapes].join(' and ')}`);
        return tf.addN(sums);
      }),
    }),
    split(parts, summaries) {
      if (kind === 'tiles') return summaries.map(() => [...parts]);
      return splitAlong(1, parts, summaries);
    },
    value: (parts) =>
      tf.addN(
        terms.map(({ formula, weight }, t) => {
          const names = sumSet([...formula.sums, 'valid'] as const);
          const sums = { values: parts[t] as Tensor3D, names, unit: units![t]!, pixels: null, fn: currentFunction };
          return tf.mul(lossOfPass(sums, formula), weight);
        }),
      ),
  };
}

/**
 * The sums in the given unit, with the sum 'valid', which is missing if there are no pixel weights; it is then the
 * number of pixels.
 */
function withValid({ values, unit, pixels }: PassSums, wanted: number): Tensor3D {
  const [, samples, classes] = values.shape;
  const sums = unit === wanted ? values : tf.mul<Tensor3D>(values, unit / wanted);
  if (pixels === null) return sums;
  return tf.concat([sums, tf.fill<tf.Rank.R3>([1, samples, classes], pixels / wanted)], 0);
}

function wholeFromLogits(loss: LossFunction): WholeLoss {
  return {
    summarize: ({ ys, mask }, logits) => ({ parts: [logits], kept: mask ? [ys, mask] : [ys] }),
    join(summaries) {
      const counts = new Set(summaries.map(({ kept }) => kept.length));
      if (counts.size > 1) fail('some pieces have a mask, and some have none');
      const joinedAt = (lists: readonly (readonly Tensor[])[], i: number) =>
        tf.concat(lists.map((list) => list[i]!), 0); // prettier-ignore
      const joined = (lists: readonly (readonly Tensor[])[]) => lists[0]!.map((_, i) => joinedAt(lists, i));
      return { parts: joined(summaries.map(({ parts }) => parts)), kept: joined(summaries.map(({ kept }) => kept)) };
    },
    split: (parts, summaries) => splitAlong(0, parts, summaries),
    value([logits], [labels, mask]) {
      const value = mask ? loss(labels!, logits!, { mask }) : loss(labels!, logits!);
      checkTensor('the loss', value);
      return value;
    },
  };
}

/** Splits the parts of the whole along an axis, by the sizes of the summaries. */
function splitAlong(axis: number, parts: readonly Tensor[], summaries: readonly Summary[]): Tensor[][] {
  const sizes = summaries.map((summary) => summary.parts[0]!.shape[axis]!);
  const cuts = parts.map((part) => tf.split(part, sizes, axis));
  return summaries.map((_, i) => cuts.map((pieces) => pieces[i]!));
}

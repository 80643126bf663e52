/**
 * A loss of a whole that is seen piece by piece. Each piece is summarized by a few tensors, the summaries are joined, and
 * the loss is a function of them: of sums over pixels where the loss takes nothing else, else of all logits.
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
import { lossOfPass, sumsOfTerm, type PassSums, type SumTerm } from '../../overlap/sumsFormula.js';
import { descriptionInside, isNamedLoss, type NamedLoss } from '../boundLoss.js';
import type { Piece } from './pieces.js';

/** A loss of this package, by itself or as a `namedLoss`, or any function from labels and logits to a scalar. */
export type PieceLoss = NamedLoss | LossFunction | ((labels: Tensor, predictions: Tensor) => Tensor);

/** What is kept of a piece. (A type, so that tf.tidy takes it.) */
export type Summary = {
  /** Differentiable: [S,N,C] for each term on sums; or the logits. */
  parts: Tensor[];
  /** Labels, and the mask or nothing, where the loss needs them for the whole. */
  kept: Tensor[];
};

export interface WholeLoss {
  /** Inside tf.tidy. */
  summarize(piece: Piece, logits: Tensor): Summary;
  /** The summary of the whole. Inside tf.tidy. */
  join(summaries: readonly Summary[]): Summary;
  /** The parts of the whole that belong to each piece; in order. Inside tf.tidy. */
  split(parts: readonly Tensor[], summaries: readonly Summary[]): Tensor[][];
  /** The loss, whatever its shape: see checkScalar. Inside tf.tidy. */
  value(parts: readonly Tensor[], kept: readonly Tensor[]): Tensor;
}

/** Not inside tf.grads, which keeps tensors when something throws there. */
export function checkScalar(value: Tensor): asserts value is Scalar {
  if (value.rank !== 0) fail(`the loss must be a scalar, got shape ${showShape(value.shape)}`);
}

export function resolveWholeLoss(loss: unknown, of: 'samples' | 'tiles'): WholeLoss {
  if (typeof loss !== 'function') fail(`loss must be a function, got ${show(loss)}`);
  const description = isNamedLoss(loss) ? descriptionInside(loss) : descriptionOf(loss);
  const options = isNamedLoss(loss) ? loss.options : {};
  // Whether a loss is one of sums may depend on options; the first piece tells.
  let chosen: WholeLoss | undefined;
  const choose = (piece: Piece, logits: Tensor): WholeLoss => {
    const resolve = description?.resolve && resolverOf({ ...description, resolve: description.resolve }, options);
    if (resolve?.(piece, logits).loss.others.length === 0) return ofSums(resolve, of);
    if (of === 'tiles') {
      const name = isNamedLoss(loss) ? loss.lossName : (description?.name ?? 'this one');
      fail(`tiles need a loss of this package that is made of sums; ${name} takes all pixels at once`);
    }
    return ofLogits(loss as LossFunction);
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

function ofSums(resolve: Resolve, of: 'samples' | 'tiles'): WholeLoss {
  let terms: readonly SumTerm[] = [];
  return {
    summarize(piece, logits) {
      const { inputs, loss } = resolve(piece, logits);
      terms = loss.terms;
      if (terms.some(({ formula }) => formula.shape(1).length > 0)) fail(`reduction must be 'mean' or 'sum'`);
      return { parts: terms.map((term) => withValid(sumsOfTerm(inputs, term))), kept: [] };
    },
    join: (summaries) => ({
      kept: [],
      parts: terms.map((_, t) => {
        const sums = summaries.map(({ parts }) => parts[t]!);
        if (of === 'samples') return tf.concat(sums, 1);
        const shapes = new Set(sums.map(({ shape }) => showShape(shape.slice(1))));
        if (shapes.size > 1) fail(`tiles must have the same samples and classes, got ${[...shapes].join(' and ')}`);
        return tf.addN(sums);
      }),
    }),
    split(parts, summaries) {
      if (of === 'tiles') return summaries.map(() => [...parts]);
      return splitAlong(1, parts, summaries);
    },
    value: (parts) =>
      tf.addN(
        terms.map(({ formula, weight }, t) => {
          const names = sumSet([...formula.sums, 'valid'] as const);
          const sums = { values: parts[t] as Tensor3D, names, pixels: null, fn: currentFunction };
          return tf.mul(lossOfPass(sums, formula), weight);
        }),
      ),
  };
}

/** The sums with those of the weights, which are the number of pixels where no weights are. */
function withValid({ values, pixels }: PassSums): Tensor3D {
  if (pixels === null) return values;
  const [, samples, classes] = values.shape;
  return tf.concat([values, tf.fill<tf.Rank.R3>([1, samples, classes], pixels)], 0);
}

function ofLogits(loss: LossFunction): WholeLoss {
  return {
    summarize: ({ ys, mask }, logits) => ({ parts: [logits], kept: mask ? [ys, mask] : [ys] }),
    join(summaries) {
      if (new Set(summaries.map(({ kept }) => kept.length)).size > 1) fail('some pieces have a mask, and some not');
      const joined = (lists: readonly (readonly Tensor[])[]) => lists[0]!.map((_, i) => tf.concat(lists.map((list) => list[i]!), 0)); // prettier-ignore
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

/** Cuts the parts of the whole as the summaries lie along the axis. */
function splitAlong(axis: number, parts: readonly Tensor[], summaries: readonly Summary[]): Tensor[][] {
  const sizes = summaries.map((summary) => summary.parts[0]!.shape[axis]!);
  const cuts = parts.map((part) => tf.split(part, sizes, axis));
  return summaries.map((_, i) => cuts.map((pieces) => pieces[i]!));
}

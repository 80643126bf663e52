/** The sums, and losses computed from them. */
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../../src/index.js';
import { SUM_NAMES } from '../../../src/kernels/contract.js';
import * as reference from '../../reference/index.js';
import type { NdArray } from '../../reference/index.js';
import { forOracle, isTensorSpec, type Spec, type TensorSpec } from '../call.js';
import { isRepresentable, kinksOf, mayBeInfinite, passesValueChecks } from '../documented.js';
import { REGION_LOSSES } from '../../support/described.js';
import { one, options, scene, sometimes } from '../scene.js';
import type { Relation, Subject } from '../subject.js';
import {
  classOptions,
  fitClasses,
  correlationTolerance,
  hasRoots,
  optionsByRules,
  optionsOf,
  oracleOf,
  representable,
} from './losses.js';

const SUMS = SUM_NAMES;
const ACTIVATIONS = ['softmax', 'sigmoid', 'none', 'function'] as const;

/** The sums of a table in a fixed order, whatever order was requested. */
function inOrder(table: object): unknown[] {
  return [...SUMS, 'valid'].flatMap((name) => (name in table ? [(table as Record<string, unknown>)[name]] : []));
}

const isSmall = (args: Spec[]) => args.filter(isTensorSpec).every(({ shape }) => reference.sizeOf(shape) <= 420);

function referenceSums(labels: Spec, predictions: Spec, how: Spec, sums: readonly string[] = SUMS): NdArray[] {
  const table = reference.overlap(
    forOracle(labels) as NdArray,
    forOracle(predictions) as NdArray,
    forOracle(how ?? {}) as object,
  );
  return inOrder(
    Object.fromEntries(Object.entries(table).filter(([name]) => name === 'valid' || sums.includes(name))),
  ) as NdArray[];
}

const reversedSums: Relation = {
  name: 'sums in reverse',
  other(call) {
    const { sums } = optionsOf(call.args);
    if (!Array.isArray(sums)) return null;
    return {
      ...call,
      args: [call.args[0], call.args[1], { ...optionsOf(call.args), sums: [...(sums as string[])].reverse() }],
    };
  },
};

const overlapSubject: Subject = {
  fn: 'overlap',
  args: fc
    .tuple(scene({ activations: ACTIVATIONS }), options({ sums: sometimes(fc.shuffledSubarray([...SUMS])) }))
    .map(([each, own]) => [each.labels, each.predictions, { ...each.options, ...own }]),
  checkable: passesValueChecks,
  invoke: ([labels, predictions, how]) =>
    inOrder(softseg.overlap(labels as tf.Tensor, predictions as tf.Tensor, how as object)),
  nonFinite: mayBeInfinite,
  oracle(args) {
    const { sums, ...how } = optionsOf(args);
    if (!isSmall(args) || !isRepresentable(args)) return null;
    return referenceSums(args[0], args[1], how, sums as string[] | undefined);
  },
  relations: [reversedSums],
};

/** Merges tables over two masks that divide the pixels between them. */
const mergeSubject: Subject = {
  fn: 'mergeOverlaps',
  composite: true,
  args: fc
    .tuple(
      scene({ activations: ['softmax', 'sigmoid', 'none'], options: ['activation', 'axis', 'sharpness'] }),
      fc.array(fc.nat(1), { minLength: 1, maxLength: 9 }),
    )
    .map(([{ labels, predictions, samples, spatial, options: how }, first]) => {
      const mask = (of: number[]): TensorSpec => ({ tensor: 'float32', shape: [samples, ...spatial], of });
      return [labels, predictions, { ...how, mask: mask(first) }, { ...how, mask: mask(first.map((x) => 1 - x)) }];
    }),
  invoke: ([labels, predictions, ...halves]) =>
    tf.tidy(() => {
      const tables = halves.map((how) => softseg.overlap(labels as tf.Tensor, predictions as tf.Tensor, how as object));
      return inOrder(softseg.mergeOverlaps(...tables)) as tf.Tensor[];
    }),
  nonFinite: ([labels, predictions, how]) =>
    mayBeInfinite([labels, predictions, { ...(how as object), mask: undefined }]),
  oracle(args) {
    const { mask: _, ...how } = optionsOf(args);
    return isSmall(args) && isRepresentable([args[0]!, args[1]!, how]) ? referenceSums(args[0], args[1], how) : null;
  },
  relations: [
    {
      name: 'tables in reverse',
      other: (call) => ({ ...call, args: [call.args[0], call.args[1], call.args[3], call.args[2]] }),
    },
  ],
};

const region = {
  ...classOptions,
  absent: sometimes(one('skip', 'penalize', 'smooth')),
  aggregate: sometimes(one('image', 'batch')),
  overlap: sometimes(one('metric', 'product')),
  smooth: sometimes(one(0, 1, 1e-5)),
  reduction: sometimes(one('mean', 'sum', 'none', 'sample')),
};

/** Options of each loss that depends only on sums. */
const ON_SUMS: Record<string, Record<string, fc.Arbitrary<unknown>>> = {
  ...Object.fromEntries(REGION_LOSSES.map((name) => [name, { ...region, ...optionsByRules(name) }])),
  tverskyLoss: {
    ...region,
    alpha: sometimes(one(0.3, 1, 0)),
    beta: sometimes(one(0.7, 0)),
    gamma: sometimes(one(1, 1.33)),
  },
  crossEntropyLoss: { ...classOptions, reduction: sometimes(one('mean', 'sum', 'sample')) },
};

const argsOf = (lossName: string): fc.Arbitrary<Spec[]> =>
  fc.tuple(scene({ activations: ['softmax', 'sigmoid', 'none'] }), options(ON_SUMS[lossName]!)).map(([each, given]) => {
    const { activation } = each.options;
    const fitting = fitClasses(given, each.classes);
    if (fitting['reduction'] === 'sample') delete fitting['aggregate'];
    const own = { ...fitting, ...(activation !== undefined && { activation }) };
    return [each.labels, each.predictions, each.options, own, {}, lossName];
  });

/** The arguments of the loss itself that must give the same value. */
const asLossArgs = ([labels, predictions, how, own]: Spec[]): Spec[] => [
  labels,
  predictions,
  { ...(how as object), ...(own as object) },
];

const isMcc = (args: Spec[]) => args[5] === 'mccLoss';
const lossFromOverlap = softseg.lossFromOverlap as (loss: unknown, table: object, options: object) => tf.Tensor;

/** Computes a loss from a table. The fifth argument replaces sums of the table, the sixth names the loss. */
const fromOverlap: Subject = {
  fn: 'lossFromOverlap',
  composite: true,
  args: fc.oneof(...Object.keys(ON_SUMS).map(argsOf)),
  invoke: ([labels, predictions, how, own, changed, lossName]) =>
    tf.tidy(() => {
      const table = softseg.overlap(labels as tf.Tensor, predictions as tf.Tensor, how as object);
      const loss = typeof lossName === 'string' ? (softseg as unknown as Record<string, unknown>)[lossName] : lossName;
      return lossFromOverlap(loss, { ...table, ...(changed as object) }, own as object);
    }),
  nonFinite: mayBeInfinite,
  differentiable: () => [0, 1],
  labels: 0,
  kinks: kinksOf,
  oracle: (args) => {
    const loss = oracleOf((reference as unknown as Record<string, unknown>)[args[5] as string]);
    return representable(loss)(asLossArgs(args));
  },
  arbitrary: (args) => !isRepresentable(asLossArgs(args)),
  tolerance: (args) => (isMcc(args) ? 1e-3 : 1e-5),
  gradientTolerance: (args) => (isMcc(args) ? correlationTolerance(args) : 1e-5),
  smooth: (args) => !(Number(optionsOf(args, 3)['gamma'] ?? 1) < 1) && (!isMcc(args) || hasRoots(args)),
};

export const OVERLAP_SUBJECTS: readonly Subject[] = [overlapSubject, mergeSubject, fromOverlap];

/** Annotators, distances and surfaces. */
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../../src/index.js';
import * as annotators from '../../reference/annotators.js';
import * as distance from '../../reference/distance.js';
import { sizeOf, type NdArray } from '../../reference/index.js';
import { forOracle, isTensorSpec, type Spec, type TensorSpec } from '../call.js';
import { reversedClasses } from '../relations.js';
import { defined, one, options, scene, share, sometimes, type SceneRules } from '../scene.js';
import type { Subject } from '../subject.js';
import { classOptions, fitClasses, optionsOf } from './losses.js';
import { masks, tensor } from './relaxations.js';

const isSmall = (args: Spec[], most: number) =>
  args.filter(isTensorSpec).every(({ shape }) => sizeOf(shape) > 0 && sizeOf(shape) <= most);

function oracle(f: unknown, most = 300): (args: Spec[]) => NdArray[] | null {
  return (args) => (isSmall(args, most) ? [(f as (...args: unknown[]) => NdArray)(...args.map(forOracle))] : null);
}

const axisOf = (pick: number, rank: number) => (pick === 0 ? undefined : (pick % (2 * rank)) - rank);
const normalize = sometimes(fc.boolean());

const staple: Subject = {
  fn: 'staple',
  args: masks(
    {
      initial: sometimes(one(0.9, 0.99999)),
      prior: sometimes(one('votes', 'updated')),
      maxIterations: one(1, 2, 5),
      missing: sometimes(one(-1, 0)),
    },
    3,
  ),
  invoke(args) {
    const { consensus, ...rest } = (softseg.staple as (...args: unknown[]) => { consensus: tf.Tensor })(...args);
    void rest;
    return consensus;
  },
  oracle: (args) =>
    isSmall(args, 100) ? [annotators.staple(...(args.map(forOracle) as [NdArray, object])).consensus] : null,
  share: 40,
};

const spacing = sometimes(one<number>(1, 0.5, 3));

/** Makes a list of a spacing, one entry for each axis, if `asList` is set. */
const perAxis = (given: Record<string, Spec>, count: number, asList: boolean): Record<string, Spec> =>
  defined({
    ...given,
    spacing:
      given['spacing'] && asList
        ? Array.from({ length: count }, (_, i) => (given['spacing'] as number) + i)
        : given['spacing'],
  });

const shapeRules: SceneRules = { activations: ['softmax', 'sigmoid', 'none'], leastAxes: 1, most: 240, mostClasses: 5 };

/** Signed distances, which take labels without predictions. */
const signed: Subject = {
  fn: 'signedDistance',
  // Indices whose last axis has size 1 count as having a class axis, which a mask may not fit.
  mayRefuse: true,
  args: fc
    .tuple(
      scene({
        ...shapeRules,
        options: ['axis', 'mask', 'ignoreLabel'],
        kinds: ['soft', 'hard', 'bool', 'oneHot', 'indices'],
      }),
      options({ spacing }),
      fc.boolean(),
    )
    .map(([{ labels, options: how, classes, spatial }, own, asList]) => {
      const withClasses = labels.shape.length === spatial.length + 1;
      // With as many classes as the size of an axis, indices would look like masks; size 1 would look like a class
      // axis.
      const count = labels.shape.includes(classes) ? Math.max(...labels.shape, classes) + 1 : classes;
      return [
        labels,
        { ...how, ...perAxis(own, spatial.length, asList && !withClasses), ...(withClasses && { classes: count }) },
      ];
    }),
  oracle(args) {
    const { axis = -1, classes } = optionsOf(args, 1) as { axis?: number; classes?: number };
    // The oracle needs the classes last, and takes no indices.
    if (classes !== undefined || axis !== -1 || !isSmall(args, 240)) return null;
    const labels = args[0] as TensorSpec;
    if (labels.tensor === 'int32' && labels.shape.at(-1) === 1) return null;
    return [distance.signedDistance(forOracle(labels) as NdArray, forOracle(args[1]) as object)];
  },
};

const surface = (fn: string, own: Record<string, fc.Arbitrary<unknown>>): Subject => ({
  fn,
  args: fc
    .tuple(
      scene({ ...shapeRules, kinds: ['soft', 'hard', 'bool', 'indices'] }),
      options({ spacing, classes: classOptions.classes, ...own }),
      fc.boolean(),
    )
    .map(([each, given, asList]) => {
      const fitting = perAxis(fitClasses(given, each.classes), each.spatial.length, asList);
      const { sharpness: _, ...how } = each.options;
      return [each.labels, each.predictions, { ...how, ...fitting }];
    }),
  // NaN and Infinity stand for classes without a surface.
  mayBeNaN: true,
  relations: [
    {
      ...reversedClasses,
      back: (values, call) => (optionsOf(call.args)['classes'] ? values.map(reversedColumns) : values),
    },
  ],
  share: 60,
});

function reversedColumns({ shape, data }: NdArray): NdArray {
  const columns = shape.at(-1)!;
  return { shape, data: data.map((_, i) => data[i - (i % columns) + columns - 1 - (i % columns)]!) };
}

export const ANNOTATOR_SUBJECTS: readonly Subject[] = [
  {
    fn: 'annotatorWeightsFromMasks',
    args: masks({ normalize }).map(withoutClasses),
    oracle: oracle(annotators.annotatorWeightsFromMasks),
  },
  {
    fn: 'annotatorWeightsFromVotes',
    args: fc
      .tuple(tensor(one(0, 1, 2, 5), [1, 4]), options({ normalize }), fc.nat(9))
      .map(([x, own, pick]) => [x, defined({ ...own, axis: axisOf(pick, x.shape.length) })]),
    oracle: oracle(annotators.annotatorWeightsFromVotes),
  },
  {
    fn: 'disagreementEntropy',
    args: fc
      .tuple(
        tensor(share, [1, 4]),
        options({ binary: sometimes(fc.boolean()), normalize, ignoreLabel: sometimes(one(-1, 255)) }),
        fc.nat(9),
      )
      .map(([x, own, pick]) => [
        x,
        defined({ ...own, axis: own['binary'] ? undefined : axisOf(pick, x.shape.length) }),
      ]),
    oracle: oracle(annotators.disagreementEntropy),
    differentiable: () => [0],
    // At 0 the slope is infinite, so log max(t, 1e-12) takes its place.
    smooth: ([x]) => (x as TensorSpec).of.every((t) => t > 1e-3 && t < 0.999),
  },
  staple,
  {
    fn: 'distanceTransform',
    args: fc
      .tuple(tensor(share, [2, 4]), one('float32', 'bool', 'int32'), options({ spacing }), fc.boolean())
      .map(([x, dtype, own, asList]) => [
        { ...x, tensor: dtype, of: dtype === 'float32' ? x.of : x.of.map((value) => Math.round(value)) },
        perAxis(own, x.shape.length - 1, asList),
      ]),
    // The result is Infinity where all pixels of a sample are set.
    mayBeNaN: true,
    oracle: oracle(distance.distanceTransform),
  },
  signed,
  surface('hausdorffDistance', { percentile: sometimes(one(100, 95, 50, 0)), symmetric: sometimes(fc.boolean()) }),
  surface('averageSurfaceDistance', { symmetric: sometimes(fc.boolean()) }),
  surface('normalizedSurfaceDice', { tolerance: sometimes(one(1, 0, 2.5)) }),
];

function withoutClasses([x, own]: Spec[]): Spec[] {
  const { classes: _, ...rest } = (own ?? {}) as Record<string, Spec>;
  return [x, rest];
}

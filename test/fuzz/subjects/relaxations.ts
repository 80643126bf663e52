/** Relaxations, soft labels and schedules. */
import fc from 'fast-check';
import * as softseg from '../../support/allEntries.js';
import * as entmaxes from '../../reference/entmax.js';
import * as reference from '../../reference/index.js';
import { sizeOf, type NdArray } from '../../reference/index.js';
import { forOracle, isTensorSpec, type Spec, type TensorSpec } from '../call.js';
import { anyLogit, defined, listOf, logit, one, options, share, sometimes, weighted } from '../scene.js';
import type { Subject } from '../subject.js';

const size = weighted<number>([10, one(1, 2, 3, 4)], [1, fc.constant(0)], [1, one(7, 64, 130)]);

/** A tensor of any shape with a rank in this range. */
export function tensor(
  values: fc.Arbitrary<number>,
  ranks: readonly [number, number],
  dtype: TensorSpec['tensor'] = 'float32',
): fc.Arbitrary<TensorSpec> {
  return fc
    .record({ shape: fc.array(size, { minLength: ranks[0], maxLength: ranks[1] }), of: listOf(values) })
    .map(({ shape, of }) => ({ tensor: dtype, shape: fitted(shape), of }));
}

function fitted(shape: number[]): number[] {
  let own = shape;
  for (let bound = 64; sizeOf(own) > 400; bound = Math.ceil(bound / 2)) own = own.map((each) => Math.min(each, bound));
  return own;
}

const axisFor = (pick: number, rank: number) => (pick === 0 || rank === 0 ? undefined : (pick % (2 * rank)) - rank);

/** A tensor, one of its axes, and options. */
function along(values: fc.Arbitrary<number>, own: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Spec[]> {
  return fc
    .tuple(tensor(values, [1, 4]), options(own), fc.nat(9))
    .map(([x, given, pick]) => withOptions(x, { ...given, axis: axisFor(pick, x.shape.length) }));
}

function withOptions(...args: [...Spec[], object]): Spec[] {
  const own = defined(args.pop() as object);
  return Object.keys(own).length > 0 ? [...args, own] : args;
}

const isSmall = (args: Spec[]) => args.filter(isTensorSpec).every(({ shape }) => sizeOf(shape) <= 400);
const isEmpty = (args: Spec[]) => args.filter(isTensorSpec).some(({ shape }) => sizeOf(shape) === 0);

function oracle(f: unknown): (args: Spec[]) => NdArray[] | null {
  return (args) =>
    isSmall(args) && !isEmpty(args) ? [(f as (...args: unknown[]) => NdArray)(...args.map(forOracle))] : null;
}

const sharpness = sometimes(one(1, 2, 0.5, 8));
const hasInfinite = ([x]: Spec[]) => !(x as TensorSpec).of.every(Number.isFinite);
/** In float32 no digit of a difference between large numbers survives. */
const isModerate = ([x]: Spec[]) => (x as TensorSpec).of.every((value) => Math.abs(value) <= 250);
/** The oracle's bisection cannot resolve the threshold of a large alpha. */
const isResolved = ([, own]: Spec[]) => Number((own as { alpha?: number } | undefined)?.alpha ?? 1.5) <= 10;
const differentiable = () => [0];

const own = (name: string) => (reference as unknown as Record<string, unknown>)[name];

const relaxation = (subject: Subject): Subject => ({
  differentiable,
  gradientTolerance: ([, given]) =>
    1e-5 * Math.max(1, 2 * Number((given as { sharpness?: number } | undefined)?.sharpness ?? 1)),
  ...subject,
});

/** Subjects for sparse activations, whose gradients have kinks where a probability becomes 0. */
const sparse = (fn: string, f: unknown, given: Record<string, fc.Arbitrary<unknown>> = {}): Subject =>
  relaxation({
    fn,
    args: along(logit, given),
    oracle: (args) => (isModerate(args) && isResolved(args) ? oracle(f)(args) : null),
  });

const votes = one(0, 1, 2, 3, 7, 100);
const smoothing = sometimes(one(0, 1, 0.5, 1e-3));
const missing = sometimes(one(-1, 0, 255));

/** Votes, and a number of annotators (or a tensor of numbers) that no vote exceeds. */
const withAnnotators = fc
  .tuple(
    tensor(votes, [1, 4]),
    fc.nat(2),
    one(100, 128),
    options({ smoothing, missing }),
    fc.nat(9),
    one('float32', 'int32'),
  )
  .map(([x, kind, most, given, pick, dtype]) => {
    const all: TensorSpec = { ...x, tensor: dtype };
    if (kind === 0) return withOptions(all, { ...given, axis: axisFor(pick, x.shape.length) });
    const counts: TensorSpec = { tensor: 'float32', shape: x.shape.map(() => 1), of: [most] };
    return withOptions(all, { ...given, annotators: kind === 1 ? most : counts });
  });

/** Masks or class maps by annotators, some of whom did not look. */
export const masks = (extra: Record<string, fc.Arbitrary<unknown>>, most = 4): fc.Arbitrary<Spec[]> =>
  fc
    .tuple(
      tensor(fc.nat(20), [1, most], 'int32'),
      options({ classes: sometimes(one(2, 3, 5)), absentLabel: sometimes(one(-1, 255)), ...extra }),
      fc.nat(9),
      listOf(fc.boolean(), 8),
    )
    .map(([x, given, pick, absent]) => {
      const classes = (given['classes'] as number | undefined) ?? 2;
      const { absentLabel } = given as { absentLabel?: number };
      const of = x.of.map((value, i) =>
        absentLabel !== undefined && absent[i % absent.length] ? absentLabel : value % classes,
      );
      return withOptions({ ...x, of }, { ...given, annotatorAxis: axisFor(pick, x.shape.length) });
    });

const schedule = (
  fn: 'linearSchedule' | 'exponentialSchedule' | 'cosineSchedule',
  from: number,
  to: number,
): Subject => ({
  fn,
  args: fc
    .tuple(one(from, 1, 8), one(to, 0.5, 3), one(1, 10, 0.5))
    .map(([a, b, steps]) => [{ from: a, to: b, steps }, [0, 1, 5, 1000, -1]]),
  invoke: ([given, steps]) => {
    const at = (softseg[fn] as (options: unknown) => (step: number) => number)(given);
    return Array.isArray(steps) ? (steps as number[]).map((step) => at(step)) : at(steps as number);
  },
  oracle([given, steps]) {
    const at = (own(fn) as (options: unknown) => (step: number) => number)(given);
    return [{ shape: [5], data: Float64Array.from((steps as number[]).map((step) => at(step))) }];
  },
  share: 20,
});

export const RELAXATION_SUBJECTS: readonly Subject[] = [
  relaxation({
    fn: 'softOneHot',
    args: along(anyLogit, { sharpness }),
    nonFinite: hasInfinite,
    oracle: oracle(own('softOneHot')),
  }),
  relaxation({
    fn: 'softThreshold',
    args: fc.tuple(tensor(anyLogit, [0, 5]), options({ sharpness })).map(([x, given]) => withOptions(x, given)),
    oracle: oracle(own('softThreshold')),
  }),
  relaxation({
    fn: 'powerSharpen',
    args: fc
      .tuple(tensor(share, [1, 4]), one(1, 2, 1.5, 8, 100), fc.nat(9))
      .map(([x, power, pick]) => withOptions(x, power, { axis: axisFor(pick, x.shape.length) })),
    oracle: oracle(own('powerSharpen')),
  }),
  relaxation({
    fn: 'straightThroughOneHot',
    args: along(anyLogit, { sharpness }),
    nonFinite: hasInfinite,
    oracle: oracle(own('straightThroughOneHot')),
    slopes: oracle(own('softOneHot')),
  }),
  relaxation({
    fn: 'straightThroughThreshold',
    args: fc.tuple(tensor(anyLogit, [0, 5]), options({ sharpness })).map(([x, given]) => withOptions(x, given)),
    // TensorFlow's kernels treat subnormal numbers as 0.
    arbitrary: ([x]) => (x as TensorSpec).of.some((z) => z !== 0 && Math.abs(z) < 1e-37),
    oracle: oracle(own('straightThroughThreshold')),
    slopes: oracle(own('softThreshold')),
  }),
  relaxation({
    fn: 'gumbelSoftmax',
    args: along(logit, { sharpness, hard: sometimes(fc.boolean()) }).map(([x, given]) => [
      x,
      { ...(given as object), seed: 7 },
    ]),
    random: true,
  }),
  sparse('sparsemax', entmaxes.sparsemax),
  sparse('entmax15', entmaxes.entmax15),
  sparse('entmax', entmaxes.entmax, { alpha: sometimes(one(1.5, 2, 1.1, 3, 10, 100)) }),
  { fn: 'softLabelsFromVotes', args: withAnnotators, oracle: oracle(own('softLabelsFromVotes')) },
  { fn: 'softLabelsFromMasks', args: masks({ smoothing, missing }), oracle: oracle(own('softLabelsFromMasks')) },
  schedule('linearSchedule', 0, 2),
  schedule('exponentialSchedule', 0.1, 2),
  schedule('cosineSchedule', 0, 2),
];

/** The losses of labels and predictions. */
import fc from 'fast-check';
import * as lovasz from '../../reference/lovasz.js';
import * as softseg from '../../../src/index.js';
import type { OptionRule } from '../../../src/losses/descriptions/optionRules.js';
import * as distance from '../../reference/distance.js';
import * as reference from '../../reference/index.js';
import type { NdArray } from '../../reference/index.js';
import { readPixels } from '../../reference/pixels.js';
import { forOracle, isTensorSpec, valuesOf, type Spec, type TensorSpec } from '../call.js';
import { isRepresentable, kinksOf, mayBeInfinite, passesValueChecks } from '../documented.js';
import { rangeOf, type Range } from '../ranges.js';
import { ownRules, REGION_LOSSES, termOf, valuesOf as allowed, type LossName } from '../../support/described.js';
import { reversedBatch, reversedClasses } from '../relations.js';
import { defined, listOf, one, options, scene, sometimes, weighted, type Scene, type SceneRules } from '../scene.js';
import type { Subject } from '../subject.js';

type Options = Record<string, Spec>;

const weight = one(0, 0.5, 1, 2);
const ratio = weighted<number>([3, one(0.5, 0.3, 0.7, 1, 0)], [1, one(1e-3, 2, 10)]);

/** Options about classes, made before the number of classes is known. */
export const classOptions = {
  classWeights: sometimes(listOf(weight, 4)),
  classes: sometimes(fc.array(fc.nat(1029), { minLength: 1, maxLength: 3 })),
};

const regionOptions = {
  ...classOptions,
  absent: sometimes(one('skip', 'penalize', 'smooth')),
  aggregate: sometimes(one('image', 'batch')),
  overlap: sometimes(one('metric', 'product')),
  smooth: sometimes(one(0, 1, 1e-5)),
  reduction: sometimes(one('mean', 'sum', 'none', 'sample')),
};

const perPixelOptions = {
  ...classOptions,
  hardest: sometimes(one(1, 0.5, 0.25, 0.01)),
  reduction: sometimes(one('mean', 'sum', 'none', 'sample')),
};

const entropyOptions = {
  ...perPixelOptions,
  labelSmoothing: sometimes(one(0, 0.1, 1)),
  subtractEntropy: sometimes(fc.boolean()),
};

/** Makes lists one entry per class long, and limits class indices to existing classes. */
export function fitClasses({ classWeights, classes, ...rest }: Options, count: number): Options {
  const cycle = (list: number[]) => Array.from({ length: count }, (_, c) => list[c % list.length]!);
  return defined({
    ...rest,
    classWeights: classWeights && cycle(classWeights as number[]),
    classes: classes && (Array.isArray(classes) ? [...new Set((classes as number[]).map((c) => c % count))] : classes),
  });
}

/** Removes options that do not fit each other or the scene. */
function fit(given: Options, { classes, binary }: Scene): Options {
  const own = fitClasses(given, classes);
  if (own['reduction'] === 'sample' && own['aggregate'] === 'batch') delete own['aggregate'];
  if (own['posWeight'] !== undefined && (!binary || own['subtractEntropy'])) delete own['posWeight'];
  if (own['alpha'] !== undefined && !binary && given['focal']) delete own['alpha'];
  delete own['focal'];
  return own;
}

const ALL = ['softmax', 'sigmoid', 'none', 'function'] as const;

const lossArgs = (rules: SceneRules, own: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Spec[]> =>
  fc.tuple(scene(rules), options(own)).map(([each, given]) => {
    const all = { ...each.options, ...fit(given, each) };
    const args: Spec[] = [each.labels, each.predictions];
    return Object.keys(all).length > 0 ? [...args, all] : args;
  });

export const optionsOf = (args: Spec[], place = 2): Options => (args[place] ?? {}) as Options;

export function oracleOf(loss: unknown, most = 420): (args: Spec[]) => NdArray[] | null {
  return (args) => {
    const tensors = args.filter(isTensorSpec);
    if (tensors.some(({ shape }) => reference.sizeOf(shape) > most)) return null;
    return [(loss as (...args: unknown[]) => NdArray)(...args.map(forOracle))];
  };
}

/** An oracle for finite logits only, for a float64 function that does not limit errors at 1e9. */
function finiteOracle(loss: unknown): Subject['oracle'] {
  const oracle = oracleOf(loss, 240);
  return (args) => ((args[1] as TensorSpec).of.every(Number.isFinite) ? oracle(args) : null);
}

/** An oracle that skips probabilities near 1/2, which float32 and float64 may put on different sides of a border. */
function awayFromHalf(loss: unknown): Subject['oracle'] {
  const oracle = oracleOf(loss, 240);
  return (args) => {
    const { axis, activation, sharpness } = optionsOf(args);
    if (activation !== undefined && typeof activation !== 'string') return null;
    const how = defined({ axis, activation, sharpness });
    const { pixels } = readPixels(forOracle(args[0]) as NdArray, forOracle(args[1]) as NdArray, how);
    const near = (p: number) => p !== 0.5 && Math.abs(p - 0.5) < 1e-5;
    return pixels.some(({ probabilities }) => probabilities.some(near)) ? null : oracle(args);
  };
}

/** The range of a loss with the weights and reductions of these arguments. */
function widened([least, most]: Range, args: Spec[], perPixel: boolean): Range {
  const { reduction, classWeights = [1], posWeight = 1, subtractEntropy } = optionsOf(args);
  const { shape } = args[1] as TensorSpec;
  const size = reference.sizeOf(shape);
  const heaviest = Math.max(1, ...(classWeights as number[])) * Math.max(1, ...[posWeight as number].flat());
  // A pixel of a categorical loss adds up its classes, whose labels need not sum to 1 here.
  const classes = perPixel ? Math.max(...shape.slice(1)) : 1;
  const terms = reduction === 'sum' ? Math.max(size, 1) * 4 : 1;
  const weighs =
    reduction === 'none' || reduction === 'sum' || perPixel ? heaviest * classes * (reduction === 'none' ? 1e3 : 1) : 1;
  // With labels that sum to less than 1, or only some classes, t log t may exceed the cross-entropy.
  const lowest = subtractEntropy ? -classes : least;
  return [lowest * weighs * terms, most * weighs * terms * (reduction === 'sum' ? 1e3 : 1)];
}

/** True if the result is continuous, so that the oracle's derivatives can be measured. */
function isSmooth(args: Spec[]): boolean {
  const own = optionsOf(args);
  // The choice of the hardest pixels jumps, and a root has no derivative at 0.
  return own['hardest'] === undefined && !(Number(own['gamma'] ?? 1) < 1);
}

/** True if running sums mix very different weights, and lose digits of the small ones. */
const isSorted = (fn: string, args: Spec[]): boolean => {
  const { mask, weights } = optionsOf(args);
  return (
    mask !== undefined && [fn, ...Object.keys((weights ?? {}) as object)].some((name) => name.startsWith('lovasz'))
  );
};

const hasRoot = (fn: string, args: Spec[]) => fn === 'unifiedFocalLoss' || Number(optionsOf(args)['gamma'] ?? 1) < 1;

/** The rounding error of a probability near 1, to the power of gamma. */
const rootOfRounding = (fn: string, args: Spec[]): number => {
  const { gamma = fn === 'unifiedFocalLoss' ? 0.5 : 1 } = optionsOf(args);
  return Math.max(2e-3, 2 * 1e-7 ** Number(gamma));
};

const hasCorrelation = (fn: string, args: Spec[]) =>
  fn === 'mccLoss' || 'mcc' in ((optionsOf(args)['weights'] ?? {}) as object);

export const representable =
  (oracle: NonNullable<Subject['oracle']>, place = 2): NonNullable<Subject['oracle']> =>
  (args) =>
    isRepresentable(args, place) ? oracle(args) : null;

/** With ties the extremum of a window has no derivative, although the slopes on both sides may agree. */
export function hasNoTies(spec: TensorSpec): boolean {
  const values = valuesOf(spec);
  return new Set(values).size === values.length;
}

/** The squares of the roots in the correlation coefficients, relative to the number of pixels, and shares of labels. */
function rootsOf(args: Spec[]): { root: number; labelled: number }[] {
  const { activation, axis, sharpness, mask, ignoreLabel } = optionsOf(args);
  const how = forOracle(defined({ activation, axis, sharpness, mask, ignoreLabel })) as object;
  const { predicted, labelled, valid } = reference.overlap(
    forOracle(args[0]) as NdArray,
    forOracle(args[1]) as NdArray,
    how,
  );
  return Array.from(predicted.data, (p, i) => {
    const [t, v] = [labelled.data[i]!, valid.data[Math.floor(i / predicted.shape[1]!)]!];
    return { root: p * t * (1 - p / v) * (1 - t / v), labelled: t / v };
  });
}

/** True if the root in the correlation coefficient is far from 0, where the definition bounds its slope. */
export const hasRoots = (args: Spec[]): boolean => isFarFromZero(rootsOf(args));

// NaN where no pixel counts.
const isFarFromZero = (roots: { root: number }[]) => roots.every(({ root }) => root > 1e-4);

/** Near a root of 0 a slope is large and has few digits; at labels of 1e-20 only its order of magnitude is known. */
export function correlationTolerance(args: Spec[]): number {
  const roots = rootsOf(args);
  if (isFarFromZero(roots)) return 1e-3;
  const tiny = (share: number) => share > 0 && share < 1e-12;
  return roots.some(({ root, labelled }) => tiny(root) || tiny(labelled)) ? 1 : 1e-1;
}

interface Family {
  rules?: SceneRules;
  perPixel?: boolean;
  scale?: number;
  oracle?: Subject['oracle'];
  smooth?: Subject['smooth'];
  wrt?: number[];
  nonFinite?: Subject['nonFinite'];
  share?: number;
}

function loss(fn: string, own: Record<string, fc.Arbitrary<unknown>>, family: Family = {}): Subject {
  const { rules = { activations: ALL }, perPixel = false, scale = 1, wrt = [0, 1] } = family;
  return {
    fn,
    args: lossArgs(rules, own),
    oracle: family.oracle ?? representable(oracleOf((reference as unknown as Record<string, unknown>)[fn])),
    labels: 0,
    // Which of several equally hard pixels count is arbitrary, and their weights differ.
    arbitrary: (args) => {
      const { hardest, mask, reduction } = optionsOf(args);
      if (hardest !== undefined && (mask !== undefined || reduction === 'none')) return true;
      return (!perPixel || fn === 'unifiedFocalLoss') && !isRepresentable(args);
    },
    kinks: kinksOf,
    // V - P loses digits where nearly everything is predicted; its root, or a power below 1, loses even more.
    tolerance: (args) =>
      hasRoot(fn, args) ? rootOfRounding(fn, args) : hasCorrelation(fn, args) ? 1e-3 : isSorted(fn, args) ? 1e-4 : 1e-5,
    differentiable: (args) => wrt.filter((place) => (args[place] as TensorSpec).tensor === 'float32'),
    smooth: (args) => isSmooth(args) && (family.smooth?.(args) ?? true),
    checkable: passesValueChecks,
    nonFinite: (args) => mayBeInfinite(args) || (family.nonFinite?.(args) ?? false),
    range: (args) => widened(rangeOf(fn), args, perPixel),
    // A small abs(p - t) has few digits in float32, and so do the slopes of its root.
    gradientTolerance: (args) =>
      hasRoot(fn, args) ? 1e-2 : hasCorrelation(fn, args) ? correlationTolerance(args) : 1e-5,
    scale,
    relations: [reversedClasses, reversedBatch],
    ...(family.share !== undefined && { share: family.share }),
  };
}

const binaryRules: SceneRules = { activations: ['sigmoid', 'none', 'function'], defaultActivation: 'sigmoid' };
const spacing = sometimes(one<number>(1, 0.5, 3));
const shapeRules: SceneRules = { activations: ALL, leastAxes: 1, most: 240, mostClasses: 5 };
const shapeOptions = { ...classOptions, reduction: regionOptions.reduction };

const TERMS = [...REGION_LOSSES.map(termOf), 'crossEntropy', 'focal'];
const comboWeights = fc
  .uniqueArray(fc.tuple(one(...TERMS), one(0, 0.5, 1, 2)), { minLength: 1, maxLength: 3, selector: ([name]) => name })
  .map((entries) => Object.fromEntries(entries) as Record<string, number>);

/** Options for combos: those that all terms share, and those that at most one of them has. */
const comboArgs = fc
  .tuple(
    scene({ activations: ALL }),
    comboWeights,
    options({
      ...classOptions,
      absent: regionOptions.absent,
      overlap: regionOptions.overlap,
      reduction: regionOptions.reduction,
      aggregate: regionOptions.aggregate,
    }),
  )
  .map(([each, weights, given]) => {
    const names = Object.keys(weights);
    const region = names.some((name) => name !== 'crossEntropy' && name !== 'focal');
    const own: Options = { ...fitClasses(given, each.classes), weights };
    if (!region) for (const name of ['absent', 'overlap', 'aggregate']) delete own[name];
    if (own['reduction'] === 'none' && names.length > 1) delete own['reduction'];
    if (own['reduction'] === 'sample') delete own['aggregate'];
    return [each.labels, each.predictions, { ...each.options, ...own }] as Spec[];
  });

/** The IoU loss again, as a user would define it. */
const ownIouLoss = softseg.defineRegionLoss({
  name: 'defineRegionLoss',
  options: {},
  value(a, { intersection, predicted, labelled }, { smooth }) {
    const union = a.sub(a.add(predicted, labelled), intersection);
    return a.sub(1, a.divide(a.add(intersection, smooth), a.add(union, smooth), 1));
  },
});

/** The Dice loss again, as a function of the user's. */
const ownDiceLoss = softseg.defineLoss<softseg.DiceLossOptions>({
  name: 'defineLoss',
  options: softseg.diceLoss.description.options as softseg.OptionRules<softseg.DiceLossOptions>,
  loss: (labels, predictions, given) => softseg.diceLoss(labels, predictions, given),
});

type AnyLoss = (...args: unknown[]) => unknown;

/** Options of region losses that need other values than those allowed by their rules. */
const SPECIAL: Partial<Record<LossName, Record<string, fc.Arbitrary<unknown>>>> = {
  tverskyLoss: {
    alpha: sometimes(ratio),
    beta: sometimes(ratio),
    gamma: sometimes(one(1, 0.75, 1.33, 2)),
  },
};

const FAMILIES: Partial<Record<LossName, Family>> = { mccLoss: { smooth: hasRoots } };

function ownOptions(name: LossName): Record<string, fc.Arbitrary<unknown>> {
  return SPECIAL[name] ?? optionsByRules(name);
}

/** The values that the rules of the loss's own options allow, and the defaults. */
export function optionsByRules(name: LossName): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    ownRules(name)
      .filter(([, rule]) => rule.kind !== 'other')
      .map(([option, rule]) => [option, sometimes(fc.constantFrom(...defaultOf(rule), ...allowed(rule)))]),
  );
}

const defaultOf = (rule: OptionRule): unknown[] =>
  rule.kind === 'other' || rule.default === undefined ? [] : [rule.default];

export const LOSS_SUBJECTS: readonly Subject[] = [
  {
    ...loss('defineRegionLoss', regionOptions, { oracle: representable(oracleOf(reference.iouLoss)) }),
    invoke: (args) => (ownIouLoss as AnyLoss)(...args),
  },
  {
    ...loss('defineLoss', regionOptions, { oracle: representable(oracleOf(reference.diceLoss)) }),
    invoke: (args) => (ownDiceLoss as AnyLoss)(...args),
    composite: true,
  },
  ...REGION_LOSSES.map((name) => loss(name, { ...regionOptions, ...ownOptions(name) }, FAMILIES[name])),
  loss('crossEntropyLoss', { ...entropyOptions }, { perPixel: true }),
  loss(
    'binaryCrossEntropyLoss',
    { ...entropyOptions, posWeight: sometimes(one(1, 2, 0.5, 0)) },
    { rules: binaryRules, perPixel: true },
  ),
  loss(
    'focalLoss',
    {
      ...perPixelOptions,
      gamma: sometimes(one(0, 1, 2, 3)),
      alpha: sometimes(one(0.25, 0, 1)),
      focal: fc.constant(true),
    },
    { perPixel: true },
  ),
  loss(
    'unifiedFocalLoss',
    {
      ...regionOptions,
      reduction: sometimes(one('mean', 'sum', 'sample')),
      lambda: sometimes(one(0, 0.5, 1)),
      delta: sometimes(one(0.6, 0.3)),
      gamma: sometimes(one(0.5, 1, 0.1)),
    },
    { perPixel: true, smooth: () => false },
  ),
  {
    ...loss(
      'comboLoss',
      {},
      { smooth: (args) => !('mcc' in (optionsOf(args)['weights'] as object)) || hasRoots(args) },
    ),
    args: comboArgs,
  },
  loss(
    'lovaszSoftmaxLoss',
    { ...classOptions, aggregate: regionOptions.aggregate, reduction: regionOptions.reduction },
    { oracle: oracleOf(lovasz.lovaszSoftmaxLoss, 240) },
  ),
  loss(
    'lovaszHingeLoss',
    { ...classOptions, aggregate: regionOptions.aggregate, reduction: regionOptions.reduction },
    {
      rules: {
        activations: ['sigmoid'],
        defaultActivation: 'sigmoid',
        options: ['axis', 'mask', 'ignoreLabel', 'sharpness'],
        kinds: ['hard', 'bool', 'oneHot', 'indices', 'indicesWithAxis'],
      },
      oracle: finiteOracle(lovasz.lovaszHingeLoss),
      wrt: [1],
    },
  ),
  loss(
    'boundaryLoss',
    { ...shapeOptions, spacing },
    { rules: shapeRules, oracle: oracleOf(distance.boundaryLoss, 240), smooth: () => false },
  ),
  loss(
    'hausdorffLoss',
    { ...shapeOptions, spacing, alpha: sometimes(one(1, 2, 0.5)) },
    { rules: shapeRules, oracle: awayFromHalf(distance.hausdorffLoss), smooth: () => false },
  ),
  loss(
    'clDiceLoss',
    {
      ...shapeOptions,
      absent: regionOptions.absent,
      iterations: sometimes(one(0, 1, 5)),
      smooth: regionOptions.smooth,
    },
    {
      rules: shapeRules,
      oracle: oracleOf(distance.clDiceLoss, 240),
      smooth: (args) => args.filter(isTensorSpec).every(hasNoTies),
      share: 30,
    },
  ),
];

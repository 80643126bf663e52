/** Labels and predictions that fit each other, of every shape, dtype and layout. */
import fc from 'fast-check';
import { sizeOf } from '../reference/index.js';
import { valuesOf, type CallbackSpec, type TensorSpec } from './call.js';

export interface Scene {
  labels: TensorSpec;
  predictions: TensorSpec;
  /** The options that say how to read the two, as far as they are set. */
  options: {
    activation?: 'softmax' | 'sigmoid' | 'none' | CallbackSpec;
    sharpness?: number;
    axis?: number;
    mask?: TensorSpec;
    ignoreLabel?: number;
  };
  samples: number;
  spatial: number[];
  classes: number;
  /** Classes exclude each other: softmax, or probabilities of several classes. */
  exclusive: boolean;
  binary: boolean;
  /** Value checks accept the labels. */
  checkable: boolean;
}

/** The arguments that a function accepts. */
export interface SceneRules {
  activations: readonly ('softmax' | 'sigmoid' | 'none' | 'function')[];
  /** The activation if the option is not set. Default: softmax, or sigmoid with one class. */
  defaultActivation?: 'sigmoid';
  /** The smallest number of spatial axes. */
  leastAxes?: number;
  /** The options that may be set. Default: all. */
  options?: readonly ('axis' | 'mask' | 'ignoreLabel' | 'sharpness' | 'activation')[];
  /** The allowed kinds of labels. Default: all. */
  kinds?: readonly LabelKind[];
  /** The largest number of values in the predictions. */
  most?: number;
  mostClasses?: number;
  /** False if no axis may have size 0. */
  empty?: boolean;
}

type LabelKind = 'soft' | 'hard' | 'bool' | 'oneHot' | 'indices' | 'indicesWithAxis';
const KINDS: readonly LabelKind[] = ['soft', 'hard', 'bool', 'oneHot', 'indices', 'indicesWithAxis'];
const ACTIVATIONS = ['softmax', 'sparsemax', 'entmax15', 'softOneHot', 'softThreshold'] as const;

export const weighted = <T>(...entries: [weight: number, arbitrary: fc.Arbitrary<T>][]): fc.Arbitrary<T> =>
  // A failure shrinks towards the first entry.
  fc.oneof({ withCrossShrink: true }, ...entries.map(([weight, arbitrary]) => ({ weight, arbitrary })));

export const one = <const T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** An option that is usually not set. */
export const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  weighted<T | undefined>([2, fc.constant(undefined)], [1, arbitrary]);

/** A record without its undefined entries. */
export function options<T extends Record<string, fc.Arbitrary<unknown>>>(
  record: T,
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(record).map((values) => defined(values));
}

export function defined(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Multiples of 1/1000, which are easier to read than random floats and shrink to whole numbers. */
const between = (min: number, max: number) =>
  fc.integer({ min: min * 1000, max: max * 1000 }).map((thousandths) => thousandths / 1000);

const signed = (value: fc.Arbitrary<number>) => fc.tuple(value, fc.boolean()).map(([x, minus]) => (minus ? -x : x));

/** Finite logits over a logarithmic grid. */
export const logit = weighted<number>(
  [8, one(0, 1, -1, 2, -2, 0.5, 3, -3)],
  [8, between(-4, 4)],
  [3, signed(one(10, 17, 30, 60, 88, 104, 120, 200))],
  [1, signed(one(1e4, 1e3, 1e-3, 1e-7, 1e-30, 1e-40, 1e-45))],
);

export const anyLogit = weighted<number>([60, logit], [1, fc.constant(-Infinity)], [1, signed(fc.constant(Infinity))]);

/** Values of labels and probabilities. */
export const share = weighted<number>(
  [8, one(0, 1)],
  [4, between(0, 1)],
  [2, one(0.5, 0.93, 0.07, 1e-3, 1e-7, 1e-11, 1e-20, 1 - 2 ** -24)],
);

const pixelWeight = weighted<number>([4, one(0, 1)], [2, between(0, 4)], [1, one(1e-2, 100)]);

const size = weighted<number>([10, one(1, 2, 3)], [4, one(4, 5)]);
const classCount = weighted<number>(
  [12, one(1, 2, 3)],
  [4, one(4, 5, 8)],
  [1, one(9, 16, 17, 47, 48, 49, 64, 65)],
  [0.2 * 5, one(130, 257, 1030)],
);

export function listOf<T>(arbitrary: fc.Arbitrary<T>, most = 40): fc.Arbitrary<T[]> {
  return fc.array(arbitrary, { minLength: 1, maxLength: most });
}

const raw = fc.record({
  samples: weighted<number>([10, one(1, 2, 3)], [1, fc.constant(0)]),
  spatial: fc.array(size, { minLength: 0, maxLength: 3 }),
  emptyAxis: weighted<number>([30, fc.constant(-1)], [1, one(0, 1, 2)]),
  classes: classCount,
  axis: fc.nat(3),
  negativeAxis: fc.boolean(),
  setAxis: fc.boolean(),
  activation: fc.nat(11),
  setActivation: fc.boolean(),
  sharpness: sometimes(one(1, 2, 0.5, 4, 0.25, 8)),
  kind: fc.nat(KINDS.length * 7),
  loose: weighted<boolean>([4, fc.constant(false)], [1, fc.constant(true)]),
  logits: listOf(anyLogit),
  shares: listOf(share),
  mask: sometimes(one('bool', 'int32', 'float32')),
  weights: listOf(pixelWeight, 12),
  ignore: sometimes(one(255, -1, 2)),
  ignored: fc.array(fc.nat(30), { maxLength: 4 }),
  hidden: one(0, NaN, Infinity, -1e4),
});

type Raw = typeof raw extends fc.Arbitrary<infer T> ? T : never;

export function scene(rules: SceneRules): fc.Arbitrary<Scene> {
  return raw.map((values) => toScene(values, rules));
}

function toScene(r: Raw, rules: SceneRules): Scene {
  const { activations, leastAxes = 0, kinds = KINDS, mostClasses = 1030 } = rules;
  const allowed = (name: NonNullable<SceneRules['options']>[number]) => rules.options?.includes(name) ?? true;
  const { samples, spatial, classes } = fitSizes(r, rules, leastAxes, Math.min(r.classes, mostClasses));
  const pixels = sizeOf(spatial);

  const usable = activations.filter((name) => classes > 1 || name !== 'softmax');
  const chosen = r.setActivation && allowed('activation') ? usable[r.activation % usable.length] : undefined;
  const resolved = chosen ?? rules.defaultActivation ?? (classes > 1 ? 'softmax' : 'sigmoid');
  const callback = ACTIVATIONS[r.activation % ACTIVATIONS.length]!;
  const name = classes === 1 ? 'softThreshold' : callback;
  const activation = chosen === 'function' ? { callback: name } : chosen;
  const exclusive = classes > 1 && resolved !== 'sigmoid';
  const binary = !exclusive;
  const sharpness =
    allowed('sharpness') && (resolved === 'softmax' || resolved === 'sigmoid') ? r.sharpness : undefined;

  const axis = allowed('axis') && r.setAxis ? 1 + (r.axis % (spatial.length + 1)) : spatial.length + 1;
  const rank = spatial.length + 2;
  const axisOption = axis !== rank - 1 || r.setAxis ? (r.negativeAxis ? axis - rank : axis) : undefined;
  const withClasses = (count: number) => [
    ...[samples, ...spatial].slice(0, axis),
    count,
    ...[samples, ...spatial].slice(axis),
  ];
  const shape = withClasses(classes);

  const kind = kinds[r.kind % kinds.length]!;
  const isIndices = kind === 'indices' || kind === 'indicesWithAxis' || (kind === 'oneHot' && classes === 1);
  const isFloat = kind === 'soft' || kind === 'hard';

  // Everything is first made with the classes last, then moved.
  const mask =
    allowed('mask') && r.mask
      ? { tensor: r.mask, shape: [samples, ...spatial], of: maskValues(r.weights, r.mask) }
      : undefined;
  const weights = mask ? valuesOf(mask as TensorSpec) : [];
  const ignoreLabel = allowed('ignoreLabel') && (isIndices || isFloat) ? r.ignore : undefined;
  const ignored = new Set(
    ignoreLabel === undefined || pixels * samples === 0 ? [] : r.ignored.map((i) => i % (pixels * samples)),
  );
  const out = (pixel: number) => ignored.has(pixel) || (mask !== undefined && weights[pixel] === 0);

  const distribution = exclusive && !r.loose;
  const labelRows: number[][] = [];
  const logitRows: number[][] = [];
  for (let pixel = 0; pixel < samples * pixels; pixel++) {
    const from = (list: number[], c: number) => list[(pixel * classes + c) % list.length]!;
    const row = Array.from({ length: classes }, (_, c) => Math.fround(from(r.shares, c)));
    const index = Math.floor(from(r.shares, pixel) * 97 + pixel) % Math.max(classes, 2);
    let labels =
      isFloat && kind === 'soft'
        ? distribution
          ? normalized(row)
          : row
        : row.map((_, c) => Number(classes === 1 ? index === 1 : c === index));
    if (isIndices) labels = [index];
    if (ignored.has(pixel))
      labels = labels.map((value, c) => (isIndices || c === pixel % classes ? ignoreLabel! : value));
    else if (out(pixel) && isFloat) labels = labels.map(() => r.hidden);
    labelRows.push(labels);
    const probabilities = resolved === 'none';
    const values = Array.from({ length: classes }, (_, c) => from(probabilities ? r.shares : r.logits, c));
    logitRows.push(out(pixel) ? values.map(() => r.hidden) : chosen === 'function' ? values.map(finite) : values);
  }
  const move = (rows: number[][], count: number) =>
    moveClasses(rows, samples, shape.slice(1, axis), count, shape.slice(axis + 1));
  const tensor = isFloat ? 'float32' : kind === 'bool' ? 'bool' : 'int32';
  const labels: TensorSpec = isIndices
    ? { tensor: 'int32', shape: kind === 'indices' ? [samples, ...spatial] : withClasses(1), of: move(labelRows, 1) }
    : { tensor, shape, of: move(labelRows, classes) };
  return {
    labels,
    predictions: { tensor: 'float32', shape, of: move(logitRows, classes) },
    options: defined({ activation, sharpness, axis: axisOption, mask, ignoreLabel }),
    samples,
    spatial,
    classes,
    exclusive,
    binary,
    checkable: !(exclusive && !distribution && kind === 'soft'),
  };
}

const finite = (value: number) => (Number.isFinite(value) ? value : value > 0 ? 1e4 : -1e4);

function maskValues(weights: number[], tensor: TensorSpec['tensor']): number[] {
  if (tensor === 'float32') return weights.map(Math.fround);
  return weights.map((weight) => (tensor === 'bool' ? Number(weight > 0.5) : Math.round(weight)));
}

/** Sizes small enough for short calls. */
function fitSizes(r: Raw, rules: SceneRules, leastAxes: number, classes: number) {
  const { most = 500 } = rules;
  let spatial = r.spatial.slice();
  while (spatial.length < leastAxes) spatial.push(2);
  let samples = r.samples;
  if (rules.empty === false) samples = Math.max(samples, 1);
  else if (r.emptyAxis >= 0 && r.emptyAxis < spatial.length) spatial[r.emptyAxis] = 0;
  const limit = classes > 100 ? Math.max(most, 3 * classes) : most;
  for (let bound = 4; bound > 0 && samples * sizeOf(spatial) * classes > limit; bound--) {
    spatial = spatial.map((size) => Math.min(size, bound));
    samples = Math.min(samples, bound);
  }
  return { samples, spatial, classes };
}

function normalized(row: number[]): number[] {
  const sum = row.reduce((total, value) => total + value, 0);
  return sum === 0 ? row.map((_, c) => Number(c === 0)) : row.map((value) => Math.fround(value / sum));
}

/** Turns rows [N·P][count] into [N, before, count, after]. */
function moveClasses(rows: number[][], samples: number, before: number[], count: number, after: number[]): number[] {
  const [outer, inner] = [sizeOf(before), sizeOf(after)];
  const values: number[] = [];
  for (let n = 0; n < samples; n++) {
    for (let i = 0; i < outer; i++) {
      for (let c = 0; c < count; c++) {
        for (let j = 0; j < inner; j++) values.push(rows[(n * outer + i) * inner + j]![c]!);
      }
    }
  }
  return values;
}

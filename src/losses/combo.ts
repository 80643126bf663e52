import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptionNames, fail, show } from '../checks.js';
import { SUM_NAMES, type EntropyTerm } from '../kernels/contract.js';
import { lossOfSums, type Head } from '../overlap/head.js';
import { resolveProblem, type Problem } from '../overlap/problem.js';
import { BINARY_CROSS_ENTROPY_OPTIONS, type BinaryCrossEntropyLossOptions } from './binaryCrossEntropy.js';
import { dice, type DiceLossOptions } from './dice.js';
import { iou } from './iou.js';
import { REGION_OPTIONS, type PerPixelResult, type Reduction } from './options.js';
import { perPixelHead, perPixelMap, resolvePerPixel, withSigmoid, type PerPixel } from './perPixel.js';
import { regionHead, type RegionFormula } from './region.js';
import { tversky, type TverskyLossOptions } from './tversky.js';

/** The losses that `comboLoss` adds up. */
export type ComboTerm = 'iou' | 'dice' | 'tversky' | 'crossEntropy' | 'binaryCrossEntropy';

export interface ComboLossOptions<R extends Reduction = Reduction>
  extends DiceLossOptions<R>, TverskyLossOptions<R>, BinaryCrossEntropyLossOptions<R> {
  /** The weight of each term, >= 0. Default `{ iou: 1, crossEntropy: 1 }`. */
  weights?: Partial<Record<ComboTerm, number>>;
}

const REGION_FORMULAS = { iou, dice, tversky } as const;
const TERMS: readonly string[] = ['iou', 'dice', 'tversky', 'crossEntropy', 'binaryCrossEntropy'];
const COMBO_OPTIONS = [
  ...new Set([...REGION_OPTIONS, ...dice.options, ...tversky.options, ...BINARY_CROSS_ENTROPY_OPTIONS, 'weights']),
];

/** The options that only some terms know. */
const TERMS_OF_OPTION: Record<string, readonly ComboTerm[]> = {
  absent: ['iou', 'dice', 'tversky'],
  aggregate: ['iou', 'dice', 'tversky'],
  overlap: ['iou', 'dice', 'tversky'],
  smooth: ['iou', 'dice', 'tversky'],
  squared: ['dice'],
  alpha: ['tversky'],
  beta: ['tversky'],
  gamma: ['tversky'],
  labelSmoothing: ['crossEntropy', 'binaryCrossEntropy'],
  subtractEntropy: ['crossEntropy', 'binaryCrossEntropy'],
  posWeight: ['crossEntropy', 'binaryCrossEntropy'],
};

/** A term with every option resolved: a head, or a cross-entropy of which every pixel is wanted. */
interface Term {
  name: ComboTerm;
  weight: number;
  /** For the terms that read the cross-entropy. */
  entropy: EntropyTerm | null;
  head: Head | null;
  map: PerPixel | null;
}

/**
 * A weighted sum of losses from one pass over the pixels: Σ weight·loss, so Dice and cross-entropy together cost one
 * read. Each option goes to every term that knows it.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N]` with reduction `'sample'`; with `'none'` what its terms give, if all give the same shape
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * comboLoss(labels, logits); // iouLoss + crossEntropyLoss
 * comboLoss(labels, logits, { weights: { dice: 1, crossEntropy: 0.5 }, labelSmoothing: 0.05 });
 * ```
 *
 * @see Taghanaki et al., Combo loss, 2019, arXiv 1805.02798; Isensee et al., nnU-Net, Nature Methods 2021
 */
export function comboLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: ComboLossOptions<R> = {},
): PerPixelResult<R> {
  const fn = 'comboLoss';
  checkOptionNames(fn, options, COMBO_OPTIONS);
  const { weights = { iou: 1, crossEntropy: 1 } } = options;
  checkWeights(fn, weights);
  const names = (Object.keys(weights) as ComboTerm[]).filter((name) => weights[name] !== undefined);
  checkTermOptions(fn, names, options);
  const own = names.includes('binaryCrossEntropy') ? withSigmoid(options) : options;
  return tf.tidy(() => {
    const problem = resolveProblem(fn, labels, predictions, own);
    const terms = names.map((name) => resolveTerm(fn, name, weights[name]!, own, problem));
    checkTogether(fn, terms, own);
    const entropy = terms.find((term) => term.entropy)?.entropy ?? undefined;
    const maps = terms.flatMap(({ map, weight }) => (map ? [tf.mul(perPixelMap(problem, map), weight)] : []));
    if (maps.length > 0) return tf.addN(maps);
    return lossOfSums(problem, sumOfHeads(terms), entropy);
  }) as PerPixelResult<R>;
}

function checkWeights(fn: string, weights: unknown): void {
  const ok =
    typeof weights === 'object' && weights !== null && !Array.isArray(weights) && Object.keys(weights).length > 0;
  if (!ok) fail(fn, `weights must be an object such as { iou: 1, crossEntropy: 1 }, got ${show(weights)}`);
  for (const [name, weight] of Object.entries(weights as object)) {
    if (!TERMS.includes(name)) fail(fn, `unknown term '${name}' in weights; it takes ${TERMS.join(', ')}`);
    if (weight !== undefined) checkNumber(fn, `weights.${name}`, weight, { least: 0 });
  }
}

function checkTermOptions(fn: string, names: readonly ComboTerm[], options: ComboLossOptions): void {
  for (const option of Object.keys(options)) {
    const terms = TERMS_OF_OPTION[option];
    if (terms && !terms.some((term) => names.includes(term))) {
      fail(fn, `option '${option}' goes with the terms ${terms.join(', ')}; weights has ${names.join(', ')}`);
    }
  }
}

function resolveTerm(fn: string, name: ComboTerm, weight: number, options: ComboLossOptions, problem: Problem): Term {
  const { activation, layout } = problem;
  if (name === 'crossEntropy' || name === 'binaryCrossEntropy') {
    const choice = name === 'crossEntropy' ? 'byActivation' : 'binary';
    const loss = resolvePerPixel(fn, choice, options, activation, layout.classes);
    const { entropy } = loss;
    if (loss.reduction === 'none') return { name, weight, entropy, head: null, map: loss };
    return { name, weight, entropy, head: perPixelHead(loss), map: null };
  }
  const head = regionHead(fn, REGION_FORMULAS[name] as RegionFormula<ComboLossOptions>, options, layout.classes);
  return { name, weight, entropy: null, head, map: null };
}

/** Σ weight·head. */
function sumOfHeads(terms: readonly Term[]): Head {
  const heads = terms.map(({ head }) => head!);
  return {
    sums: SUM_NAMES.filter((name) => heads.some(({ sums }) => sums.includes(name))),
    of: (a, table) => heads.map((head, i) => a.mul(head.of(a, table), terms[i]!.weight)).reduce((x, y) => a.add(x, y)),
    shape: (samples) => heads[0]!.shape(samples),
  };
}

/** Terms share one pass, so one kind of cross-entropy; and they can only be added if their shapes agree. */
function checkTogether(fn: string, terms: readonly Term[], { reduction }: ComboLossOptions): void {
  const perPixel = terms.filter(({ entropy }) => entropy);
  if (new Set(perPixel.map(({ entropy }) => entropy!.kind)).size > 1) {
    fail(fn, `crossEntropy and binaryCrossEntropy together need activation 'sigmoid'`);
  }
  if (reduction === 'none' && perPixel.length > 0 && perPixel.length < terms.length) {
    const names = terms.map(({ name }) => name).join(', ');
    fail(fn, `reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got ${names}`);
  }
}

import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkClassWeights, checkNumber, checkOptionNames, checkProduct, entriesOf, fail, show } from '../checks.js';
import type { SumsFormula } from '../overlap/sumsFormula.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { lossOfTerm, passTerm, type SumTerm } from '../overlap/terms.js';
import { BINARY_CROSS_ENTROPY_OPTIONS, type BinaryCrossEntropyLossOptions } from './binaryCrossEntropy.js';
import { dice, type DiceLossOptions } from './dice.js';
import { FOCAL_OPTIONS, resolveFocal, type FocalLossOptions } from './focal.js';
import { generalizedDice, type GeneralizedDiceLossOptions } from './generalizedDice.js';
import { iou } from './iou.js';
import { logCoshDice } from './logCoshDice.js';
import { mcc } from './mcc.js';
import { REGION_OPTIONS, type PerPixelResult, type Reduction } from './options.js';
import { OWN_PASSES, ownPassLoss, type OwnPassOptions, type OwnPassTerm } from './ownPasses.js';
import {
  isFormula,
  perPixelFormula,
  perPixelTerm,
  perPixelValue,
  resolvePerPixel,
  withSigmoid,
  type PerPixel,
} from './perPixel.js';
import { regionFormula, type RegionFormula } from './region.js';
import { tversky, type TverskyLossOptions } from './tversky.js';

/** The losses that `comboLoss` adds up. */
export type ComboTerm =
  | 'iou'
  | 'dice'
  | 'tversky'
  | 'generalizedDice'
  | 'logCoshDice'
  | 'mcc'
  | 'crossEntropy'
  | 'binaryCrossEntropy'
  | 'focal'
  | OwnPassTerm;

export interface ComboLossOptions<R extends Reduction = Reduction>
  extends
    DiceLossOptions<R>,
    TverskyLossOptions<R>,
    GeneralizedDiceLossOptions<R>,
    BinaryCrossEntropyLossOptions<R>,
    FocalLossOptions<R>,
    OwnPassOptions {
  /** The weight of each term, >= 0. Default `{ iou: 1, crossEntropy: 1 }`. */
  weights?: Partial<Record<ComboTerm, number>>;
}

const REGION_FORMULAS = { iou, dice, tversky, generalizedDice, logCoshDice, mcc } as const;
const REGION_TERMS = Object.keys(REGION_FORMULAS) as (keyof typeof REGION_FORMULAS)[];
const OWN_PASS_TERMS = Object.keys(OWN_PASSES) as OwnPassTerm[];
const TERMS: readonly ComboTerm[] = [...REGION_TERMS, 'crossEntropy', 'binaryCrossEntropy', 'focal', ...OWN_PASS_TERMS];
export const COMBO_OPTIONS = [
  ...new Set([
    ...REGION_OPTIONS,
    ...Object.values(REGION_FORMULAS).flatMap(({ options }) => options),
    ...BINARY_CROSS_ENTROPY_OPTIONS,
    ...FOCAL_OPTIONS,
    ...Object.values(OWN_PASSES).flatMap(({ options }) => options),
    'weights',
  ]),
];

/** The options that only some terms know. */
const TERMS_OF_OPTION: Record<string, readonly ComboTerm[]> = {
  activation: TERMS.filter((term) => term !== 'lovaszHinge'),
  absent: [...REGION_TERMS, 'unifiedFocal', 'clDice'],
  aggregate: [...REGION_TERMS, 'unifiedFocal', 'lovaszHinge', 'lovaszSoftmax'],
  overlap: [...REGION_TERMS, 'unifiedFocal'],
  smooth: [...REGION_TERMS, 'unifiedFocal', 'clDice'],
  squared: ['dice', 'logCoshDice'],
  log: ['dice'],
  weighting: ['generalizedDice'],
  alpha: ['tversky', 'focal', 'hausdorff'],
  beta: ['tversky'],
  gamma: ['tversky', 'focal', 'unifiedFocal'],
  labelSmoothing: ['crossEntropy', 'binaryCrossEntropy'],
  subtractEntropy: ['crossEntropy', 'binaryCrossEntropy'],
  posWeight: ['binaryCrossEntropy'],
  hardest: ['crossEntropy', 'binaryCrossEntropy', 'focal'],
  lambda: ['unifiedFocal'],
  delta: ['unifiedFocal'],
  distances: ['boundary'],
  spacing: ['boundary', 'hausdorff'],
  iterations: ['clDice'],
};

/** Options that mean another thing to each term that knows them. */
const AMBIGUOUS = ['alpha', 'gamma'] as const;

/** A term with every option resolved. */
interface Term {
  name: ComboTerm;
  weight: number;
  /** What it computes from the sums of the common pass; null for a term with a pass of its own. */
  formula: SumsFormula | null;
  perPixel: PerPixel | null;
  /** A loss that is no business of ours. */
  other: OwnPassTerm | null;
  /** Of its result with reduction 'none'. */
  shape: '[N, C]' | '[N, 1]' | 'one value per pixel';
}

/**
 * A weighted sum of losses from one pass over the pixels: Σ weight·loss, so Dice and cross-entropy together cost one
 * read. (`focal`, any term with `hardest`, and from `unifiedFocal` on all terms take passes of their own.) Each option goes
 * to every term that knows it.
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
 * comboLoss(labels, logits, { weights: { generalizedDice: 1, focal: 1 }, weighting: 'simple', gamma: 1.5 });
 * comboLoss(labels, logits, { weights: { dice: 1, boundary: 0.01 }, spacing: 0.8 });
 * ```
 *
 * @see Taghanaki et al., Combo loss, 2019, arXiv 1805.02798; Isensee et al., nnU-Net, Nature Methods 2021
 */
export function comboLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: ComboLossOptions<R> = {},
): PerPixelResult<R> {
  return tf.tidy(() => {
    const combo = resolveCombo(labels, predictions, options);
    const parts = combo.terms.filter(({ formula }) => !formula).map((term) => partOfItsOwn(combo, term));
    const together = commonTerm(combo);
    return tf.addN(together ? [...parts, lossOfTerm(together)] : parts);
  }) as PerPixelResult<R>;
}

/** The loss as terms on sums, or null if one of its terms takes more of the pixels. Inside tf.tidy. */
export function comboTerms(labels: Tensor, predictions: Tensor, options: ComboLossOptions): SumTerm[] | null {
  const combo = resolveCombo(labels, predictions, options);
  const parts = combo.terms.flatMap(({ formula, perPixel, weight }) => {
    if (formula) return [];
    return [perPixel && perPixelTerm(combo.inputs, perPixel, weight)];
  });
  const together = commonTerm(combo);
  const all = together ? [...parts, together] : parts;
  return all.every((term) => term !== null) ? all : null;
}

/** Every option resolved. */
interface Combo {
  inputs: LossInputs;
  terms: Term[];
  labels: Tensor;
  predictions: Tensor;
  /** For the terms that are no business of ours. */
  options: ComboLossOptions;
}

function resolveCombo(labels: Tensor, predictions: Tensor, options: ComboLossOptions): Combo {
  const fn = 'comboLoss';
  checkOptionNames(fn, options, COMBO_OPTIONS);
  const { weights = { iou: 1, crossEntropy: 1 } } = options;
  checkWeights(fn, weights);
  const names = (Object.keys(weights) as ComboTerm[]).filter((name) => weights[name] !== undefined);
  checkTermOptions(fn, names, options);
  const own = names.includes('binaryCrossEntropy') ? withSigmoid(options) : options;
  const inputs = resolveInputs(fn, labels, predictions, own);
  checkFactors(fn, names, options, inputs.layout.classes);
  const terms = names.map((name) => resolveTerm(fn, name, weights[name]!, own, inputs));
  checkTogether(fn, terms, own);
  return { inputs, terms, labels, predictions, options: own };
}

/** All that the common pass gives. */
function commonTerm({ inputs, terms }: Combo): SumTerm | null {
  const together = terms.filter(({ formula }) => formula);
  if (together.length === 0) return null;
  const entropy = together.find(({ perPixel }) => perPixel)?.perPixel?.entropy;
  return passTerm(inputs, sumOfFormulas(together), entropy);
}

function partOfItsOwn(combo: Combo, { perPixel, other, weight }: Term): Tensor {
  const { inputs, labels, predictions, options } = combo;
  const value = perPixel ? perPixelValue(inputs, perPixel) : ownPassLoss(other!, labels, predictions, options);
  return tf.mul(value, weight);
}

function checkWeights(fn: string, weights: unknown): void {
  const ok = typeof weights === 'object' && weights !== null && !entriesOf(weights) && Object.keys(weights).length > 0;
  if (!ok) fail(fn, `weights must be an object such as { iou: 1, crossEntropy: 1 }, got ${show(weights)}`);
  for (const [name, weight] of Object.entries(weights as object)) {
    if (!TERMS.includes(name as ComboTerm)) fail(fn, `unknown term '${name}' in weights; it takes ${TERMS.join(', ')}`);
    if (weight !== undefined) checkNumber(fn, `weights.${name}`, weight, { least: 0 });
  }
}

/** Whether float32 holds what a term is multiplied with, all of it together. */
function checkFactors(
  fn: string,
  names: readonly ComboTerm[],
  { weights = {}, classWeights, posWeight }: ComboLossOptions,
  classes: number,
): void {
  const largest = (given: unknown) => (entriesOf(given) ?? [given]).reduce<number>((a, b) => Math.max(a, Number(b)), 0);
  if (classWeights !== undefined) checkClassWeights(fn, 'classWeights', classWeights, classes);
  const ofClasses = classWeights === undefined ? 1 : largest(classWeights);
  for (const name of names) {
    const positive = name === 'binaryCrossEntropy' && posWeight !== undefined ? Math.max(1, largest(posWeight)) : 1;
    checkProduct(fn, `weights.${name}, classWeights and posWeight`, (weights[name] ?? 1) * ofClasses * positive);
  }
}

function checkTermOptions(fn: string, names: readonly ComboTerm[], options: ComboLossOptions): void {
  for (const option of Object.keys(options)) {
    const terms = TERMS_OF_OPTION[option];
    if (terms && !terms.some((term) => names.includes(term))) {
      fail(fn, `option '${option}' goes with the terms ${terms.join(', ')}; weights has ${names.join(', ')}`);
    }
  }
  if (options.posWeight !== undefined && names.includes('crossEntropy')) {
    fail(
      fn,
      `option 'posWeight' goes with binaryCrossEntropy, which shares its pass with crossEntropy: take one of them`,
    );
  }
  for (const option of AMBIGUOUS) {
    const [one, other] = TERMS_OF_OPTION[option]!.filter((term) => names.includes(term));
    if (options[option] !== undefined && other) {
      fail(fn, `option '${option}' means one thing to ${one} and another to ${other}: add up two losses instead`);
    }
  }
}

function resolveTerm(fn: string, name: ComboTerm, weight: number, options: ComboLossOptions, inputs: LossInputs): Term {
  const { activation, layout } = inputs;
  if (name === 'crossEntropy' || name === 'binaryCrossEntropy') {
    const choice = name === 'crossEntropy' ? 'byActivation' : 'binary';
    return entropyTerm(name, weight, resolvePerPixel(fn, choice, options, activation, layout.classes));
  }
  if (name === 'focal') return entropyTerm(name, weight, resolveFocal(fn, options, activation, layout.classes));
  if (name in OWN_PASSES) {
    return { name, weight, formula: null, perPixel: null, other: name as OwnPassTerm, shape: '[N, C]' };
  }
  const region = REGION_FORMULAS[name as keyof typeof REGION_FORMULAS] as RegionFormula<ComboLossOptions>;
  const formula = regionFormula(fn, region, options, layout.classes);
  return { name, weight, formula, perPixel: null, other: null, shape: region.acrossClasses ? '[N, 1]' : '[N, C]' };
}

function entropyTerm(name: ComboTerm, weight: number, perPixel: PerPixel): Term {
  // The cross-entropy of the focal term may be of another kind than that of the common pass.
  const formula = isFormula(perPixel) && name !== 'focal' ? perPixelFormula(perPixel) : null;
  return { name, weight, perPixel, formula, other: null, shape: 'one value per pixel' };
}

/** Σ weight·formula. */
function sumOfFormulas(terms: readonly Term[]): SumsFormula {
  const formulas = terms.map(({ formula }) => formula!);
  return {
    sums: formulas.flatMap(({ sums }) => sums),
    of: (a, table) =>
      formulas.map((formula, i) => a.mul(formula.of(a, table), terms[i]!.weight)).reduce((x, y) => a.add(x, y)),
    shape: (samples) => formulas[0]!.shape(samples),
  };
}

/** Terms share one pass, so one kind of cross-entropy; and they can only be added if their shapes agree. */
function checkTogether(fn: string, terms: readonly Term[], { reduction }: ComboLossOptions): void {
  const entropies = terms.filter(({ name, perPixel }) => perPixel && name !== 'focal');
  if (new Set(entropies.map(({ perPixel }) => perPixel!.entropy.kind)).size > 1) {
    fail(fn, `crossEntropy and binaryCrossEntropy together need activation 'sigmoid'`);
  }
  if (reduction === 'none' && new Set(terms.map(({ shape }) => shape)).size > 1) {
    const names = terms.map(({ name }) => name).join(', ');
    fail(fn, `reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got ${names}`);
  }
}

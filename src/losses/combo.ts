import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkClassWeights, checkProduct, entriesOf, fail, showShape } from '../checks.js';
import { isShared, TERM_RULES, termsAsJson, termsOfList, termsOfWeights } from './descriptions/comboTerms.js';
import type { ComboTerm, OptionsOfTerm, Term, TermOptions } from './descriptions/comboTerms.js';
import { mergeTerms } from '../overlap/mergeTerms.js';
import { makePassLoss } from './descriptions/makeLoss.js';
import type { PixelLoss, PixelTerm, PredictionSpec, ResolvedLoss } from './descriptions/lossDescription.js';
import { joinRules, OTHER, type OptionRules } from './descriptions/optionRules.js';
import type { ClassOptions, Reduction } from './families/options.js';

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;

/** The options of all losses that `weights` can name. */
type AllOptions = Intersection<OptionsOfTerm[ComboTerm]>;

/** The options of `comboLoss`, and of the losses that `weights` names; other options are refused. */
export type ComboLossOptions<R extends Reduction = Reduction> = Omit<AllOptions, 'reduction' | keyof ClassOptions> &
  ClassOptions & {
    /**
     * `'mean'` (default) or `'sum'`: a scalar; `'sample'`: `[N]`; `'none'`: the shape of the terms, if it is the same
     * for all.
     */
    reduction?: R;
    /** The weight of each term, >= 0. Default `{ iou: 1, crossEntropy: 1 }`. */
    weights?: Partial<Record<ComboTerm, number>>;
    /** The terms with options of their own, instead of `weights`. */
    terms?: readonly TermOptions[];
  };

/**
 * A weighted sum of losses, Σ weight·loss, from one pass over the pixels: Dice and cross-entropy together read labels
 * and predictions only once. Some terms need a pass of their own: a second kind of cross-entropy (`focal` and
 * `unifiedFocal` have kinds of their own), any term with `hardest`, and the Lovász, boundary, Hausdorff and clDice
 * losses.
 *
 * `weights` names the terms, and each option goes to every term that has it. `terms` gives each term options of its
 * own; next to `terms` only the options of the inputs (`activation`, `sharpness`, `axis`, `mask`, `ignoreLabel`) and
 * `reduction` are allowed, which are the same for all terms.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N]` with reduction `'sample'`; with `'none'` the shape of its terms, if all give the same one
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
 * // the loss of nnU-Net: Dice without the background, and cross-entropy with it
 * comboLoss(labels, logits, { terms: [{ loss: diceLoss, classes: [1] }, { loss: crossEntropyLoss }] });
 * ```
 *
 * @see Taghanaki et al., Combo loss, 2019, arXiv 1805.02798; Isensee et al., nnU-Net, Nature Methods 2021
 * @function
 */
export const comboLoss: PixelLoss<ComboLossOptions> = /* @__PURE__ */ makePassLoss<
  ComboLossOptions,
  PixelLoss<ComboLossOptions>
>({
  name: 'comboLoss',
  options: /* @__PURE__ */ joinRules(TERM_RULES, {
    weights: OTHER,
    terms: { kind: 'other', toJson: termsAsJson },
  }) as OptionRules<ComboLossOptions>,
  own: ['weights', 'terms'],
  // The boundary loss may be below 0.
  range: [-Infinity, Infinity],
  lowestAtLabels: (options) =>
    inFunction(FN, () => termsOf(options).every(({ description, options: own }) => description.lowestAtLabels(own))),
  activation: (options) =>
    termsOf(options)
      .map(({ description, options: own }) => description.activation?.(own))
      .find(Boolean),
  resolve(reading, options) {
    const terms = termsOf(options);
    checkFactors(terms, reading);
    checkReductions(terms, options.reduction);
    const resolved = terms.map((term) => weighted(resolveTerm(term, reading), term.weight));
    if (!options.terms) checkOneEntropy(terms, resolved);
    if (options.reduction === 'none') checkShapes(terms, resolved);
    return {
      terms: mergeTerms(resolved.flatMap((each) => each.terms)),
      others: resolved.flatMap((each) => each.others),
      shape: resolved[0]!.shape,
    };
  },
});

const FN = 'comboLoss';

function termsOf({ weights, terms, ...rest }: ComboLossOptions): Term[] {
  if (terms === undefined) return termsOfWeights(weights ?? { iou: 1, crossEntropy: 1 }, rest);
  if (weights !== undefined) fail('weights cannot be combined with terms: give each term its own weight');
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && !isShared(name)) fail(`with terms, give ${name} inside the terms that it is meant for`);
  }
  return termsOfList(terms, rest);
}

/** True if the term is from `terms`, so that its label has an index. A term from `weights` is labelled by its name. */
const isInList = ({ label, description }: Term) => label !== description.name.replace(/Loss$/, '');

const inTerm = <T>(term: Term, run: () => T): T => inFunction(isInList(term) ? `${FN}: ${term.label}` : FN, run);

function resolveTerm(term: Term, reading: PredictionSpec): ResolvedLoss {
  const { label, loss, description, options } = term;
  const { resolve } = description;
  if (resolve) return inTerm(term, () => resolve(reading, options));
  const { reduction } = options as { reduction?: Reduction };
  const other: PixelTerm = (inputs, labels, predictions) => {
    const value = loss(labels, predictions, options);
    const { samples } = inputs.layout;
    const wanted = reduction === 'none' ? value.shape : reduction === 'sample' ? [samples] : [];
    if (showShape(value.shape) !== showShape(wanted)) {
      fail(`${label} must give shape ${showShape(wanted)}, got ${showShape(value.shape)}`);
    }
    return value;
  };
  return { terms: [], others: [other], shape: '[N, C]' };
}

function weighted({ terms, others, shape }: ResolvedLoss, weight: number): ResolvedLoss {
  const times = (other: PixelTerm): PixelTerm => {
    return (...args) => tf.mul<Tensor>(other(...args), weight);
  };
  return {
    terms: terms.map((term) => ({ ...term, weight: weight * term.weight })),
    others: weight === 1 ? others : others.map(times),
    shape,
  };
}

/** Refuses a term if the product of its factors is too large for float32. */
function checkFactors(terms: readonly Term[], { classes }: PredictionSpec): void {
  const largest = (given: unknown) => (entriesOf(given) ?? [given]).reduce<number>((a, b) => Math.max(a, Number(b)), 0);
  for (const term of terms) {
    const { label, weight, options } = term;
    const { classWeights, posWeight } = options as { classWeights?: unknown; posWeight?: unknown };
    inTerm(term, () => {
      if (classWeights !== undefined) checkClassWeights('classWeights', classWeights, classes);
      const classFactor = classWeights === undefined ? 1 : largest(classWeights);
      const positive = posWeight === undefined ? 1 : Math.max(1, largest(posWeight));
      const own = isInList(term) ? 'weight' : `weights.${label}`;
      checkProduct(`${own}, classWeights and posWeight`, weight * classFactor * positive);
    });
  }
}

/** Refuses reductions to several values with a term that has no option `reduction`, and so gives a single value. */
function checkReductions(terms: readonly Term[], reduction: Reduction | undefined): void {
  if (reduction !== 'sample' && reduction !== 'none') return;
  for (const { label, description } of terms) {
    if ('reduction' in description.options) continue;
    fail(`reduction must be 'mean' or 'sum', got '${reduction}': ${label} has no option reduction`);
  }
}

/** Refuses two kinds of cross-entropy in `weights`: its terms share a pass, which has room for one. */
function checkOneEntropy(terms: readonly Term[], losses: readonly ResolvedLoss[]): void {
  const entropies = losses.filter((_, i) => 'labelSmoothing' in terms[i]!.description.options);
  const kinds = entropies.flatMap((loss) => loss.terms.map(({ entropy }) => entropy?.kind));
  if (new Set(kinds).size > 1) fail(`crossEntropy and binaryCrossEntropy together need activation 'sigmoid'`);
}

function checkShapes(terms: readonly Term[], losses: readonly ResolvedLoss[]): void {
  if (new Set(losses.map(({ shape }) => shape)).size > 1) {
    const names = terms.map(({ label }) => label).join(', ');
    fail(`reduction 'none' needs terms of one shape ([N, C] or one value per pixel), got ${names}`);
  }
}

/**
 * A region loss as a formula on the sums of a pass. The formula of a loss is applied to I, P and T, which are taken
 * from the table of sums in the metric, product or squared form, per image or per batch; then classes and samples are
 * reduced.
 */
import type { Algebra } from '../../algebra/algebra.js';
import { fail } from '../../checks.js';
import type { SumName } from '../../kernels/contract.js';
import type { SumsFormula, SumsOf } from '../../overlap/sumsFormula.js';
import { resolveClasses } from './classes.js';
import { completeOptions, type OptionRules } from '../descriptions/optionRules.js';
import { REGION_RULES, type RegionOptions } from './options.js';
import { countedClasses, reduceClasses, resolveAbsent, withAbsent } from './reduceClasses.js';

/** I, P and T of the formulas, [N,C] each, and V [N,1]. */
export interface RegionSums<M> {
  intersection: M;
  predicted: M;
  labelled: M;
  valid: M;
  /**
   * The class weights [N,C], for formulas that add up classes; 0 for classes that do not count, and for absent ones
   * under `absent: 'penalize'`, whose cost is added later.
   */
  classWeights: M;
}

/** The options of a region loss that it does not share with the others. */
export type OwnOptions<O extends RegionOptions> = Omit<O, keyof RegionOptions>;

/** The own options of a region loss, checked and with defaults filled in, and `smooth`. */
export type ResolvedOptions<O extends RegionOptions> = Required<OwnOptions<O>> & { smooth: number };

/** The formula of a region loss. */
export interface RegionValue<O extends RegionOptions> {
  /** The rules of its own options. */
  options: OptionRules<OwnOptions<O>>;
  /** True to use the squared sums Σ p² and Σ t² for P and T, with which I is Σ p t in both forms of `overlap`. */
  squared?(options: ResolvedOptions<O>): boolean;
  /** Set if the formula adds up classes, and so gives one value per sample, [N,1]. */
  acrossClasses?: boolean;
  /** The value per sample and class, [N,C], or per sample, [N,1], with `acrossClasses`; computed with the algebra. */
  value<M>(algebra: Algebra<M>, sums: RegionSums<M>, options: ResolvedOptions<O>): M;
}

/** Checks the options, and returns the formula for the given number of classes. */
export function regionFormula<O extends RegionOptions>(loss: RegionValue<O>, options: O, classes: number): SumsFormula {
  const absent = resolveAbsent(options, classes);
  const { aggregate, overlap, smooth, reduction } = completeOptions<RegionOptions, keyof typeof SHARED>(
    SHARED,
    options,
  );
  const own = { ...completeOptions(loss.options, options), smooth } as ResolvedOptions<O>;
  if (reduction === 'sample' && aggregate === 'batch') {
    fail(`reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample`);
  }
  const form: OverlapForm = loss.squared?.(own) ? squaredForm : overlap === 'metric' ? metricForm : productForm;
  const acrossClasses = loss.acrossClasses ?? false;
  const counted = resolveClasses(options, classes);
  return {
    // 'labelled' says which classes are absent, and 'predicted' what they cost.
    sums: [...form.sums, 'labelled', 'predicted'],
    value(a, images) {
      const table = aggregate === 'batch' ? sumOfSamples(a, images) : images;
      const weights = a.mul(countedClasses(a, absent, counted, table), a.row(counted.weights));
      const classWeights = absent === 'penalize' ? a.mul(weights, a.step(table.labelled)) : weights;
      const values = loss.value(a, { ...form.read(table), valid: table.valid, classWeights }, own);
      return reduceClasses(a, withAbsent(a, absent, values, table), weights, reduction, acrossClasses);
    },
    shape(samples) {
      if (reduction === 'none') return [aggregate === 'batch' ? 1 : samples, acrossClasses ? 1 : classes];
      return reduction === 'sample' ? [samples] : [];
    },
  };
}

/** The rules of the options that are resolved here; the others are those of the inputs and of the classes. */
const SHARED = {
  aggregate: REGION_RULES.aggregate,
  overlap: REGION_RULES.overlap,
  smooth: REGION_RULES.smooth,
  reduction: REGION_RULES.reduction,
};

/** A form of I, P and T: the sums that it needs from the table, and how it takes I, P and T from them. */
interface OverlapForm<S extends SumName = SumName> {
  sums: readonly S[];
  read<M>(table: SumsOf<M, S>): Pick<RegionSums<M>, 'intersection' | 'predicted' | 'labelled'>;
}

const productForm: OverlapForm<'intersection' | 'predicted' | 'labelled'> = {
  sums: ['intersection', 'predicted', 'labelled'],
  read: ({ intersection, predicted, labelled }) => ({ intersection, predicted, labelled }),
};

const metricForm: OverlapForm<'predicted' | 'labelled' | 'minimum'> = {
  sums: ['predicted', 'labelled', 'minimum'],
  read: ({ predicted, labelled, minimum }) => ({ intersection: minimum, predicted, labelled }),
};

const squaredForm: OverlapForm<'intersection' | 'predictedSquared' | 'labelledSquared'> = {
  sums: ['intersection', 'predictedSquared', 'labelledSquared'],
  read: ({ intersection, predictedSquared, labelledSquared }) => ({
    intersection,
    predicted: predictedSquared,
    labelled: labelledSquared,
  }),
};

/** The table of the whole batch as one image. */
function sumOfSamples<M>(a: Algebra<M>, table: SumsOf<M>): SumsOf<M> {
  return Object.fromEntries(Object.entries(table).map(([name, sum]) => [name, a.sumOfRows(sum as M)])) as SumsOf<M>;
}

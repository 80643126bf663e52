import { makePassLoss } from './makeLoss.js';
import type { ClassLoss } from './lossDescription.js';
import { joinRules, type OptionRule, type OptionRules } from './optionRules.js';
import { REGION_RULES, type RegionOptions } from '../families/options.js';
import { regionFormula, type RegionValue } from '../families/regionFormula.js';

/** The definition of a region loss: a loss that is a formula on the sums I, P and T over the pixels of a class. */
export interface RegionDefinition<O extends RegionOptions> extends RegionValue<O> {
  /** The name in errors and files, say `'myLoss'`. */
  name: string;
  /** Its smallest and largest value. Default [0, 1]. */
  range?: readonly [lowest: number, highest: number];
  /** Gives true for options with which the loss is smallest at p = t. Default: all except `overlap: 'product'`. */
  lowestAtLabels?: (options: O) => boolean;
}

/** Makes a region loss, with the options that all of them share. */
export function makeRegionLoss<O extends RegionOptions = RegionOptions>(definition: RegionDefinition<O>): ClassLoss<O> {
  const { name, options, range = [0, 1], lowestAtLabels = ({ overlap }) => overlap !== 'product' } = definition;
  const shape = definition.acrossClasses ? '[N, 1]' : '[N, C]';
  return makePassLoss({
    name,
    options: joinRules(REGION_RULES, options as Record<string, OptionRule>) as unknown as OptionRules<O>,
    own: Object.keys(options) as (keyof O & string)[],
    range,
    lowestAtLabels,
    resolve: ({ classes }, given) => ({
      terms: [{ weight: 1, formula: regionFormula(definition, given, classes) }],
      others: [],
      shape,
    }),
  });
}
